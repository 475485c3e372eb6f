"""The losses that a neural predictor may name: where each function is, and what it is called with; torch-free."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

OWN_LOSS = "own"
"""The name of a loss that is a method of the predictor's class: no other loss may have it."""


@dataclass(frozen=True)
class LossSpec:
    """A loss over hidden vectors, item vectors and targets.

    Attributes:
        name: What `loss` is set to: lower-case words joined by hyphens.
        target: `"package.module:function"`, imported at first use: called with the vectors at the positions that ask for an
            item, `[N, D]`, the `ItemTable` and the targets `[N]`, and if it is sampled with the `Negatives` drawn for the
            batch; returns a number, lower is better.
        sampled: Whether it sets targets against drawn negatives; otherwise against whatever it takes from the item table.
        options: Parameters of `NeuralParams` that it is called with, by name: `temperature`, `logq`.
    """

    name: str
    target: str
    sampled: bool = True
    options: tuple[str, ...] = ()

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
        LossSpec("softmax", "zoo.nn.losses.softmax:softmax", sampled=False, options=("temperature",)),
        LossSpec("sampled-softmax", "zoo.nn.losses.sampled_softmax:sampled_softmax", options=("temperature", "logq")),
        LossSpec("gbce", "zoo.nn.losses.gbce:gbce"),
        LossSpec("bpr", "zoo.nn.losses.bpr:bpr"),
        LossSpec("bpr-max", "zoo.nn.losses.bpr_max:bpr_max"),
        LossSpec("bce", "zoo.nn.losses.bce:bce"),
    )
}
"""The core's losses by name. A plugin adds one by the hook `zoo_losses`."""
