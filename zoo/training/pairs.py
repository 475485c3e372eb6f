"""Training pairs of a text encoder: items close to each other in a history."""

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
    """Samples for each event a nearby event of the same user."""

    def __init__(self, log: Interactions, window: int, usable: NDArray[np.bool_]) -> None:
        """Index the events of a log.

        Args:
            log: The events, in order for each user.
            window: Maximum distance between two events, counting events of usable items only.
            usable: Which items to use, `[I]`.
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
        """Return the number of events that have a neighbour."""
        return len(self.items)

    def draw(self, events: NDArray[np.int64], rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Draw a neighbour for each event and return both items; pairs of the same item are dropped."""
        step = rng.integers(1, self.window + 1, len(events)) * rng.choice([-1, 1], len(events))
        inside = np.clip(events + step, self.first[events], self.last[events])
        other = np.where(inside == events, np.clip(events - step, self.first[events], self.last[events]), inside)
        one, two = self.items[events], self.items[other]
        return one[one != two], two[one != two]


def sample_distinct(number: int, wanted: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Sample `wanted` distinct numbers below `number` in random order, in little time if `wanted` is small."""
    if number > 10 * wanted:
        return rng.choice(number, wanted, replace=False)
    return rng.permutation(number)[:wanted]


@dataclass(frozen=True, eq=False)
class PairBatch:
    """A batch of pairs with the texts of their items.

    Attributes:
        texts: The texts of the U distinct items of the batch.
        left: The index of each pair's first item among the U items, `[N]`.
        right: The index of each pair's second item among the C candidates, `[N]`.
        candidates: The indices of the distinct second items among the U items, `[C]`.
        log_q: The log of the probability that each candidate is in a batch, `[C]`.
        itself: Which candidates equal the first item of a pair, `[N, C]` bool.
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
    """Training batches of pairs, drawn again for each epoch, with the texts of their items."""

    def __init__(
        self, neighbours: Neighbours, texts: Texts, number: int, batch_size: int, rng: np.random.Generator
    ) -> None:
        """Set the events to draw from.

        Args:
            neighbours: The neighbours of items that have a text.
            texts: The texts of all items.
            number: Maximum number of pairs per epoch.
            batch_size: Pairs per batch.
            rng: Random generator for the pairs.
        """
        self.neighbours, self.texts, self.batch_size, self.rng = neighbours, texts, batch_size, rng
        self.number = min(number, len(neighbours))
        self.share = np.bincount(neighbours.items, minlength=len(texts.lengths)) / max(len(neighbours), 1)

    def __len__(self) -> int:
        """Return the number of batches of an epoch."""
        return math.ceil(self.number / self.batch_size)

    def __iter__(self) -> Iterator[PairBatch]:
        """Yield the batches of one epoch."""
        order = sample_distinct(len(self.neighbours), self.number, self.rng)
        for start in range(0, self.number, self.batch_size):
            left, right = self.neighbours.draw(order[start : start + self.batch_size], self.rng)
            if len(left):
                yield self._batch(left, right)

    def _batch(self, left: NDArray[np.int64], right: NDArray[np.int64]) -> PairBatch:
        """Return the batch of the given pairs."""
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
