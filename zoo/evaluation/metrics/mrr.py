"""Mean reciprocal rank of the first target."""

import torch
from torch import Tensor

from zoo.evaluation.metric import EvaluatedLists, Facts, QueryMetric
from zoo.evaluation.metrics.hit import no_hit
from zoo.metric_params import CutoffParams


def reciprocal_rank(judged: EvaluatedLists) -> Tensor:
    """Return 1 / rank of the first target among the k slots, 0 without a hit, `[Q]` float64.

    Example:
        Targets at ranks 2 and 5: 0.5.
    """
    return (judged.hits / judged.ranks).amax(1)


class MRR(QueryMetric[CutoffParams]):
    """Mean of 1 / rank of the first target; 0 for a list without a target."""

    title = "mrr"

    def values(self, judged: EvaluatedLists, facts: Facts) -> Tensor:
        """Return the value of each query, `[Q]`."""
        return reciprocal_rank(judged)

    def chance(self, n_candidates: Tensor, n_targets: Tensor) -> Tensor:
        """Return the sum over ranks r of 1 / r times the probability that the first target is at r."""
        none = torch.stack([no_hit(n_candidates, n_targets, r) for r in range(self.k + 1)], 1)
        return (none[:, :-1] - none[:, 1:]) @ (1 / torch.arange(1, self.k + 1, dtype=torch.float64))
