"""A ranker that is trained through a sort."""

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
    """A scorer under the loss of a differentiable sorting network (Petersen et al., ICML 2021, ICLR 2022).

    The scores of a list are sorted softly, by the comparisons of a bitonic or odd-even network of which each swaps a part of
    its pair; the gains of the candidates travel by the same swaps, and what arrives is worth 1 - NDCG. To rank is a hard
    sort by score. What differs from the papers: they compare the matrix of the permutation with the true one, `loss =
    "permutation"`, which is at home where a list has one true order; here items of one label may stand for each other, and
    the matrix is never made. `wires = "random"` draws which candidate takes which wire of the network in each step, which
    the papers leave to the order of the list: so no candidate meets the same others over and over.

    With `mode = "comparator"` it is SortNet (Rigutini et al., 2011) instead: a network that is antisymmetric by construction
    says which of two candidates stands higher, it learns from pairs, and the sorting network asks it to rank. What differs:
    pairs are drawn anew in each step, where SortNet collects those it got wrong; the loss is logistic, not squared.

    It needs features and no clock. An epoch goes once through the lists that have two labels which differ.
    """

    def build(self, width: int) -> nn.Module:
        """Return the scorer, or the comparator."""
        p = self.params
        if p.mode == "scorer":
            return super().build(width)
        return Comparator(encoder(p, width), p.dim, p.network)

    def loss(self, scores: Tensor, labels: Tensor, mask: Tensor) -> Tensor:
        """Return the loss of the soft order of scores `[B, K]`, or of the comparator's answers `[B, K, 2 D]`."""
        p = self.params
        if p.mode == "comparator":
            comparator = cast("Comparator", self.network.scorer)
            return comparator.agreement(scores, labels, mask, p.partners)
        sort = SoftSort(p.network, p.sigmoid, p.steepness, p.wires)
        loss = {"ndcg": ndcg_loss, "permutation": permutation_loss}[p.loss]
        return loss(scores, labels, mask, sort, p.loss_cutoff)
