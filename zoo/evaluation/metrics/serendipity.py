"""Serendipity: targets in a list that popularity would not have ranked as high."""

import torch
from torch import Tensor

from zoo.evaluation.metric import EvaluatedLists, Facts, QueryMetric
from zoo.metric_params import CutoffParams


def serendipity(judged: EvaluatedLists, popular_ranks: Tensor) -> Tensor:
    """Return 1/k times the sum of max(p(r) - p(r'), 0) over the targets in a list, `[Q]` float64.

    With N items, p(r) = (N + 1 - r) / N; r is the rank of the target in the list and r' its rank by popularity.

    Args:
        judged: Lists of k slots.
        popular_ranks: The rank of each item by its training events, from 1, `[I]`.

    Example:
        N = 10, k = 2, one target at rank 1 whose popularity rank is 6: (1 - 0.5) / 2 = 0.25.
    """
    n_items = len(popular_ranks) - 1
    expected = (n_items + 1 - popular_ranks.double()) / n_items
    reached = (n_items + 1 - judged.ranks) / n_items
    surprise = (reached - expected[judged.items]).clamp(min=0)
    return surprise.where(judged.hits, 0.0).sum(1) / judged.k


def popularity_ranks(counts: Tensor) -> Tensor:
    """Return the rank of each item by its count, from 1, ties by item number, `[I]` int64; 0 for padding."""
    order = counts[1:].argsort(descending=True, stable=True) + 1
    ranks = torch.zeros(len(counts), dtype=torch.int64)
    ranks[order] = torch.arange(1, len(counts))
    return ranks


class Serendipity(QueryMetric[CutoffParams]):
    """Relevance beyond popularity, as RecTools defines it (after Polatidis and Georgiadis; de Gemmis et al., 2015).

    What differs: popularity counts events, not users.
    """

    title = "serendipity"

    def values(self, judged: EvaluatedLists, facts: Facts) -> Tensor:
        """Return the value of each query, `[Q]`."""
        return serendipity(judged, popularity_ranks(facts.counts))
