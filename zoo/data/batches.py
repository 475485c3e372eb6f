"""Training batches: histories of similar length, or pairs, gathered from the log with index arithmetic."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.data.interactions import Interactions
from zoo.data.queries import QueryBatch
from zoo.data.windows import HistoryWindows, Windows

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
    """Batches of windows of the users' histories, reshuffled each epoch; sequences of similar length share a batch."""

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
            rng: The generator that places the windows and shuffles.
            ask: Turns sequences `[B, window]` into inputs and targets, for example `next_item` or `hidden_items`.
            windows: Which windows of a longer history are read.
        """
        self._windows = HistoryWindows(log, log.lengths, window, shared=1, windows=windows)
        self.window, self.batch_size, self.rng, self.ask = window, batch_size, rng, ask

    def __len__(self) -> int:
        """Return the number of batches of an epoch."""
        return math.ceil(len(self._windows) / self.batch_size)

    def __iter__(self) -> Iterator[TrainingBatch]:
        """Yield the batches of one epoch."""
        sequences = self._windows.place(self.rng)
        for rows in batch_by_length(self._windows.lengths, self.batch_size, self.rng):
            yield self.ask(sequences.at(rows).batch(self.window))


class NextMomentBatches:
    """Batches in which each event is asked for an event of the user's next moment, drawn anew in each epoch.

    For logs in which several events of a user happen at one moment, such as an invoice. Their order means nothing, so none of
    them is the next one, and a recommendation is asked for when the moment is over.
    """

    def __init__(
        self, log: Interactions, length: int, batch_size: int, rng: np.random.Generator, *, windows: Windows = "last"
    ) -> None:
        """Cut a log into sequences.

        Args:
            log: The training events, those of a moment in a row.
            length: The most events of a sequence. Users with a single moment are skipped.
            batch_size: Sequences in a batch.
            rng: The generator that places the windows, draws the targets and shuffles.
            windows: Which windows of a longer history are read.
        """
        self._moments = log.moments
        self._starts = np.flatnonzero(np.diff(self._moments, prepend=-1, append=-1))  # [M + 1]
        rows = np.flatnonzero(log.lengths)
        usable = np.zeros(log.n_users, np.int64)
        usable[rows] = self._starts[self._moments[log.offsets[rows + 1] - 1]] - log.offsets[rows]
        self._windows = HistoryWindows(log, usable, length, shared=0, windows=windows)
        self.length, self.batch_size, self.rng = length, batch_size, rng

    def __len__(self) -> int:
        """Return the number of batches of an epoch."""
        return math.ceil(len(self._windows) / self.batch_size)

    def __iter__(self) -> Iterator[TrainingBatch]:
        """Yield the batches of one epoch."""
        sequences = self._windows.place(self.rng)
        questions = replace(sequences, log=self._draw_targets(sequences.log))
        for rows in batch_by_length(self._windows.lengths, self.batch_size, self.rng):
            inputs, targets = (queries.at(rows).batch(self.length) for queries in (sequences, questions))
            yield TrainingBatch(replace(inputs, now=targets.times), targets.items)

    def _draw_targets(self, log: Interactions) -> Interactions:
        """Return the log with an event of the next moment in place of each event; at a user's last moment it has no meaning."""
        following = np.minimum(self._moments + 1, len(self._starts) - 2)
        start, end = self._starts[following], self._starts[following + 1]
        return log.take(start + (self.rng.random(len(log)) * (end - start)).astype(np.int64))


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


def hidden_items(
    batch: QueryBatch, rate: float, rng: np.random.Generator, last_share: float = 0.0, *, moments: bool = False
) -> TrainingBatch:
    """Mask a share of the items of sequences `[B, L]`, at least one in each; the masked items are the targets.

    The event type of a masked item is masked too, because it is unknown at inference time. The `now` of each position
    becomes the time of its own event, which is when the masked item is predicted.

    Args:
        batch: The sequences.
        rate: The share of the items to mask.
        rng: The generator that draws the masked items.
        last_share: The share of the sequences in which only the last item is masked, as at inference time.
        moments: Whether all events of a moment are masked together. Otherwise a masked item of an invoice is predicted from
            the other items of that invoice, which are unknown at inference time.
    """
    real = batch.items > 0
    chance = torch.from_numpy(rng.random(batch.items.shape, np.float32)).to(real.device).masked_fill_(~real, 2.0)
    place = torch.arange(real.shape[1], device=real.device).expand_as(real)
    first = _first_of_moment(batch.times, place) if moments else place
    chance = chance.gather(1, first)
    hidden = ((chance < rate) | (chance == chance.amin(1, keepdim=True))) & real
    if last_share:
        only_last = torch.from_numpy(rng.random((len(real), 1), np.float32) < last_share).to(real.device)
        last = (first == first.gather(1, batch.lengths[:, None] - 1)) & real
        hidden = torch.where(only_last, last, hidden)
    items, events = (values.masked_fill(hidden, 0) for values in (batch.items, batch.events))
    inputs = replace(batch, items=items, events=events, masked=hidden, now=batch.times)
    return TrainingBatch(inputs, batch.items * hidden)


def _first_of_moment(times: Tensor, place: Tensor) -> Tensor:
    """Return the position of the first event of each event's moment, `[B, L]` int64."""
    starts = torch.ones_like(times, dtype=torch.bool)
    starts[:, 1:] = times[:, 1:] != times[:, :-1]
    return torch.where(starts, place, 0).cummax(1).values


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
