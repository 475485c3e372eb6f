"""Hit: whether a list contains a target."""

import torch
from torch import Tensor

from zoo.evaluation.metric import EvaluatedLists, Facts, QueryMetric
from zoo.metric_params import CutoffParams


def hit(judged: EvaluatedLists) -> Tensor:
    """Return 1 if any target is among the k slots, else 0, `[Q]` float64.

    Example:
        The first of two lists has its target at rank 2, the second has no target: `[1.0, 0.0]`.
    """
    return judged.hits.any(1).double()


def no_hit(n_candidates: Tensor, n_targets: Tensor, draws: int) -> Tensor:
    """Return the probability that `draws` draws without replacement contain no target, `[Q]` float64."""
    drawn = torch.arange(draws, dtype=torch.float64)
    left = n_candidates[:, None] - drawn
    return torch.where(left > 0, (left - n_targets[:, None]).clamp_(min=0) / left, 1.0).prod(1)


class Hit(QueryMetric[CutoffParams]):
    """Share of the queries with a target in the list, `HR@k`: 1 if any target is among the k slots, else 0."""

    title = "hit"

    def values(self, judged: EvaluatedLists, facts: Facts) -> Tensor:
        """Return the value of each query, `[Q]`."""
        return hit(judged)

    def chance(self, n_candidates: Tensor, n_targets: Tensor) -> Tensor:
        """Return `1 - C(N - G, k) / C(N, k)`."""
        return 1 - no_hit(n_candidates, n_targets, self.k)
