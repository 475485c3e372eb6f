"""NDCG: targets found, the earlier the better."""

from torch import Tensor

from zoo.evaluation.metric import EvaluatedLists, Facts, QueryMetric
from zoo.evaluation.metric_params import CutoffParams
from zoo.nn.lists import discounts


def ndcg(judged: EvaluatedLists) -> Tensor:
    """Return the discounted gain of a list as a share of the best that |G| targets can reach within k, `[Q]` float64.

    The gain of a target at rank r is 1 / log2(r + 1). With one target the ideal is 1; with more it is the sum of the
    first min(k, |G|) discounts. (What is divided by the ideal of k targets whatever |G| cannot be compared to this.)
    Where targets are graded, each gain counts so often as the target is worth, and the ideal is that of the best order.

    Example:
        One target, found at rank 3: 1 / log2(4) = 0.5.
    """
    gains = discounts(judged.k)
    if judged.gains is not None and judged.best_gains is not None:
        return (judged.gains @ gains) / (judged.best_gains @ gains)
    return (judged.hits.double() @ gains) / ideal(judged.n_targets, judged.k)


def ideal(n_targets: Tensor, k: int) -> Tensor:
    """Return the best sum of discounts that each number of targets, at least 1, reaches within k, `[Q]` float64."""
    return discounts(k).cumsum(0)[n_targets.long().clamp(max=k) - 1]


class NDCG(QueryMetric[CutoffParams]):
    """Normalised discounted cumulative gain with binary gains (Järvelin and Kekäläinen, TOIS 2002)."""

    title = "ndcg"

    def values(self, judged: EvaluatedLists, facts: Facts) -> Tensor:
        """Return each query's value, `[Q]`."""
        return ndcg(judged)

    def chance(self, n_candidates: Tensor, n_targets: Tensor) -> Tensor:
        """Return the share of targets at every rank that can be filled, discounted, over the ideal."""
        reached = discounts(self.k).cumsum(0)[n_candidates.long().clamp(max=self.k) - 1]
        return n_targets / n_candidates * reached / ideal(n_targets, self.k)
