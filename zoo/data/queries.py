"""Queries: the history that is known at a cutoff and, separately, the targets that follow it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad

from zoo.data.interactions import Interactions, csr
from zoo.errors import DataError


@dataclass(frozen=True, eq=False)
class Targets:
    """The set of target items of each query, in compressed rows.

    Attributes:
        offsets: The start of each query's targets, `[Q + 1]` int64.
        items: Item numbers, `[T]`, ascending within a query.
        cold: Whether the item is absent from training, `[T]`.
    """

    offsets: NDArray[np.int64]
    items: NDArray[np.int32]
    cold: NDArray[np.bool_]

    def __getitem__(self, block: slice) -> Targets:
        """Return the targets of a block of queries."""
        start, stop, _ = block.indices(len(self.offsets) - 1)
        a, b = self.offsets[start], self.offsets[stop]
        return Targets(self.offsets[start : stop + 1] - a, self.items[a:b], self.cold[a:b])

    @property
    def counts(self) -> NDArray[np.int64]:
        """Return the number of targets of each query, `[Q]`."""
        return np.diff(self.offsets)

    def where(self, kept: NDArray[np.bool_]) -> Targets:
        """Return the targets in `kept`, `[T]` bool. All queries keep their row, even without targets."""
        before = np.concatenate([[0], np.cumsum(kept)])
        return Targets(before[self.offsets], self.items[kept], self.cold[kept])

    def of_queries(self, kept: NDArray[np.bool_]) -> Targets:
        """Return the targets of the queries in `kept`, `[Q]` bool."""
        events = np.repeat(kept, self.counts)
        offsets = np.concatenate([[0], np.cumsum(self.counts[kept])])
        return Targets(offsets, self.items[events], self.cold[events])


@dataclass(frozen=True, eq=False)
class Histories:
    """The histories of a block of queries as ragged rows; each column of the log is gathered at first access.

    Attributes:
        offsets: The start of each history, `[B + 1]` int64.
        where: The positions of the events in the log, `[M]` int64, oldest first.
        log: The event log.
    """

    offsets: NDArray[np.int64]
    where: NDArray[np.int64]
    log: Interactions

    @property
    def moments_after(self) -> NDArray[np.int64]:
        """Return the number of later moments in the history of each event, `[M]`; with `ties = "file"`, of later events."""
        last = self.offsets[self.rows + 1] - 1
        if self.log.ties == "file":
            later: NDArray[np.int64] = last - np.arange(len(self.where))
            return later
        moments: NDArray[np.int64] = np.cumsum(np.diff(self.times, prepend=0) != 0)
        return moments[last] - moments

    @cached_property
    def items(self) -> NDArray[np.int32]:
        """Return item numbers, `[M]`."""
        return self.log.items[self.where]

    @cached_property
    def times(self) -> NDArray[np.int64]:
        """Return times, `[M]`."""
        return self.log.times[self.where]

    @cached_property
    def events(self) -> NDArray[np.uint8]:
        """Return event codes, `[M]`."""
        return self.log.events[self.where]

    @cached_property
    def weights(self) -> NDArray[np.float32]:
        """Return the weight of each event, by its type, `[M]`."""
        return self.log.event_weights[self.events]

    @property
    def occurrences(self) -> NDArray[np.int64]:
        """Return how often the item of each event occurs in its history, `[M]`."""
        pairs = self.rows * (self.log.n_items + 1) + self.items
        _, which, counts = np.unique(pairs, return_inverse=True, return_counts=True)
        found: NDArray[np.int64] = counts[which]
        return found

    @property
    def rows(self) -> NDArray[np.int64]:
        """Return the row of each event within the block, `[M]`."""
        return np.arange(len(self.offsets) - 1).repeat(self.offsets[1:] - self.offsets[:-1])


@dataclass(frozen=True, eq=False)
class QueryBatch:
    """Queries as padded tensors for sequence models; right-padded, with L the longest history of the batch.

    Attributes:
        items: Item numbers, `[B, L]` int64, 0 where padded.
        times: `[B, L]` int64.
        events: Event codes, `[B, L]` int64.
        lengths: `[B]` int64.
        users: User numbers, `[B]` int64, 0 for a user outside training.
        now: The time of the prediction at each position, `[B, L]`: the time of the next event, and at the last
            position the time of the query.
        masked: Which positions are hidden from the model, `[B, L]` bool.
    """

    items: Tensor
    times: Tensor
    events: Tensor
    lengths: Tensor
    users: Tensor
    now: Tensor
    masked: Tensor

    def to(self, device: torch.device | str, **options: Any) -> QueryBatch:
        """Return the batch on a device."""
        return QueryBatch(*(getattr(self, f.name).to(device, **options) for f in fields(self)))

    def with_hidden_end(self) -> QueryBatch:
        """Append a masked position to each history, `[B, L + 1]`, at the time of the query."""
        rows, last = torch.arange(len(self.lengths), device=self.lengths.device), (self.lengths - 1).clamp(min=0)
        query_time = self.now[rows, last]
        items, times, events, now, masked = (
            pad(values, (0, 1)) for values in (self.items, self.times, self.events, self.now, self.masked)
        )
        for values, value in ((times, query_time), (now, query_time), (masked, True)):
            values[rows, self.lengths] = value
        return QueryBatch(items, times, events, self.lengths + 1, self.users, now, masked)


@dataclass(frozen=True, eq=False)
class Queries:
    """Requests for recommendations: each has a history and a time.

    The history of a query is the part of its log row before `end`. Slicing returns a block of queries without copying
    the log, so the same class serves one request or a million.

    Attributes:
        log: The event log that holds the histories.
        row: The row of the log, `[Q]`.
        end: The end of the history, an index into the log's arrays, `[Q]`.
        now: The time of the query, `[Q]`, in the unit of the log's clock.
        users: User numbers, `[Q]`, 0 for a user outside training.
        targets: The items to predict, or None. Models never see them.
    """

    log: Interactions
    row: NDArray[np.int64]
    end: NDArray[np.int64]
    now: NDArray[np.int64]
    users: NDArray[np.int64]
    targets: Targets | None = field(default=None)

    @classmethod
    def of_histories(cls, log: Interactions, targets: Targets | None = None) -> Queries:
        """Return one query per row of a log: the history is the whole row, the time is just after its last event.

        The time of a row without events is just after the last event of the log.
        """
        last = np.maximum(log.offsets[1:] - 1, 0)
        now = np.full(log.n_users, log.times.max(initial=-1) + 1)
        if len(log):
            now = np.where(log.lengths > 0, log.times[last] + 1, now)
        return cls(log, np.arange(log.n_users), log.offsets[1:], now, np.arange(1, log.n_users + 1), targets)

    def __len__(self) -> int:
        """Return the number of queries."""
        return len(self.row)

    def __getitem__(self, block: slice) -> Queries:
        """Return a block of queries."""
        targets = None if self.targets is None else self.targets[block]
        return Queries(self.log, self.row[block], self.end[block], self.now[block], self.users[block], targets)

    def at(self, places: NDArray[np.int64]) -> Queries:
        """Return the queries at the given positions, in that order, without targets."""
        return Queries(self.log, self.row[places], self.end[places], self.now[places], self.users[places])

    def where(self, kept: NDArray[np.bool_]) -> Queries:
        """Return the queries in `kept`, `[Q]` bool, with their targets."""
        targets = None if self.targets is None else self.targets.of_queries(kept)
        return Queries(self.log, self.row[kept], self.end[kept], self.now[kept], self.users[kept], targets)

    def answers(self) -> Targets:
        """Return the targets.

        Raises:
            DataError: The queries have no targets.
        """
        if self.targets is None:
            raise DataError(
                "these queries have no targets, so they can be used for recommendation, but not for evaluation or training"
            )
        return self.targets

    def blind(self) -> Queries:
        """Return the queries without their targets, as models get them."""
        return self if self.targets is None else replace(self, targets=None)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Return the length of each history, `[Q]`."""
        return self.end - self.log.offsets[self.row]

    @cached_property
    def histories(self) -> Histories:
        """Return all histories as ragged rows."""
        where, offsets = self._gather(self.lengths)
        return Histories(offsets, where, self.log)

    def matrix(self, *, binary: bool = False) -> scipy.sparse.csr_matrix:
        """Return the histories as a sparse matrix `[Q, I]` float32: the summed weights of each item, or 1 if `binary`."""
        h = self.histories
        return csr(h.offsets, h.items, h.weights, self.log.n_items, binary=binary)

    def batch(self, length: int, device: torch.device | str = "cpu") -> QueryBatch:
        """Return the last `length` events of each history as padded tensors `[B, L]`."""
        kept = np.minimum(self.lengths, length)
        where, offsets = self._gather(kept)
        shape = (len(self), max(int(kept.max(initial=0)), 1))
        place = np.repeat(np.arange(len(self)) * shape[1] - offsets[:-1], kept) + np.arange(len(where))
        items, times, events, now = (np.zeros(shape, np.int64) for _ in range(4))
        items.reshape(-1)[place] = self.log.items[where]
        times.reshape(-1)[place] = self.log.times[where]
        events.reshape(-1)[place] = self.log.events[where]
        now[:, :-1] = times[:, 1:]
        now[np.arange(len(self)), np.maximum(kept - 1, 0)] = self.now
        arrays = (items, times, events, kept, self.users, now, np.zeros(shape, np.bool_))
        return QueryBatch(*(torch.from_numpy(a).to(device) for a in arrays))

    def restricted(self, known: NDArray[np.bool_], known_users: NDArray[np.bool_] | None = None) -> Queries:
        """Remove items and users that are unknown to a model trained on other data.

        Args:
            known: The items that the model knows, `[I]`; events of other items are removed from the histories.
            known_users: The users that the model knows, `[U + 1]`; other users become user 0.
        """
        users = self.users
        if known_users is not None and users.any():
            numbered = np.where(users < len(known_users), users, 0)
            users = np.where(known_users[numbered], numbered, 0)
            users = self.users if np.array_equal(users, self.users) else users
        if known[1:].all():
            return self if users is self.users else replace(self, users=users)
        queries = self if 2 * self.lengths.sum() > len(self.log) else self.compact()
        kept = known[queries.log.items]
        if kept.all():
            return self if users is self.users else replace(self, users=users)
        before = np.concatenate([[0], np.cumsum(kept)])
        return replace(queries, log=queries.log.where(kept), end=before[queries.end], users=users)

    def compact(self) -> Queries:
        """Copy the histories into a log of their own, one row per query, without further columns.

        The copy is small, and it contains no events after the end of a history. A log that is such a copy already is returned.
        """
        own = self.log.source is None and self.log.rows is None and self.log.n_users == len(self)
        if own and (self.end == self.log.offsets[1:]).all() and (len(self) == 1 or (np.diff(self.row) == 1).all()):
            return self
        offsets = np.zeros(len(self) + 1, np.int64)
        self.lengths.cumsum(out=offsets[1:])
        items, times, events = self.log.items, self.log.times, self.log.events
        if len(self) and (self.end[:-1] == self.log.offsets[self.row[1:]]).all():  # without gaps, which is faster
            span = slice(int(self.log.offsets[self.row[0]]), int(self.end[-1]))
            items, times, events = items[span].copy(), times[span].copy(), events[span].copy()
        else:
            where, _ = self._gather(self.lengths)
            items, times, events = items[where], times[where], events[where]
        log = replace(self.log, offsets=offsets, items=items, times=times, events=events, source=None, rows=None)
        return replace(self, log=log, row=np.arange(len(self)), end=offsets[1:])

    def _gather(self, lengths: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the log positions of the last `lengths` events of each history, `[M]`, and the row offsets, `[Q + 1]`."""
        offsets = np.zeros(len(lengths) + 1, np.int64)
        lengths.cumsum(out=offsets[1:])
        where = (self.end - lengths - offsets[:-1]).repeat(lengths)
        where += np.arange(len(where))
        return where, offsets
