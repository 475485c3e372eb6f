"""The losses that a neural predictor can select by name: import path and options of each; torch-free."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

OWN_LOSS = "own"
"""The reserved name for a loss that the predictor class implements itself."""


@dataclass(frozen=True)
class LossSpec:
    """A loss over hidden vectors, item vectors and targets.

    Attributes:
        name: The value of `loss` that selects it: lower-case words joined by hyphens.
        target: `"package.module:function"`, imported at first use. It is called with the vectors at the positions that
            have a target, `[N, D]`, the `ItemTable`, the targets `[N]`, and if `sampled` the `Negatives` of the batch;
            it returns a scalar, lower is better.
        sampled: Whether the function compares targets with sampled negatives.
        options: Names of the `NeuralParams` fields passed as keyword arguments, such as `temperature`, `logq`.
        summary: One sentence.
    """

    name: str
    target: str
    sampled: bool = True
    options: tuple[str, ...] = ()
    summary: str = ""

    def __post_init__(self) -> None:
        """Check what can be checked without importing the target.

        Raises:
            ValueError: A field is malformed; the registry turns it into a report of a broken plugin.
        """
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", self.name) or self.name == OWN_LOSS:
            raise ValueError(
                f"loss name {self.name!r}: use lower-case letters and digits, words joined by hyphens, and not {OWN_LOSS!r}"
            )
        if not re.fullmatch(r"[\w.]+:\w+", self.target):
            raise ValueError(f"loss {self.name!r}: target {self.target!r} is not of the form 'package.module:function'")


LOSSES: Mapping[str, LossSpec] = {
    spec.name: spec
    for spec in (
        LossSpec(
            "softmax",
            "zoo.nn.losses.softmax:softmax",
            sampled=False,
            options=("temperature",),
            summary="Cross-entropy over all items.",
        ),
        LossSpec(
            "sampled-softmax",
            "zoo.nn.losses.sampled_softmax:sampled_softmax",
            options=("temperature", "logq"),
            summary="Cross-entropy over the target and the negatives, with the logQ correction.",
        ),
        LossSpec("gbce", "zoo.nn.losses.gbce:gbce", summary="Binary cross-entropy, calibrated for sampled negatives."),
        LossSpec("bpr", "zoo.nn.losses.bpr:bpr", summary="Pairwise: the target above each negative."),
        LossSpec(
            "bpr-max", "zoo.nn.losses.bpr_max:bpr_max", summary="Pairwise: the target above the hardest negatives."
        ),
        LossSpec("bce", "zoo.nn.losses.bce:bce", summary="Binary cross-entropy of the target and the negatives."),
    )
}
"""The core's losses by name. A plugin adds one with the hook `zoo_losses`."""
