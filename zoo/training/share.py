"""The batches of an epoch, and the share of them that one rank trains on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Protocol

import torch


class Batches(Protocol):
    """Batches that can be iterated over several times, once per epoch."""

    def __len__(self) -> int:
        """Return the number of batches of an epoch."""

    def __iter__(self) -> Iterator[Any]:
        """Yield the batches of one epoch."""


class Share:
    """The batches of one rank: every n-th batch. All ranks get the same number; a rank with one batch fewer repeats its first."""

    def __init__(self, batches: Batches, ranks: int) -> None:
        self.batches, self.ranks = batches, ranks

    def __len__(self) -> int:
        """Return the number of batches that each rank gets."""
        return math.ceil(len(self.batches) / self.ranks)

    def __iter__(self) -> Iterator[Any]:
        """Yield the share of this rank."""
        rank = torch.distributed.get_rank()
        first = last = None
        given = 1
        for at, batch in enumerate(
            self.batches
        ):  # exhaust the batches before yielding the last one: all ranks then draw the same next order
            if at % self.ranks == rank:
                if last is None:
                    first = batch
                else:
                    given += 1
                    yield last
                last = batch
        yield last
        if given < len(self):
            yield first
