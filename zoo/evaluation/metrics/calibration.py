"""Calibration: how far the categories of a list are from those of the user's history."""

import torch
from torch import Tensor

from zoo.data.queries import Queries
from zoo.evaluation.metric import EvaluatedLists, Facts, QueryMetric
from zoo.evaluation.metrics.categories import blocks, category_shares, has_category, normalised
from zoo.metric_params import CategoryParams, column_title
from zoo.stages.item_features import ItemFeatures

MIXED = 0.01
"""The share of the history's distribution that is mixed into that of the list, so that the divergence is finite."""


def calibration(judged: EvaluatedLists, queries: Queries, shares: ItemFeatures) -> Tensor:
    """Return the divergence KL(p || q') of a list from the history, `[Q]` float64, in nats; 0 is perfectly calibrated.

    p(c) is the share of category c in the history, q(c) that in the list, and q' = 0.99 q + 0.01 p. An item with several
    categories counts to each in equal parts; an item without one is left out. NaN if the history or the list has no category.

    Args:
        judged: Lists of k slots.
        queries: The queries with their histories.
        shares: The share of each category in each item, `[I, C]` sparse.

    Example:
        A history of half tea and half coffee, a list of tea only: 0.5 ln(0.5 / 0.995) + 0.5 ln(0.5 / 0.005) = 1.96.
    """
    values = [_divergence(queries[block], judged.items[block], shares) for block in blocks(len(judged.items))]
    return torch.cat([torch.zeros(0, dtype=torch.float64), *values])


def _divergence(queries: Queries, items: Tensor, shares: ItemFeatures) -> Tensor:
    """Return the divergence for a block of queries, `[B]` float64."""
    taste, shown = normalised(queries.matrix() @ shares.sparse()), category_shares(items, shares)
    mixed = (1 - MIXED) * shown + MIXED * taste
    found = torch.where(taste == 0, 0.0, taste * (taste / mixed).log()).sum(1)
    return found.where(has_category(taste) & has_category(shown), torch.nan)


class Calibration(QueryMetric[CategoryParams]):
    """Divergence of the categories of a list from those of the history (C_KL of Steck, RecSys 2018); lower is better.

    What differs: all events of the history have the weight of their type, not one that falls with their age.
    """

    higher_is_better = False

    @property
    def title(self) -> str:  # type: ignore[override]
        """Return the name in tables, before the cutoff."""
        return column_title("calibration", self.params.column)

    def values(self, judged: EvaluatedLists, facts: Facts) -> Tensor:
        """Return the value of each query, `[Q]`."""
        assert judged.queries is not None  # declared
        return calibration(judged, judged.queries, facts.item_columns.shares(self.params.column))
