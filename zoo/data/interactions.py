"""The event log in memory: one stable sort by user and time, then three flat arrays and the offsets of the users."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import pyarrow as pa
import scipy.sparse
from numpy.typing import NDArray

from zoo.data.dataset import Columns
from zoo.errors import DataError, suggestion

Clock = Literal["timestamp", "position", "file-order"]
"""What the times of a log are: UTC milliseconds, or an order only."""


@dataclass(frozen=True, eq=False)
class Interactions:
    """An event log in compressed sparse rows: a row a user, its events in the order of time.

    Attributes:
        offsets: Where each user's events begin, `[U + 1]` int64. Row `u` belongs to user number `u + 1`.
        items: Item numbers from 1, `[N]` int32.
        times: `[N]` int64, UTC milliseconds, or positions where the clock is not `timestamp`.
        events: Codes into `event_names`, `[N]` uint8.
        event_names: The event types.
        event_weights: What an event of each type counts, `[E]` float32, for models that weigh events.
        n_items: The number of items of the vocabulary; valid item numbers are 1 to `n_items`.
        clock: What the times are.
        source: A table with further columns, read only when they are asked for.
        rows: The row of `source` that each event came from, `[N]`.
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
    ) -> Interactions:
        """Build a log from one entry an event, in any order; ties in time keep the order given.

        Args:
            users: User numbers from 0, `[N]`.
            items: Item numbers from 1, `[N]`.
            times: UTC milliseconds or positions, `[N]`; the order given where there are none.
            n_items: The size of the vocabulary; the largest item number by default.
            n_users: The number of rows; the largest user number plus one by default.
            events: Codes into `event_names`, `[N]`.
            event_names: The event types.
            event_weights: The weight of each event type, 1 by default.
            clock: What `times` are.
            source: Further columns, a row an event.
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
        )

    def __len__(self) -> int:
        """Return the number of events."""
        return len(self.items)

    @property
    def n_users(self) -> int:
        """Return the number of rows, those without events included."""
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
    def weights(self) -> NDArray[np.float32]:
        """Return the weight of each event by its type, `[N]`."""
        return self.event_weights[self.events]

    @property
    def known(self) -> NDArray[np.bool_]:
        """Return which items occur, `[I]`; entry 0 is padding and False."""
        return self.counts() > 0

    def counts(self) -> NDArray[np.int64]:
        """Return how often each item occurs, `[I]`."""
        return np.bincount(self.items, minlength=self.n_items + 1)

    def column(self, name: str) -> pa.ChunkedArray:
        """Return a further column of the log, a value an event.

        Raises:
            DataError: The log has no such column.
        """
        known = list(self.source.column_names) if self.source is not None and self.rows is not None else []
        if self.source is None or name not in known:
            found = ", ".join(known) or "none"
            raise DataError(f"the event log has no column {name!r}.{suggestion(name, known)} Its columns: {found}.")
        return self.source.select([name]).column(0).take(pa.array(self.rows))

    def where(self, kept: NDArray[np.bool_]) -> Interactions:
        """Return the log with only the events kept, `[N]` bool; users stay, if need be without events."""
        before = np.concatenate([[0], np.cumsum(kept)])
        return replace(
            self,
            offsets=before[self.offsets],
            items=self.items[kept],
            times=self.times[kept],
            events=self.events[kept],
            rows=None if self.rows is None else self.rows[kept],
        )

    def matrix(
        self, value: Callable[[Interactions], NDArray[np.float32]] | None = None, *, binary: bool = False
    ) -> scipy.sparse.csr_matrix:
        """Return the log as a sparse matrix of users by items, `[U, I]` float32, a pair once.

        Args:
            value: What an event counts, `[N]`; its weight by default. Events of one pair add up.
            binary: Whether an entry is 1 however often the pair occurs.
        """
        values = np.ones(len(self), np.float32) if binary else (value(self) if value else self.weights)
        return csr(self.offsets, self.items, values, self.n_items, binary=binary)


def csr(
    offsets: NDArray[np.int64],
    items: NDArray[np.int32],
    values: NDArray[np.float32],
    n_items: int,
    *,
    binary: bool = False,
) -> scipy.sparse.csr_matrix:
    """Return ragged rows of items as a sparse matrix `[rows, I]` with sorted columns, equal pairs summed (or set to 1)."""
    shape = (len(offsets) - 1, n_items + 1)
    matrix = scipy.sparse.csr_matrix(
        (values.copy(), items.copy(), offsets.astype(np.int32 if len(items) < 2**31 else np.int64)), shape
    )
    matrix.sum_duplicates()
    if binary:
        matrix.data[:] = 1.0
    return matrix


def stable_order(users: NDArray[np.integer], times: NDArray[np.integer] | None) -> NDArray[np.int64]:
    """Return the order by user, then time, then place in the file, `[N]`."""
    if times is None:
        return np.argsort(users, kind="stable")
    if not len(users) or _is_sorted(users, times):
        return np.arange(len(users))
    first, span = int(times.min()), int(times.max()) - int(times.min()) + 1
    if (int(users.max()) + 1) * span >= 2**63:
        return np.lexsort((times, users))
    key = users.astype(np.int64)
    key *= span  # user and time in one integer: a single sort, in half the time of two
    key += times - first
    return np.argsort(key, kind="stable")


def _is_sorted(users: NDArray[np.integer], times: NDArray[np.integer]) -> bool:
    """Return whether the events already come by user and time."""
    same = users[1:] == users[:-1]
    return bool(np.all((users[1:] > users[:-1]) | (same & (times[1:] >= times[:-1]))))
