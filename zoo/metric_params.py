"""Parameters of the core's metrics. This module imports no torch, so that checking a config needs none."""

from typing import Literal

from pydantic import Field

from zoo.params import Params


class CutoffParams(Params):
    """The cutoff, the only parameter of most metrics."""

    k: int = Field(10, ge=1, le=1_000_000)
    """The cutoff: the number of items of each list that are evaluated."""


class RecallParams(CutoffParams):
    """The parameters of recall."""

    normalise: Literal["targets", "min"] = "targets"
    """The denominator: the number of targets, or at most k (`min`, as in Mult-VAE)."""


class MAPParams(CutoffParams):
    """The parameters of mean average precision."""

    normalise: Literal["min", "all"] = "min"
    """The denominator: at most k, or the number of targets (`all`, as in pytrec_eval, ranx and RecTools)."""


class CategoryParams(CutoffParams):
    """The parameters of metrics that read a category column of the items."""

    column: str = Field("category", min_length=1)
    """The category column of the items."""


class PropensityParams(CutoffParams):
    """The parameters of metrics that weight targets by the inverse of their propensity."""

    power: float = Field(0.5, ge=0, le=2)
    """The propensity of an item is proportional to its number of training events to this power; 0 gives plain NDCG."""


class GapParams(CutoffParams):
    """The parameters of `gap`."""

    metric: Literal["ndcg", "hit", "recall", "precision", "mrr"] = "ndcg"
    """The metric that is compared."""
    at: int = Field(5, ge=0, le=1_000_000_000)
    """The most events of a short history."""


def column_title(name: str, column: str) -> str:
    """Return the name of a metric in tables: it differs for another column than `category`, so that a table can have both."""
    return name if column == "category" else f"{name}-{column}"
