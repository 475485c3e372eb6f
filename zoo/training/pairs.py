"""Pairs of items that lie near each other in a history: what a text encoder learns from."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.data.interactions import Interactions
from zoo.data.texts import TextBatch, Texts


class Neighbours:
    """Events, and for each of them one that the same user had shortly before or after."""

    def __init__(self, log: Interactions, window: int, usable: NDArray[np.bool_]) -> None:
        """Take the events of a log.

        Args:
            log: The events, each user's in order.
            window: How many events apart two may be, those of other items not counted.
            usable: Which items are wanted, `[I]`.
        """
        kept = usable[log.items]
        users, items = log.users[kept], log.items[kept].astype(np.int64)
        first = np.full(log.n_users, -1)
        first[users[::-1]] = items[::-1]
        several = (
            np.bincount(users[items != first[users]], minlength=log.n_users)[users] >= 1
        )  # two items, not one twice
        users, self.items, self.window = users[several], items[several], window
        self.first = np.searchsorted(users, users, side="left")
        self.last = np.searchsorted(users, users, side="right") - 1

    def __len__(self) -> int:
        """Return the number of events that have another one beside them."""
        return len(self.items)

    def drawn(self, events: NDArray[np.int64], rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the items of some events and of a neighbour of each; where both are the same item the pair is left out."""
        step = rng.integers(1, self.window + 1, len(events)) * rng.choice([-1, 1], len(events))
        inside = np.clip(events + step, self.first[events], self.last[events])
        other = np.where(inside == events, np.clip(events - step, self.first[events], self.last[events]), inside)
        one, two = self.items[events], self.items[other]
        return one[one != two], two[one != two]


def some_of(number: int, wanted: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return so many different numbers below `number`, in random order; cheap also where few of very many are wanted."""
    if number > 10 * wanted:
        return rng.choice(number, wanted, replace=False)
    return rng.permutation(number)[:wanted]


@dataclass(frozen=True, eq=False)
class PairBatch:
    """Pairs, and the texts of all items in them.

    Attributes:
        texts: The texts of the batch's U items.
        left: The place of each pair's first item among them, `[N]`.
        right: That of its second, among the C candidates, `[N]`.
        candidates: The places of the second items, each once, `[C]`.
        log_q: The log of how likely each candidate is in a batch, `[C]`.
        itself: Which candidate is the first item of a pair, `[N, C]` bool.
    """

    texts: TextBatch
    left: Tensor
    right: Tensor
    candidates: Tensor
    log_q: Tensor
    itself: Tensor

    def to(self, device: torch.device | str, **options: Any) -> PairBatch:
        """Return the batch on a device."""
        return PairBatch(*(getattr(self, f.name).to(device, **options) for f in fields(self)))


class PairExamples:
    """Pairs drawn anew for each epoch, with the texts of their items."""

    def __init__(
        self, neighbours: Neighbours, texts: Texts, number: int, batch_size: int, rng: np.random.Generator
    ) -> None:
        """Take events to draw from.

        Args:
            neighbours: Of items that have a text.
            texts: The texts of all items.
            number: Pairs in an epoch, at most.
            batch_size: Pairs in a batch.
            rng: Draws.
        """
        self.neighbours, self.texts, self.batch_size, self.rng = neighbours, texts, batch_size, rng
        self.number = min(number, len(neighbours))
        self.share = np.bincount(neighbours.items, minlength=len(texts.lengths)) / max(len(neighbours), 1)

    def __len__(self) -> int:
        """Return the number of batches of an epoch."""
        return math.ceil(self.number / self.batch_size)

    def __iter__(self) -> Iterator[PairBatch]:
        """Yield the batches of one epoch."""
        order = some_of(len(self.neighbours), self.number, self.rng)
        for start in range(0, self.number, self.batch_size):
            left, right = self.neighbours.drawn(order[start : start + self.batch_size], self.rng)
            if len(left):
                yield self._batch(left, right)

    def _batch(self, left: NDArray[np.int64], right: NDArray[np.int64]) -> PairBatch:
        """Return a batch of some pairs of items."""
        items, place = np.unique(np.concatenate([left, right]), return_inverse=True)
        candidates, target = np.unique(right, return_inverse=True)
        chance = -np.expm1(len(left) * np.log1p(-np.minimum(self.share[candidates], 0.5)))
        arrays = (
            place[: len(left)],
            target,
            np.searchsorted(items, candidates),
            np.log(chance).astype(np.float32),
            candidates == left[:, None],
        )
        return PairBatch(self.texts.batch(items), *map(torch.from_numpy, arrays))
