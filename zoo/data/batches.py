"""Training batches: histories of similar length, or pairs, gathered from the log with index arithmetic."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.data.interactions import Interactions
from zoo.data.queries import Queries, QueryBatch

Windows = Literal["all", "last"]
"""Which parts of a long history an epoch reads."""

POOL = 20
"""Batches in a pool that is sorted by length. A larger pool means less padding and less randomness."""


@dataclass(frozen=True, eq=False)
class TrainingBatch:
    """Sequences and their target items.

    Attributes:
        inputs: The encoder's input, `[B, L]`.
        targets: The item to predict at each position, `[B, L]` int64; 0 at positions without a target.
    """

    inputs: QueryBatch
    targets: Tensor

    def to(self, device: torch.device | str, **options: Any) -> TrainingBatch:
        """Return the batch on a device."""
        return TrainingBatch(self.inputs.to(device, **options), self.targets.to(device, **options))


class Examples(Protocol):
    """Training batches that can be iterated over repeatedly, in a new order each epoch."""

    rng: np.random.Generator

    def __len__(self) -> int:
        """Return the number of batches of an epoch."""

    def __iter__(self) -> Iterator[TrainingBatch]:
        """Yield the batches of one epoch."""


def batch_by_length(lengths: NDArray[np.int64], batch_size: int, rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """Return the rows of each batch of an epoch, in random order; rows of similar length share a batch.

    Shuffle the rows, cut them into pools of 20 batches, sort each pool by length and shuffle the batches (bucketing
    as in tensor2tensor). This removes almost all padding and keeps the batches random.
    """
    order = rng.permutation(len(lengths))
    pools = np.arange(len(order)) // (POOL * batch_size)
    order = order[np.lexsort((lengths[order], pools))]
    batches = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
    return [batches[i] for i in rng.permutation(len(batches))]


class SequenceBatches:
    """Batches of users' histories, reshuffled each epoch; sequences of similar length share a batch.

    With `windows = "last"` an epoch reads the last events of each user. With `"all"` it also reads earlier windows of the
    users whose history is longer, at random places of equal parts of it: as many as hold all its events.
    """

    def __init__(
        self,
        log: Interactions,
        window: int,
        batch_size: int,
        rng: np.random.Generator,
        ask: Callable[[QueryBatch], TrainingBatch],
        *,
        windows: Windows = "last",
    ) -> None:
        """Cut a log into sequences.

        Args:
            log: The training events.
            window: The most events of a sequence. Users with a single event are skipped.
            batch_size: Sequences in a batch.
            rng: The generator that shuffles and places the windows.
            ask: Turns sequences `[B, window]` into inputs and targets, for example `next_item` or `hidden_items`.
            windows: Whether each user has one sequence, or as many as hold the history.
        """
        users = np.flatnonzero(log.lengths >= 2)
        count = np.ones(len(users), np.int64) if windows == "last" else -(-(log.lengths[users] - 1) // (window - 1))
        rows = np.repeat(users, count)
        self._latest = log.offsets[rows + 1]
        self._part = np.arange(len(rows)) - np.repeat(np.cumsum(count) - count, count)  # 0 is the latest window
        parts = np.repeat(count, count) - 1
        self._width = np.maximum(log.lengths[rows] - window, 0) / np.maximum(parts, 1)
        log = replace(log, source=None, rows=None)  # training does not need the further columns in each process
        self.queries = Queries(log, rows, self._latest, np.zeros(len(rows), np.int64), rows + 1)
        self.window, self.batch_size, self.rng, self.ask = window, batch_size, rng, ask
        self.lengths = np.minimum(log.lengths[rows], window)

    def __len__(self) -> int:
        """Return the number of batches of an epoch."""
        return math.ceil(len(self.queries) / self.batch_size)

    def __iter__(self) -> Iterator[TrainingBatch]:
        """Yield the batches of one epoch."""
        queries = replace(self.queries, end=self._place_windows())
        for rows in batch_by_length(self.lengths, self.batch_size, self.rng):
            yield self.ask(queries.at(rows).batch(self.window))

    def _place_windows(self) -> NDArray[np.int64]:
        """Return where each sequence ends; the earlier windows of a user end at random in equal parts of the history."""
        earlier = np.flatnonzero(self._part)
        ends = self._latest.copy()
        back = (self._part[earlier] - self.rng.random(len(earlier))) * self._width[earlier]
        ends[earlier] -= np.ceil(back).astype(np.int64)
        return ends


def next_item(batch: QueryBatch) -> TrainingBatch:
    """Split sequences `[B, L + 1]` into inputs `[B, L]` and, for each position, the next item as target.

    The last item of each sequence is only a target; it is removed from the inputs of shorter sequences too.
    """
    targets = batch.items[:, 1:]
    has_target = targets > 0
    items, times, events = (values[:, :-1] * has_target for values in (batch.items, batch.times, batch.events))
    inputs = QueryBatch(
        items, times, events, batch.lengths - 1, batch.users, batch.times[:, 1:] * has_target, batch.masked[:, :-1]
    )
    return TrainingBatch(inputs, targets)


def hidden_items(batch: QueryBatch, rate: float, rng: np.random.Generator, last_share: float = 0.0) -> TrainingBatch:
    """Mask a share of the items of sequences `[B, L]`, at least one in each; the masked items are the targets.

    The event type of a masked item is masked too, because it is unknown at inference time. The `now` of each position
    becomes the time of its own event, which is when the masked item is predicted.

    Args:
        batch: The sequences.
        rate: The share of the items to mask.
        rng: The generator that draws the masked items.
        last_share: The share of the sequences in which only the last item is masked, as at inference time.
    """
    real = batch.items > 0
    chance = torch.from_numpy(rng.random(batch.items.shape, np.float32)).to(real.device).masked_fill_(~real, 2.0)
    hidden = (chance < rate) | (chance == chance.amin(1, keepdim=True))
    if last_share:
        only_last = torch.from_numpy(rng.random((len(real), 1), np.float32) < last_share).to(real.device)
        last = torch.arange(real.shape[1], device=real.device) == batch.lengths[:, None] - 1
        hidden = torch.where(only_last, last, hidden)
    items, events = (values.masked_fill(hidden, 0) for values in (batch.items, batch.events))
    inputs = replace(batch, items=items, events=events, masked=hidden, now=batch.times)
    return TrainingBatch(inputs, batch.items * hidden)


class PairBatches:
    """Batches of (user, item) pairs, one per event, reshuffled each epoch."""

    def __init__(self, log: Interactions, batch_size: int, rng: np.random.Generator) -> None:
        """Read the pairs of a log; `rng` shuffles them."""
        self.users, self.items = torch.from_numpy(log.users + 1), torch.from_numpy(log.items).long()
        self.batch_size, self.rng = batch_size, rng

    def __len__(self) -> int:
        """Return the number of batches of an epoch."""
        return math.ceil(len(self.items) / self.batch_size)

    def __iter__(self) -> Iterator[TrainingBatch]:
        """Yield the batches of one epoch: users with an empty history, `[B, 1]`, and one target item each."""
        order = torch.from_numpy(self.rng.permutation(len(self.items)))
        for start in range(0, len(order), self.batch_size):
            chosen = order[start : start + self.batch_size]
            users = self.users[chosen]
            nothing = torch.zeros(len(users), 1, dtype=torch.int64)
            inputs = QueryBatch(nothing, nothing, nothing, torch.ones_like(users), users, nothing, nothing > 0)
            yield TrainingBatch(inputs, self.items[chosen, None])
