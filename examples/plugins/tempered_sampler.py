"""A negative sampler in one file, for `negative_sampling = "tempered"`: items by the square root of their popularity."""

import torch
from torch import Tensor

from zoo.api import SamplerSpec, hookimpl
from zoo.nn import Negatives


class Tempered:
    """Draws negatives with probability proportional to the square root of their training events."""

    def __init__(self, counts: Tensor, number: int, generator: torch.Generator) -> None:
        self.shares = counts.double().sqrt() / counts.double().sqrt().sum()  # 0 for an item without events
        self.number, self.generator = number, generator

    def draw(self, targets: Tensor) -> Negatives:
        """Return the negatives of a batch; `log_q` is the log of how often each is expected in the sample."""
        items = torch.multinomial(self.shares, self.number, replacement=True, generator=self.generator)
        return Negatives(items, (self.number * self.shares[items]).log().float())


@hookimpl
def zoo_samplers() -> list[SamplerSpec]:
    """Return the samplers of this file."""
    return [
        SamplerSpec(
            name="tempered",
            target="tempered_sampler:Tempered",
            summary="Draws items by the square root of their training events.",
        )
    ]
