"""Negative sampling: items that represent the rest of the catalogue, drawn once per batch."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import torch
from torch import Tensor

Sampling = Literal["uniform", "popularity", "in-batch"]


class Negatives(NamedTuple):
    """Negatives shared by all positions of a batch, so that scoring them takes one matrix product.

    Attributes:
        items: `[K]` int64.
        log_q: The log of the expected count of each item in the sample, `[K]`. Weighted by `exp(-log_q)`, the sample is
            an unbiased estimate of the catalogue (the logQ correction).
    """

    items: Tensor
    log_q: Tensor

    def others(self, targets: Tensor) -> Tensor:
        """Return which negatives differ from each position's target, `[N, K]` bool, for targets `[N]`."""
        return self.items != targets[:, None]


class Sampler:
    """Draws negatives from the items that occur in training."""

    def __init__(self, counts: Tensor, number: int, sampling: Sampling, generator: torch.Generator) -> None:
        """Build a sampler.

        Args:
            counts: Training events of each item, `[I]`, on the generator's device; items with 0 are never drawn.
            number: Negatives per batch (K); ignored by `in-batch`, which uses the batch's targets.
            sampling: Uniform, by popularity, or the batch's targets.
            generator: The random generator.
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
        """Draw the negatives of a batch with targets `[N]`."""
        if self.sampling == "in-batch":
            items = torch.unique(targets)
            # The probability that at least one of the N targets is the item.
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
