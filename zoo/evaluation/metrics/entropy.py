"""Entropy: how evenly a list is spread over the categories."""

import torch
from torch import Tensor

from zoo.evaluation.metric import EvaluatedLists, Facts, QueryMetric
from zoo.evaluation.metrics.categories import blocks, category_shares, has_category
from zoo.metric_params import CategoryParams, column_title
from zoo.stages.item_features import ItemFeatures


def entropy(judged: EvaluatedLists, shares: ItemFeatures) -> Tensor:
    """Return the entropy of the categories of a list, -sum q(c) log2 q(c), `[Q]` float64, in bits.

    q(c) is the share of category c in the list. An item with several categories counts to each in equal parts; an item without
    one is left out. NaN for a list without a category.

    Args:
        judged: Lists of k slots.
        shares: The share of each category in each item, `[I, C]` sparse.

    Example:
        Two items of tea, one of coffee, one of cake: 0.5 * 1 + 2 * 0.25 * 2 = 1.5 bits.
    """
    values = []
    for block in blocks(len(judged.items)):
        q = category_shares(judged.items[block], shares)
        found = -torch.where(q == 0, 0.0, q * q.log2()).sum(1)
        values.append(found.where(has_category(q), torch.nan))
    return torch.cat([torch.zeros(0, dtype=torch.float64), *values])


class Entropy(QueryMetric[CategoryParams]):
    """Shannon entropy of the categories of a list, in bits (as a measure of diversity: Vargas et al., RecSys 2014)."""

    higher_is_better = None

    @property
    def title(self) -> str:  # type: ignore[override]
        """Return the name in tables, before the cutoff."""
        return column_title("entropy", self.params.column)

    def values(self, judged: EvaluatedLists, facts: Facts) -> Tensor:
        """Return the value of each query, `[Q]`."""
        return entropy(judged, facts.item_columns.shares(self.params.column))
