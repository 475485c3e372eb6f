"""A ranker that is trained through a differentiable sorting network."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

from shopzoo_sorting.comparator import Comparator
from shopzoo_sorting.encoders import encoder
from shopzoo_sorting.loss import ndcg_loss, permutation_loss
from shopzoo_sorting.network import SoftSort
from shopzoo_sorting.params import SortingNetworkParams
from zoo.api import NeuralRanker


class SortingNetwork(NeuralRanker[SortingNetworkParams]):
    """A scorer trained through a differentiable sorting network (Petersen et al., ICML 2021, ICLR 2022).

    The scores of a list are sorted softly by a bitonic or odd-even network, each comparison of which swaps a share of its
    pair; the same swaps move the gains of the candidates, and the loss is 1 - NDCG of the sorted gains. Ranking is a hard
    sort by score. What differs from the papers: they compare the relaxed permutation matrix with the true one, `loss =
    "permutation"`, which suits lists with one true order; here items with equal labels are interchangeable, and the matrix is
    never stored. `wires = "random"` draws the assignment of candidates to wires in each step, while the papers use the order
    of the list; so the candidates that a candidate is compared with vary.

    With `mode = "comparator"` it is SortNet (Rigutini et al., 2011): a network that is antisymmetric by construction compares
    two candidates, is trained on pairs, and makes the comparisons of the sorting network. What differs: pairs are drawn anew
    in each step, while SortNet collects misclassified pairs; the loss is logistic, not squared.

    It needs features, but no real times. An epoch reads each list with at least two different labels once.
    """

    def build(self, width: int) -> nn.Module:
        """Return the scorer, or the comparator."""
        p = self.params
        if p.mode == "scorer":
            return super().build(width)
        return Comparator(encoder(p, width), p.dim, p.network)

    def loss(self, scores: Tensor, labels: Tensor, mask: Tensor) -> Tensor:
        """Return the loss of the soft order of scores `[B, K]`, or of the comparator's vectors `[B, K, 2 D]`."""
        p = self.params
        if p.mode == "comparator":
            comparator = cast("Comparator", self.network.scorer)
            return comparator.agreement(scores, labels, mask, p.partners)
        sort = SoftSort(p.network, p.sigmoid, p.steepness, p.wires)
        loss = {"ndcg": ndcg_loss, "permutation": permutation_loss}[p.loss]
        return loss(scores, labels, mask, sort, p.loss_cutoff)
