"""A ranker that learns to order lists before it is told how."""

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

    No paper has this method; it is composed here of published parts. Self-attention encodes a list (Set Transformer, Lee et
    al., 2019) and gives each candidate a score and a short code, by default none. The codes are sorted softly by the scores (Petersen et al.,
    2022), and the first `places` are kept. From a place and its code the decoder tells the features of whoever stands
    there, and the sort is undone, as FSPool does it (Zhang et al., ICLR 2020). So features can be told from places only if the
    order means something; what is to be told was corrupted on the way in. This needs no labels and trains first, on all
    lists. Then labels teach the scores the relaxed NDCG of their order, and the decoder the feedback at each place, a
    multinomial over the list as in Mult-VAE (Liang et al., WWW 2018). To rank is a hard sort by score.

    An order means as much backwards: in pretraining the labels decide which end is the best one, and nothing else. It needs features and
    no clock. An epoch of pretraining goes once through all lists, one of training through those with two labels that differ.
    """

    def build(self, width: int) -> nn.Module:
        """Return the autoencoder."""
        return SetAutoencoder(width, self.params)

    def loss(self, scores: Tensor, labels: Tensor, mask: Tensor) -> Tensor:
        """Return the loss of scores, decoded feedback and errors of reconstruction, `[B, K, 3]`."""
        p = self.params
        scores, feedback, wrong = scores.unbind(-1)
        order = ndcg_loss(scores, labels, mask, SoftSort(p.network, p.sigmoid, p.steepness, "random"))
        gain = gains(labels) * mask
        chances = feedback.masked_fill(~mask, -torch.inf).log_softmax(1).masked_fill(~mask, 0.0)
        told = -(gain / gain.sum(1, keepdim=True).clamp(min=1e-9) * chances).sum(1).mean()
        return order + p.feedback * told + p.reconstruction * (wrong * mask).sum() / mask.sum().clamp(min=1)

    def pretrain(self, scorer: nn.Module, examples: ListExamples, context: RunContext) -> None:
        """Learn to tell the features of candidates from their places."""
        network, p = cast("SetAutoencoder", scorer), self.params
        self._face(network, examples, context)
        if p.pretrain_epochs:
            # Nothing is decoded but features, and where nothing is sorted no score matters: processes that train
            # together ask of every parameter that it had a part.
            idle = [network.feedback, *([] if p.sorting == "soft" else [network.rank])]
            for part in idle:
                part.requires_grad_(False)
            self.learn(Reconstruction(network, p), examples, context, p.pretrain_epochs)
            for part in idle:
                part.requires_grad_(True)
        self._face(network, examples, context)

    def _face(self, network: SetAutoencoder, examples: ListExamples, context: RunContext) -> None:
        """Turn the order round where labels rise towards its end."""
        agreement = torch.zeros((), device=context.device)
        network.eval()
        with torch.no_grad():
            for batch in examples:
                there = batch.to(context.device)
                if there.labels.any():
                    scores, count = network(there.inputs, there.mask), there.mask.sum(1, keepdim=True).clamp(min=1)
                    apart = (scores - (scores * there.mask).sum(1, keepdim=True) / count) * there.mask
                    size = apart.square().sum(1).sqrt().clamp(min=1e-9)
                    agreement += ((apart * there.labels).sum(1) / size).sum()
        if agreement < 0:
            network.turn()
        network.train()
