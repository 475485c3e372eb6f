"""Parameters of the core's metrics; free of torch, so that configs can be checked without it."""

from typing import Literal

from pydantic import Field

from zoo.params import Params


class CutoffParams(Params):
    """Where a list is cut: all that most metrics need."""

    k: int = Field(10, ge=1)
    """The length of the list that is judged."""


class RecallParams(CutoffParams):
    """The parameters of recall."""

    normalise: Literal["targets", "min"] = "targets"
    """What the targets found are divided by: the number of targets, or at most k of them (`min`, as Mult-VAE does)."""
