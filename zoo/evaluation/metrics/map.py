"""Mean average precision: the precision at the ranks of all targets."""

from typing import Literal

import torch
from torch import Tensor

from zoo.evaluation.metric import EvaluatedLists, Facts, QueryMetric
from zoo.metric_params import MAPParams


def average_precision(judged: EvaluatedLists, normalise: Literal["min", "all"] = "min") -> Tensor:
    """Return the sum of the precisions at the ranks of the hits, divided by min(k, |G|) or by |G|, `[Q]` float64.

    Args:
        judged: Lists of k slots; each query has a target.
        normalise: `"min"` divides by min(k, |G|), so that 1 is always attainable; `"all"` divides by |G|.

    Example:
        Ten slots, two targets, at ranks 1 and 4: (1/1 + 2/4) / 2 = 0.75. With 20 targets: 0.15 with `"min"`, 0.075 with `"all"`.
    """
    hits = judged.hits.double()
    found = hits.cumsum(1)
    return (hits * found) @ (1 / judged.ranks) / _most(judged.n_targets, judged.k, normalise)


def _most(n_targets: Tensor, k: int, normalise: Literal["min", "all"]) -> Tensor:
    """Return the denominator of each query."""
    return n_targets.clamp(max=k) if normalise == "min" else n_targets


class MAP(QueryMetric[MAPParams]):
    """Mean over queries of the average precision; a target outside the list contributes 0.

    By default the denominator is min(k, |G|). `normalise = "all"` divides by |G|, as `map_cut` of pytrec_eval, `map` of ranx and
    `MAP` of RecTools do; its name in tables is `map-all`. The two differ for queries with more than k targets.
    """

    @property
    def title(self) -> str:  # type: ignore[override]
        """Return the name in tables, which depends on the normalisation."""
        return "map" if self.params.normalise == "min" else "map-all"

    def values(self, judged: EvaluatedLists, facts: Facts) -> Tensor:
        """Return the value of each query, `[Q]`."""
        return average_precision(judged, self.params.normalise)

    def chance(self, n_candidates: Tensor, n_targets: Tensor) -> Tensor:
        """Return the sum over ranks of P(hit) times the expected precision given a hit, divided by the metric's denominator."""
        N, G = n_candidates[:, None], n_targets[:, None]
        rank = torch.arange(1, self.k + 1, dtype=torch.float64)
        there = torch.where(rank <= N, G / N, 0.0)
        share_before = (G - 1) / (N - 1).clamp(min=1)
        expected = (there * (1 + (rank - 1) * share_before) / rank).sum(1)
        return expected / _most(n_targets, self.k, self.params.normalise)
