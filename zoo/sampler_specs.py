"""The negative samplers that a neural predictor can select by name; torch-free."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class SamplerSpec:
    """A sampler of negatives for sampled losses.

    Attributes:
        name: The value of `negative_sampling` that selects it: lower-case words joined by hyphens.
        target: `"package.module:Class"`, imported at first use. It is built with `counts`, the training events of each item
            `[I]`, the number of negatives and a `torch.Generator`; its method `draw(targets)` returns the `zoo.nn.Negatives` of
            a batch with the targets `[N]`.
        summary: One sentence.
    """

    name: str
    target: str
    summary: str = ""

    def __post_init__(self) -> None:
        """Check what can be checked without importing the target.

        Raises:
            ValueError: A field is malformed; the registry turns it into a report of a broken plugin.
        """
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", self.name):
            raise ValueError(f"sampler name {self.name!r}: use lower-case letters and digits, words joined by hyphens")
        if not re.fullmatch(r"[\w.]+:\w+", self.target):
            raise ValueError(f"sampler {self.name!r}: target {self.target!r} is not of the form 'package.module:Class'")


SAMPLERS: Mapping[str, SamplerSpec] = {
    spec.name: spec
    for spec in (
        SamplerSpec("uniform", "zoo.nn.negatives:Sampler", "Draws all items of training with equal probability."),
        SamplerSpec("popularity", "zoo.nn.negatives:Sampler", "Draws items by their number of training events."),
        SamplerSpec("in-batch", "zoo.nn.negatives:Sampler", "Takes the targets of the batch."),
    )
}
"""The core's samplers by name. A plugin adds one with the hook `zoo_samplers`."""
