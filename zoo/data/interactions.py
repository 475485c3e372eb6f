"""The event log in memory: three flat arrays, sorted by user and time, and the offset of each user."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import pyarrow as pa
import scipy.sparse
from numpy.typing import NDArray

from zoo.data.dataset import Columns
from zoo.data.past_columns import PastColumns
from zoo.errors import DataError, suggestion

Clock = Literal["timestamp", "position", "file-order"]
"""The kind of a log's times: UTC milliseconds, or only an order."""
Ties = Literal["together", "file"]
"""Whether the order of a user's events at one moment means nothing, or is the order in which they happened."""


@dataclass(frozen=True, eq=False)
class Interactions:
    """An event log in compressed sparse rows: one row per user, with the user's events in time order.

    Attributes:
        offsets: The start of each user's events, `[U + 1]` int64. Row `u` belongs to user number `u + 1`.
        items: Item numbers from 1, `[N]` int32.
        times: UTC milliseconds, or positions if the clock is not `timestamp`, `[N]` int64.
        events: Codes into `event_names`, `[N]` uint8.
        event_names: The event types.
        event_weights: The weight of each event type, `[E]` float32, for models that weight events.
        n_items: The number of items in the vocabulary; valid item numbers are 1 to `n_items`.
        clock: The kind of the times.
        source: A table with further columns, which are read on demand.
        rows: The row of each event in `source`, `[N]`.
        ties: Whether the events of a user at one moment form a unit without an order, or are ordered as they stand.
    """

    offsets: NDArray[np.int64]
    items: NDArray[np.int32]
    times: NDArray[np.int64]
    events: NDArray[np.uint8]
    n_items: int
    event_names: tuple[str, ...] = ("interaction",)
    event_weights: NDArray[np.float32] = field(default_factory=lambda: np.ones(1, np.float32))
    clock: Clock = "timestamp"
    source: Columns | None = None
    rows: NDArray[np.int64] | None = None
    ties: Ties = "together"

    @classmethod
    def from_arrays(
        cls,
        users: NDArray[np.integer],
        items: NDArray[np.integer],
        times: NDArray[np.integer] | None = None,
        *,
        n_items: int | None = None,
        n_users: int | None = None,
        events: NDArray[np.integer] | None = None,
        event_names: Sequence[str] = ("interaction",),
        event_weights: Sequence[float] | None = None,
        clock: Clock | None = None,
        source: Columns | None = None,
        ties: Ties = "together",
    ) -> Interactions:
        """Build a log from one entry per event, in any order; events at the same time keep the given order.

        A task orders events at the same time by item number, unless `ties` is `"file"`.

        Args:
            users: User numbers from 0, `[N]`.
            items: Item numbers from 1, `[N]`.
            times: UTC milliseconds or positions, `[N]`; the given order by default.
            n_items: The size of the vocabulary; the largest item number by default.
            n_users: The number of rows; the largest user number plus one by default.
            events: Codes into `event_names`, `[N]`.
            event_names: The event types.
            event_weights: The weight of each event type, 1 by default.
            clock: The kind of `times`.
            source: Further columns, one row per event.
            ties: What the order of a user's events at one moment means.
        """
        n_users = (int(users.max()) + 1 if len(users) else 0) if n_users is None else n_users
        order = stable_order(users, times)
        counts = np.bincount(users, minlength=n_users)
        return cls(
            offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            items=items[order].astype(np.int32),
            times=order.astype(np.int64) if times is None else times[order].astype(np.int64),
            events=np.zeros(len(items), np.uint8) if events is None else events[order].astype(np.uint8),
            n_items=(int(items.max()) if len(items) else 0) if n_items is None else n_items,
            event_names=tuple(event_names),
            event_weights=np.asarray(event_weights or [1.0] * len(event_names), np.float32),
            clock=clock or ("file-order" if times is None else "timestamp"),
            source=source,
            rows=order if source is not None else None,
            ties=ties,
        )

    def __len__(self) -> int:
        """Return the number of events."""
        return len(self.items)

    @property
    def n_users(self) -> int:
        """Return the number of rows, including those without events."""
        return len(self.offsets) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Return the number of events of each user, `[U]`."""
        return np.diff(self.offsets)

    @property
    def users(self) -> NDArray[np.int64]:
        """Return the row of each event, `[N]`."""
        return np.repeat(np.arange(self.n_users), self.lengths)

    @property
    def moments(self) -> NDArray[np.int64]:
        """Return the moment of each event, counted from 0 over all users, `[N]`; one per event with `ties = "file"`.

        The order of the events of a moment means nothing.
        """
        return np.cumsum(~tied_with_previous(self)) - 1 if self.ties == "together" else np.arange(len(self))

    @property
    def has_ties(self) -> bool:
        """Return whether several events of a user happened at one moment, so that their order means nothing."""
        return self.ties == "together" and bool(tied_with_previous(self).any())

    @property
    def weights(self) -> NDArray[np.float32]:
        """Return the weight of each event, by its type, `[N]`."""
        return self.event_weights[self.events]

    @property
    def known(self) -> NDArray[np.bool_]:
        """Return which items occur, `[I]`; entry 0 is padding and False."""
        return self.counts() > 0

    def counts(self) -> NDArray[np.int64]:
        """Return how often each item occurs, `[I]`."""
        return np.bincount(self.items, minlength=self.n_items + 1)

    def column(self, name: str) -> pa.ChunkedArray:
        """Return a further column of the log, one value per event.

        Raises:
            DataError: The log has no such column.
        """
        known = list(self.source.column_names) if self.source is not None and self.rows is not None else []
        if self.source is None or name not in known:
            found = ", ".join(known) or "none"
            raise DataError(f"the event log has no column {name!r}.{suggestion(name, known)} Its columns: {found}.")
        return self.source.select([name]).column(0).take(pa.array(self.rows))

    def where(self, kept: NDArray[np.bool_]) -> Interactions:
        """Return the log with only the events in `kept`, `[N]` bool. All users keep their row, even without events."""
        before = np.concatenate([[0], np.cumsum(kept)])
        return replace(
            self,
            offsets=before[self.offsets],
            items=self.items[kept],
            times=self.times[kept],
            events=self.events[kept],
            rows=None if self.rows is None else self.rows[kept],
        )

    def extract(self, kept: NDArray[np.bool_]) -> Interactions:
        """Return the events in `kept`, `[N]` bool, as a log from which no other event can be read, for a stage to learn from.

        All users keep their row. Unlike those of `where`, its further columns have only the rows of these events.
        """
        log = self.where(kept)
        if log.source is None or log.rows is None:
            return replace(log, source=None, rows=None)
        return replace(log, source=PastColumns(log.source, log.rows), rows=np.arange(len(log)))

    def take(self, order: NDArray[np.int64]) -> Interactions:
        """Return the log with its events in another order, `[N]`, which keeps each event in its row."""
        return replace(
            self,
            items=self.items[order],
            times=self.times[order],
            events=self.events[order],
            rows=None if self.rows is None else self.rows[order],
        )

    def matrix(
        self, value: Callable[[Interactions], NDArray[np.float32]] | None = None, *, binary: bool = False
    ) -> scipy.sparse.csr_matrix:
        """Return the log as a sparse matrix of users by items, `[U, I]` float32, with one entry per pair.

        Args:
            value: Computes the value of each event, `[N]`; its weight by default. Values of the same pair are summed.
            binary: Whether to set each entry to 1, however often the pair occurs.
        """
        values = np.ones(len(self), np.float32) if binary else (value(self) if value else self.weights)
        return csr(self.offsets, self.items, values, self.n_items, binary=binary)


def tied_with_previous(log: Interactions) -> NDArray[np.bool_]:
    """Return which events have the same time as the previous event of their row, `[N]`."""
    tied = np.zeros(len(log), np.bool_)
    tied[1:] = log.times[1:] == log.times[:-1]
    starts = log.offsets[:-1]
    tied[starts[starts < len(log)]] = False
    return tied


def csr(
    offsets: NDArray[np.int64],
    items: NDArray[np.int32],
    values: NDArray[np.float32],
    n_items: int,
    *,
    binary: bool = False,
) -> scipy.sparse.csr_matrix:
    """Return ragged rows of items as a sparse matrix `[rows, I]` with sorted columns; duplicates are summed (or set to 1)."""
    shape = (len(offsets) - 1, n_items + 1)
    matrix = scipy.sparse.csr_matrix(
        (values.copy(), items.copy(), offsets.astype(np.int32 if len(items) < 2**31 else np.int64)), shape
    )
    matrix.sum_duplicates()
    if binary:
        matrix.data[:] = 1.0
    return matrix


def stable_order(users: NDArray[np.integer], times: NDArray[np.integer] | None) -> NDArray[np.int64]:
    """Return the order by user, then time, then file order, `[N]`."""
    if times is None:
        return np.argsort(users, kind="stable")
    if not len(users) or _is_sorted(users, times):
        return np.arange(len(users))
    first, span = int(times.min()), int(times.max()) - int(times.min()) + 1
    if (int(users.max()) + 1) * span >= 2**63:
        return np.lexsort((times, users))
    key = users.astype(np.int64)
    key *= span  # user and time in one integer, because one sort takes half the time of two
    key += times - first
    return np.argsort(key, kind="stable")


def _is_sorted(users: NDArray[np.integer], times: NDArray[np.integer]) -> bool:
    """Return whether the events are already sorted by user and time."""
    same = users[1:] == users[:-1]
    return bool(np.all((users[1:] > users[:-1]) | (same & (times[1:] >= times[:-1]))))
