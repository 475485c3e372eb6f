"""A metric and a ranker that read item columns: the margin that lists earn, and at most one item of each category."""

import torch
from torch import Tensor

from zoo.api import (
    CandidateLists,
    Capabilities,
    ComponentSpec,
    CutoffParams,
    EvaluatedLists,
    Facts,
    Field,
    Params,
    QueryMetric,
    Ranker,
    hookimpl,
)


class MarginShareParams(CutoffParams):
    """Parameters of `margin-share`."""

    column: str = Field("margin", min_length=1)
    """The column with the margin of an item, as a share of its price."""


class MarginShare(QueryMetric[MarginShareParams]):
    """Mean margin of the targets in a list; NaN without one, or if no margin is known."""

    title = "margin-share"

    def values(self, lists: EvaluatedLists, facts: Facts) -> Tensor:
        """Return the value of each query, `[Q]`."""
        return facts.item_columns.numbers(self.params.column)[lists.items].where(lists.hits, torch.nan).nanmean(1)


class OnePerCategoryParams(Params):
    """Parameters of `one-per-category`."""

    column: str = Field("category", min_length=1)
    """The category column of the items."""


class OnePerCategory(Ranker[OnePerCategoryParams]):
    """Puts the best item of each category first; the others follow, in their order. An item without one is its own."""

    def score(self, lists: CandidateLists) -> Tensor:
        """Return a score for each candidate, `[B, K]`."""
        codes = lists.item_columns.codes(self.params.column)[lists.items]  # [B, K]
        same = (codes[:, :, None] == codes[:, None, :]) & (codes > 0)[:, :, None]
        repeated = same.tril(-1).any(-1)  # a better slot has the same category
        place = torch.arange(lists.items.shape[1])
        return -(place + repeated * lists.items.shape[1]).float()


@hookimpl
def zoo_components() -> list[ComponentSpec]:
    """Return the components of this file."""
    return [
        ComponentSpec(
            name="margin-share",
            stage="metric",
            target="margins:MarginShare",
            params=MarginShareParams,
            summary="Mean margin of the targets in a list.",
            capabilities=lambda p: Capabilities(columns=(p.column,)),
            tiny={"k": 3, "column": "price"},
            api=2,
        ),
        ComponentSpec(
            name="one-per-category",
            stage="ranker",
            target="margins:OnePerCategory",
            params=OnePerCategoryParams,
            summary="Puts at most one item of each category at the top.",
            capabilities=lambda p: Capabilities(columns=(p.column,), trainable=False, cold_items=True),
            api=2,
        ),
    ]
