"""The batches of an epoch, and the share of them that one rank trains on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice
from typing import Any, Protocol

import torch


class Batches(Protocol):
    """Batches that can be iterated over several times, once per epoch."""

    def __len__(self) -> int:
        """Return the number of batches of an epoch."""

    def __iter__(self) -> Iterator[Any]:
        """Yield the batches of one epoch."""


class Limited:
    """The first batches of each epoch. Epochs are shuffled, so each reads a new random sample of the data."""

    def __init__(self, batches: Batches, most: int) -> None:
        self.batches, self.most = batches, most

    def __len__(self) -> int:
        """Return the number of batches of an epoch."""
        return min(len(self.batches), self.most)

    def __iter__(self) -> Iterator[Any]:
        """Yield the batches of one epoch."""
        return islice(iter(self.batches), self.most)


def limit_batches(batches: Batches, most: int | None) -> Batches:
    """Return batches of which an epoch has at most a number; the batches themselves if there is no limit or it does not apply."""
    return batches if most is None or len(batches) <= most else Limited(batches, most)


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
