"""Mean average precision: how early the targets come, all of them."""

import torch
from torch import Tensor

from zoo.evaluation.metric import EvaluatedLists, Facts, QueryMetric
from zoo.evaluation.metric_params import CutoffParams


def average_precision(judged: EvaluatedLists) -> Tensor:
    """Return the precision at the rank of each target found, summed and divided by min(k, |G|), `[Q]` float64.

    Example:
        Ten slots, two targets, at the ranks 1 and 4: (1/1 + 2/4) / 2 = 0.75.
    """
    hits = judged.hits.double()
    found = hits.cumsum(1)
    return (hits * found) @ (1 / judged.ranks) / judged.n_targets.clamp(max=judged.k)


class MAP(QueryMetric[CutoffParams]):
    """Mean over queries of the mean precision at the targets' ranks; a target that is not found counts 0."""

    title = "map"

    def values(self, judged: EvaluatedLists, facts: Facts) -> Tensor:
        """Return each query's value, `[Q]`."""
        return average_precision(judged)

    def chance(self, n_candidates: Tensor, n_targets: Tensor) -> Tensor:
        """Return the sum over ranks of P(a target is there) times the precision expected there if so, divided alike."""
        N, G = n_candidates[:, None], n_targets[:, None]
        rank = torch.arange(1, self.k + 1, dtype=torch.float64)
        there = torch.where(rank <= N, G / N, 0.0)
        share_before = (G - 1) / (N - 1).clamp(min=1)
        return (there * (1 + (rank - 1) * share_before) / rank).sum(1) / n_targets.clamp(max=self.k)
