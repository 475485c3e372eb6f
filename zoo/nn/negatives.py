"""Negatives: items that stand for the rest of the catalogue, drawn once for a whole batch."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import torch
from torch import Tensor

Sampling = Literal["uniform", "popularity", "in-batch"]


class Negatives(NamedTuple):
    """Items shared by all positions of a batch, so that scoring them is one matrix product.

    Attributes:
        items: `[K]` int64.
        log_q: The log of how often each is expected in the sample, `[K]`: weighed by `exp(-log_q)`, the sample stands
            for the whole catalogue (the logQ correction).
    """

    items: Tensor
    log_q: Tensor

    def others(self, targets: Tensor) -> Tensor:
        """Return which of them are not the target of a position, `[N, K]` bool, for targets `[N]`."""
        return self.items != targets[:, None]


class Sampler:
    """Draws negatives among the items that occur in training."""

    def __init__(self, counts: Tensor, number: int, sampling: Sampling, generator: torch.Generator) -> None:
        """Make a sampler.

        Args:
            counts: How often each item occurs in training, `[I]`, on the generator's device; items that do not occur
                are never drawn.
            number: Negatives for each batch (K); of no effect for `in-batch`, which takes the batch's own targets.
            sampling: With equal probability, by popularity, or the batch's own targets.
            generator: The stream of random numbers.
        """
        self.known, self.number, self.sampling, self.generator = (
            counts.nonzero().squeeze(1),
            number,
            sampling,
            generator,
        )
        self.share = counts.double() / counts.sum()
        self.cumulative = torch.cumsum(self.share[self.known], 0)

    def draw(self, targets: Tensor) -> Negatives:
        """Return negatives for a batch with these targets, `[N]`."""
        if self.sampling == "in-batch":
            items = torch.unique(targets)
            # Each is there once, if any of the N targets is it.
            chance = -torch.expm1(len(targets) * torch.log1p(-self.share[items]))
            return Negatives(items, chance.log().float())
        if self.sampling == "uniform":
            place = torch.randint(len(self.known), (self.number,), generator=self.generator, device=self.known.device)
            items = self.known[place]
            return Negatives(
                items, torch.full(items.shape, math.log(self.number / len(self.known)), device=items.device)
            )
        draws = torch.rand(self.number, generator=self.generator, device=self.known.device, dtype=torch.float64)
        place = torch.searchsorted(self.cumulative, draws * self.cumulative[-1], right=True)
        items = self.known[place.clamp_(max=len(self.known) - 1)]
        return Negatives(items, torch.log(self.number * self.share[items]).float())
