"""A ranker that is pretrained to order lists without labels."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from shopzoo_sorting.autoencoder import Reconstruction, SetAutoencoder
from shopzoo_sorting.loss import ndcg_loss
from shopzoo_sorting.network import SoftSort
from shopzoo_sorting.params import SortingAutoencoderParams
from zoo.api import ListExamples, NeuralRanker, RunContext
from zoo.nn import gains


class SortingAutoencoder(NeuralRanker[SortingAutoencoderParams]):
    """A permutation-equivariant set autoencoder with a sort as its bottleneck.

    This combination is not published; its parts are. Self-attention encodes a list (Set Transformer, Lee et al., 2019) and
    gives each candidate a score and a short code, by default none. The codes are sorted softly by the scores (Petersen et al.,
    2022), and the first `places` are kept. From each place and its code the decoder reconstructs the features of the candidate,
    and the sort is undone as in FSPool (Zhang et al., ICLR 2020). The inputs are corrupted, and the features can only be
    reconstructed if the order is informative. This pretraining needs no labels and uses all lists. Supervised training then
    fits the scores to the relaxed NDCG, and the decoder to the feedback at each place, with a multinomial likelihood over the
    list as in Mult-VAE (Liang et al., WWW 2018). Ranking is a hard sort by score.

    A reversed order is equally informative, so pretraining uses the labels to choose the direction, and for nothing else. It
    needs features, but no real times. A pretraining epoch reads all lists once, a training epoch those with at least two
    different labels.
    """

    def build(self, width: int) -> nn.Module:
        """Return the autoencoder."""
        return SetAutoencoder(width, self.params)

    def loss(self, scores: Tensor, labels: Tensor, mask: Tensor) -> Tensor:
        """Return the loss of scores, decoded feedback and reconstruction errors, `[B, K, 3]`."""
        p = self.params
        scores, feedback, wrong = scores.unbind(-1)
        order = ndcg_loss(scores, labels, mask, SoftSort(p.network, p.sigmoid, p.steepness, "random"))
        gain = gains(labels) * mask
        chances = feedback.masked_fill(~mask, -torch.inf).log_softmax(1).masked_fill(~mask, 0.0)
        likelihood = -(gain / gain.sum(1, keepdim=True).clamp(min=1e-9) * chances).sum(1).mean()
        return order + p.feedback * likelihood + p.reconstruction * (wrong * mask).sum() / mask.sum().clamp(min=1)

    def pretrain(self, scorer: nn.Module, examples: ListExamples, context: RunContext) -> None:
        """Learn to reconstruct the features of candidates from their places."""
        network, p = cast("SetAutoencoder", scorer), self.params
        self._choose_direction(network, examples, context)
        if p.pretrain_epochs:
            # Pretraining uses no feedback head and, without a sort, no scores. Distributed training requires that every
            # trainable parameter takes part in the loss.
            idle = [network.feedback, *([] if p.sorting == "soft" else [network.rank])]
            for part in idle:
                part.requires_grad_(False)
            self.learn(Reconstruction(network, p), examples, context, p.pretrain_epochs)
            for part in idle:
                part.requires_grad_(True)
        self._choose_direction(network, examples, context)

    def _choose_direction(self, network: SetAutoencoder, examples: ListExamples, context: RunContext) -> None:
        """Reverse the order if the scores correlate negatively with the labels."""
        agreement = torch.zeros((), device=context.device)
        network.eval()
        with torch.no_grad():
            for batch in examples:
                moved = batch.to(context.device)
                if moved.labels.any():
                    scores, count = network(moved.inputs, moved.mask), moved.mask.sum(1, keepdim=True).clamp(min=1)
                    centered = (scores - (scores * moved.mask).sum(1, keepdim=True) / count) * moved.mask
                    size = centered.square().sum(1).sqrt().clamp(min=1e-9)
                    agreement += ((centered * moved.labels).sum(1) / size).sum()
        if agreement < 0:
            network.reverse()
        network.train()
