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
