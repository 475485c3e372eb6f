"""Calibrated recommendations (Steck, RecSys 2018): a ranker that calibrates lists, and a metric of how far off they are.

zoo bench examples/calibrated.toml --plugin examples/plugins/calibrated.py
"""

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
    ItemFeatures,
    Params,
    Queries,
    QueryMetric,
    Ranker,
    hookimpl,
)


class CalibratedParams(Params):
    """Parameters of `calibrated`."""

    column: str = Field("category", min_length=1)
    """The category column of the items."""
    weight: float = Field(0.5, ge=0, le=1)
    """Weight of the calibration against the relevance."""
    length: int = Field(10, ge=1)
    """Number of slots to calibrate."""


class MiscalibrationParams(CutoffParams):
    """Parameters of `miscalibration`."""

    column: str = Field("category", min_length=1)
    """The category column of the items."""


def tastes(queries: Queries, shares: ItemFeatures) -> Tensor:
    """Return the share of each category in the histories, p(g|u), `[B, C]`."""
    sums = torch.from_numpy((queries.matrix() @ shares.sparse()).toarray())
    return sums / sums.sum(-1, keepdim=True).clamp(min=1e-9)


def divergence(tastes: Tensor, lists: Tensor) -> Tensor:
    """Return KL(p || q) over the last axis; q is mixed with 1 % of p, so that it is finite (Steck's equation 4)."""
    mixed = 0.99 * lists + 0.01 * tastes
    return torch.where(tastes > 0, tastes * (tastes / mixed.clamp(min=1e-9)).log(), 0.0).sum(-1)


def within_list(scores: Tensor, mask: Tensor) -> Tensor:
    """Return scores from 0 for the last candidate of a list to 1 for the first, `[B, K]`.

    The scores of predictors have any scale: without this, the same weight would mean something else for each of them.
    """
    low = scores.masked_fill(~mask, torch.inf).amin(1, keepdim=True)
    high = scores.masked_fill(~mask, -torch.inf).amax(1, keepdim=True)
    return ((scores - low) / (high - low).clamp(min=1e-9)).masked_fill(~mask, 0.0)


class Calibrated(Ranker[CalibratedParams]):
    """Fills the list greedily with the item that adds most to (1 - weight) relevance - weight KL(p || q); relevance is 0 to 1 in each list."""

    def score(self, lists: CandidateLists) -> Tensor:
        """Return a score for each candidate, `[B, K]`."""
        shares, weight = lists.item_columns.shares(self.params.column), self.params.weight
        p, categories = tastes(lists.queries, shares), shares.rows(lists.items)  # [B, C], [B, K, C]
        relevance = within_list(lists.scores, lists.mask)
        left, order, total = lists.mask.clone(), relevance.clone(), torch.zeros_like(p)
        for place in range(min(self.params.length, lists.items.shape[1])):
            q = (total[:, None] + categories) / (place + 1)  # if the slot got this candidate, [B, K, C]
            gain = (1 - weight) * relevance - weight * divergence(p[:, None], q)
            best = gain.masked_fill(~left, -torch.inf).argmax(1, keepdim=True)
            order = order.scatter_add(1, best, left.gather(1, best) * (self.params.length - place + 1.0))
            left.scatter_(1, best, False)
            total += categories.gather(1, best[..., None].expand(-1, -1, p.shape[1])).squeeze(1)
        return order


class Miscalibration(QueryMetric[MiscalibrationParams]):
    """KL divergence of the categories of a list from those of the history; NaN without a history."""

    higher_is_better = False

    @property
    def title(self) -> str:  # type: ignore[override]
        """Return the name in tables, before the cutoff; it differs for another column, so that a table can have both."""
        column = self.params.column
        return "miscalibration" if column == "category" else f"miscalibration-{column}"

    def values(self, lists: EvaluatedLists, facts: Facts) -> Tensor:
        """Return the value of each query, `[Q]`."""
        shares = facts.item_columns.shares(self.params.column)
        p, q = tastes(lists.queries, shares), shares.rows(lists.items).sum(1)
        q = q / q.sum(-1, keepdim=True).clamp(min=1e-9)
        return divergence(p, q).double().masked_fill(p.sum(-1) == 0, torch.nan)


@hookimpl
def zoo_components() -> list[ComponentSpec]:
    """Return the components of this file."""
    return [
        ComponentSpec(
            name="calibrated",
            stage="ranker",
            target="calibrated:Calibrated",
            params=CalibratedParams,
            summary="Makes the categories of a list as frequent as in the user's history.",
            citation="Steck, Calibrated recommendations, RecSys 2018.",
            capabilities=lambda p: Capabilities(histories=True, columns=(p.column,), trainable=False, cold_items=True),
            api=2,
        ),
        ComponentSpec(
            name="miscalibration",
            stage="metric",
            target="calibrated:Miscalibration",
            params=MiscalibrationParams,
            summary="How far the categories of a list are from those of the history.",
            citation="Steck, Calibrated recommendations, RecSys 2018.",
            capabilities=lambda p: Capabilities(histories=True, columns=(p.column,)),
            tiny={"k": 3},
            api=2,
        ),
    ]
