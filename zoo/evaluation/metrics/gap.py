"""Gap: the difference of a metric between users with long and with short histories."""

import math

import numpy as np
import torch
from torch import Tensor

from zoo.evaluation.intervals import NO_INTERVAL, Interval
from zoo.evaluation.metric import EvaluatedLists, Metric
from zoo.evaluation.metrics.hit import hit
from zoo.evaluation.metrics.mrr import reciprocal_rank
from zoo.evaluation.metrics.ndcg import ndcg
from zoo.evaluation.metrics.precision import precision
from zoo.evaluation.metrics.recall import recall
from zoo.metric_params import GapParams

BETWEEN = {"ndcg": ndcg, "hit": hit, "recall": recall, "precision": precision, "mrr": reciprocal_rank}
"""The metrics that can be compared."""
FEWEST = 30
"""The fewest queries of each group for which there is an interval."""
QUANTILE = 1.959964
"""The 97.5 % quantile of the normal distribution."""


class Gap(Metric[GapParams]):
    """The mean of a metric over queries with long histories minus that over queries with short ones; 0 is fair.

    Positive if the model serves frequent customers better (difference of groups, as in Ekstrand et al., FAT* 2018; they
    compare groups of users by age and gender). NaN if a group is empty. The interval is that of a difference of two
    independent means (Welch); there is none if a group has fewer than 30 queries.

    Example:
        ndcg 0.4 and 0.2 for two long histories, 0.1 for one short history: (0.4 + 0.2) / 2 - 0.1 = 0.2.
    """

    higher_is_better = None
    counts: Tensor
    sums: Tensor
    squares: Tensor

    def __init__(self, params: GapParams) -> None:
        super().__init__(params)
        for state in ("counts", "sums", "squares"):
            self.add_state(state, torch.zeros(2, dtype=torch.float64), dist_reduce_fx="sum")

    @property
    def title(self) -> str:  # type: ignore[override]
        """Return the name in tables, before the cutoff."""
        return "gap" if self.params.metric == "ndcg" else f"gap-{self.params.metric}"

    def update(self, judged: EvaluatedLists) -> None:
        """Add a block of queries; their lists may be longer than k."""
        lists = self.readable(judged)
        assert lists.queries is not None  # declared
        values = BETWEEN[self.params.metric](lists).double()
        group = torch.from_numpy((lists.queries.lengths > self.params.at).astype(np.int64))
        for state, added in ((self.counts, torch.ones_like(values)), (self.sums, values), (self.squares, values**2)):
            state.index_add_(0, group, added)

    def compute(self) -> Tensor:
        """Return the difference over all queries so far, a scalar; NaN if a group is empty."""
        means = self.sums / self.counts
        return means[1] - means[0]

    def interval(self) -> Interval:
        """Return the 95 % interval of the difference."""
        if self.counts.min() < FEWEST:
            return NO_INTERVAL
        mean = self.sums / self.counts
        variance = (self.squares / self.counts - mean**2).clamp(min=0) / (self.counts - 1)
        half, value = QUANTILE * math.sqrt(float(variance.sum())), float(self.compute())
        return value - half, value + half
