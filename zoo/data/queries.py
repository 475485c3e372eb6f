"""Queries: what may be known at a cutoff, and, apart from it, what happened next."""

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
    """The items that each query should find, as a set, in compressed rows.

    Attributes:
        offsets: `[Q + 1]` int64.
        items: Item numbers, `[T]`, ascending within a query.
        cold: Whether the item does not occur in training, `[T]`.
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
        """Return the targets kept, `[T]` bool; queries stay, if need be without targets."""
        before = np.concatenate([[0], np.cumsum(kept)])
        return Targets(before[self.offsets], self.items[kept], self.cold[kept])

    def of_queries(self, kept: NDArray[np.bool_]) -> Targets:
        """Return the targets of the queries kept, `[Q]` bool."""
        events = np.repeat(kept, self.counts)
        offsets = np.concatenate([[0], np.cumsum(self.counts[kept])])
        return Targets(offsets, self.items[events], self.cold[events])


@dataclass(frozen=True, eq=False)
class Histories:
    """The histories of a block of queries as ragged rows; a column of the log is gathered when it is first asked for.

    Attributes:
        offsets: `[B + 1]` int64.
        where: Where the events lie in the log, `[M]` int64, oldest first.
        log: The log they lie in.
    """

    offsets: NDArray[np.int64]
    where: NDArray[np.int64]
    log: Interactions

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
        """Return what each event counts by its type, `[M]`."""
        return self.log.event_weights[self.events]

    @property
    def rows(self) -> NDArray[np.int64]:
        """Return the row of each event within the block, `[M]`."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))


@dataclass(frozen=True, eq=False)
class QueryBatch:
    """Queries as padded tensors, for models that read a sequence; right-padded, L trimmed to the batch.

    Attributes:
        items: `[B, L]` int64, 0 where padded.
        times: `[B, L]` int64.
        events: `[B, L]` int64.
        lengths: `[B]` int64.
        users: User numbers, `[B]` int64, 0 for a user outside training.
        now: The time at which the next event is asked for, `[B, L]`: at the last position the query's own.
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
        """Return the batch with a hidden position after each history, `[B, L + 1]`, at the moment of the query."""
        rows, last = torch.arange(len(self.lengths), device=self.lengths.device), (self.lengths - 1).clamp(min=0)
        asked = self.now[rows, last]
        items, times, events, now, masked = (
            pad(values, (0, 1)) for values in (self.items, self.times, self.events, self.now, self.masked)
        )
        for values, value in ((times, asked), (now, asked), (masked, True)):
            values[rows, self.lengths] = value
        return QueryBatch(items, times, events, self.lengths + 1, self.users, now, masked)


@dataclass(frozen=True, eq=False)
class Queries:
    """Questions to a model: what comes next, after this history, at this moment.

    A query's history is the part of its log row before `end`. Slicing gives a block of queries and copies nothing of
    the log, so that the same object serves one request and a million.

    Attributes:
        log: The histories' own event log.
        row: The row of the log, `[Q]`.
        end: Where the history ends, an index into the log's arrays, `[Q]`.
        now: The moment of the query, `[Q]`, in the unit of the log's clock.
        users: User numbers, `[Q]`, 0 for a user outside training.
        targets: What happened next, or None. A model never gets to see it.
    """

    log: Interactions
    row: NDArray[np.int64]
    end: NDArray[np.int64]
    now: NDArray[np.int64]
    users: NDArray[np.int64]
    targets: Targets | None = field(default=None)

    @classmethod
    def of_histories(cls, log: Interactions, targets: Targets | None = None) -> Queries:
        """Return one query a row of a log: its whole row is the history, its moment just after the last event.

        A row without events is asked just after the last event of the log.
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
        """Return the queries at some places, in that order, without their targets."""
        return Queries(self.log, self.row[places], self.end[places], self.now[places], self.users[places])

    def where(self, kept: NDArray[np.bool_]) -> Queries:
        """Return the queries kept, `[Q]` bool."""
        targets = None if self.targets is None else self.targets.of_queries(kept)
        return Queries(self.log, self.row[kept], self.end[kept], self.now[kept], self.users[kept], targets)

    def answers(self) -> Targets:
        """Return the targets.

        Raises:
            DataError: The queries have none, since nobody knows yet what happens next.
        """
        if self.targets is None:
            raise DataError("these queries have no targets: they can be answered, but not evaluated or learned from")
        return self.targets

    def blind(self) -> Queries:
        """Return the queries without their targets: what a model gets."""
        return self if self.targets is None else replace(self, targets=None)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Return the length of each history, `[Q]`."""
        return self.end - self.log.offsets[self.row]

    @cached_property
    def histories(self) -> Histories:
        """Return all histories as ragged rows."""
        where, offsets = self._gathered(self.lengths)
        return Histories(offsets, where, self.log)

    def matrix(self, *, binary: bool = False) -> scipy.sparse.csr_matrix:
        """Return the histories as a sparse matrix `[Q, I]` float32: weights summed by item, or 1 for each item."""
        h = self.histories
        return csr(h.offsets, h.items, h.weights, self.log.n_items, binary=binary)

    def batch(self, length: int, device: torch.device | str = "cpu") -> QueryBatch:
        """Return the last `length` events of each history as padded tensors `[B, L]`."""
        kept = np.minimum(self.lengths, length)
        where, offsets = self._gathered(kept)
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
        """Return the queries without what a model trained elsewhere cannot know.

        Args:
            known: Which items it knows, `[I]`; events of others are left out of the histories.
            known_users: Which users it knows, `[U + 1]`; the others become user 0.
        """
        users = self.users
        if known_users is not None:
            numbered = np.where(users < len(known_users), users, 0)
            users = np.where(known_users[numbered], numbered, 0)
        if known[1:].all():
            return replace(self, users=users)
        queries = self if 2 * self.lengths.sum() > len(self.log) else self.compact()
        kept = known[queries.log.items]
        if kept.all():
            return replace(self, users=users)
        before = np.concatenate([[0], np.cumsum(kept)])
        return replace(queries, log=queries.log.where(kept), end=before[queries.end], users=users)

    def compact(self) -> Queries:
        """Return the queries on a log of nothing but their histories, a row each, without further columns.

        So one request never pays for the whole log, and nobody who gets it can look past its end.
        """
        where, offsets = self._gathered(self.lengths)
        log = replace(
            self.log,
            offsets=offsets,
            items=self.log.items[where],
            times=self.log.times[where],
            events=self.log.events[where],
            source=None,
            rows=None,
        )
        return replace(self, log=log, row=np.arange(len(self)), end=offsets[1:])

    def _gathered(self, lengths: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return where the last events of each history lie in the log, `[M]`, and the offsets of the rows, `[Q + 1]`."""
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        where = np.repeat(self.end - lengths - offsets[:-1], lengths) + np.arange(offsets[-1])
        return where, offsets
