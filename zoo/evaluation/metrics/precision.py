"""Precision: the share of targets in a list."""

from torch import Tensor

from zoo.evaluation.metric import EvaluatedLists, Facts, QueryMetric
from zoo.metric_params import CutoffParams


def precision(judged: EvaluatedLists) -> Tensor:
    """Return the number of targets among the k slots, divided by k, `[Q]` float64. Empty slots are misses.

    Example:
        Ten slots with two targets: 0.2, even if six of the ten are empty.
    """
    return judged.hits.double().mean(1)


class Precision(QueryMetric[CutoffParams]):
    """Share of the k slots of a list that hold a target."""

    title = "precision"

    def values(self, judged: EvaluatedLists, facts: Facts) -> Tensor:
        """Return the value of each query, `[Q]`."""
        return precision(judged)

    def chance(self, n_candidates: Tensor, n_targets: Tensor) -> Tensor:
        """Return the share of targets among the candidates, times the share of slots that can be filled."""
        return n_targets / n_candidates * n_candidates.clamp(max=self.k) / self.k
