"""Mean average precision: the precision at the ranks of all targets."""

import torch
from torch import Tensor

from zoo.evaluation.metric import EvaluatedLists, Facts, QueryMetric
from zoo.evaluation.metric_params import CutoffParams


def average_precision(judged: EvaluatedLists) -> Tensor:
    """Return the sum of the precisions at the ranks of the hits, divided by min(k, |G|), `[Q]` float64.

    Example:
        Ten slots, two targets, at ranks 1 and 4: (1/1 + 2/4) / 2 = 0.75.
    """
    hits = judged.hits.double()
    found = hits.cumsum(1)
    return (hits * found) @ (1 / judged.ranks) / judged.n_targets.clamp(max=judged.k)


class MAP(QueryMetric[CutoffParams]):
    """Mean over queries of the average precision; a target outside the list contributes 0."""

    title = "map"

    def values(self, judged: EvaluatedLists, facts: Facts) -> Tensor:
        """Return the value of each query, `[Q]`."""
        return average_precision(judged)

    def chance(self, n_candidates: Tensor, n_targets: Tensor) -> Tensor:
        """Return the sum over ranks of P(hit) times the expected precision given a hit, divided by min(k, |G|)."""
        N, G = n_candidates[:, None], n_targets[:, None]
        rank = torch.arange(1, self.k + 1, dtype=torch.float64)
        there = torch.where(rank <= N, G / N, 0.0)
        share_before = (G - 1) / (N - 1).clamp(min=1)
        return (there * (1 + (rank - 1) * share_before) / rank).sum(1) / n_targets.clamp(max=self.k)
