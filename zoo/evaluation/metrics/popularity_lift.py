"""Popularity lift: how much more popular the items of a list are than those of the user's history."""

import torch
from torch import Tensor

from zoo.data.queries import Queries
from zoo.evaluation.metric import EvaluatedLists, Facts, QueryMetric
from zoo.metric_params import CutoffParams


def popularity_lift(judged: EvaluatedLists, queries: Queries, counts: Tensor) -> Tensor:
    """Return (mean popularity of the list - that of the history) / that of the history, `[Q]` float64.

    The popularity of an item is its number of training events. NaN for an empty list, or a history without events in training.

    Args:
        judged: Lists of k slots.
        queries: The queries with their histories.
        counts: The number of training events of each item, `[I]`.

    Example:
        A history of items with 10 and 30 events, a list of items with 50 and 70: (60 - 20) / 20 = 2.
    """
    histories = queries.histories
    rows = torch.from_numpy(histories.rows)
    read = counts.double()[torch.from_numpy(histories.items).long()]
    before = torch.zeros(len(queries), dtype=torch.float64).index_add_(0, rows, read)
    before = before / torch.bincount(rows, minlength=len(queries))
    shown = counts.double()[judged.items].where(judged.items > 0, 0.0).sum(1) / (judged.items > 0).sum(1)
    return torch.where(before > 0, (shown - before) / before, torch.nan)


class PopularityLift(QueryMetric[CutoffParams]):
    """Relative difference of popularity between list and history (Abdollahpouri et al., RecSys 2020).

    What differs: the authors divide the means of a group of users; here each query has a value, and the mean is over queries.
    """

    title = "popularity-lift"
    higher_is_better = None

    def values(self, judged: EvaluatedLists, facts: Facts) -> Tensor:
        """Return the value of each query, `[Q]`."""
        assert judged.queries is not None  # declared
        return popularity_lift(judged, judged.queries, facts.counts)
