"""NDCG: normalised discounted cumulative gain."""

from torch import Tensor

from zoo.evaluation.metric import EvaluatedLists, Facts, QueryMetric
from zoo.metric_params import CutoffParams
from zoo.nn.lists import discounts


def ndcg(judged: EvaluatedLists) -> Tensor:
    """Return the discounted gain of a list divided by that of the ideal list, `[Q]` float64.

    A target at rank r has the discounted gain 1 / log2(r + 1). The ideal is the sum of the first min(k, |G|) discounts.
    (Implementations that always divide by the ideal of k targets give other values.) With graded targets each discount
    is multiplied by the gain of the target, and the ideal is that of the best order.

    Example:
        One target, at rank 3: 1 / log2(4) = 0.5.
    """
    gains = discounts(judged.k)
    if judged.gains is not None and judged.best_gains is not None:
        return (judged.gains @ gains) / (judged.best_gains @ gains)
    return (judged.hits.double() @ gains) / ideal(judged.n_targets, judged.k)


def ideal(n_targets: Tensor, k: int) -> Tensor:
    """Return the sum of the first min(k, n) discounts for each number of targets n >= 1, `[Q]` float64."""
    return discounts(k).cumsum(0)[n_targets.long().clamp(max=k) - 1]


class NDCG(QueryMetric[CutoffParams]):
    """Normalised discounted cumulative gain with binary gains (Järvelin and Kekäläinen, TOIS 2002)."""

    title = "ndcg"

    def values(self, judged: EvaluatedLists, facts: Facts) -> Tensor:
        """Return the value of each query, `[Q]`."""
        return ndcg(judged)

    def chance(self, n_candidates: Tensor, n_targets: Tensor) -> Tensor:
        """Return the expected gain, |G| / N times the discounts of the ranks that N candidates fill, over the ideal."""
        reached = discounts(self.k).cumsum(0)[n_candidates.long().clamp(max=self.k) - 1]
        return n_targets / n_candidates * reached / ideal(n_targets, self.k)
