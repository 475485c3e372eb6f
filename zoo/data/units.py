"""Units: events of a user that a split never divides, because they happened at one moment, in one basket or in one session.

The order of events inside a moment or a basket carries no information: it is the item number, then the event code, in
histories and in training alike. A log with `ties = "file"` keeps the given order inside a moment, and each event is a unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from zoo.config.split_settings import UNIT_COLUMNS, Unit
from zoo.data.dataset import Notes
from zoo.data.interactions import Interactions, tied_with_previous
from zoo.data.near_columns import format_mapping, near_column
from zoo.data.schema import is_text, strip_empty
from zoo.errors import SplitError


@dataclass(frozen=True, eq=False)
class Units:
    """The units of a log.

    Attributes:
        log: The log, with the events in the order of the units.
        kind: What a unit is: an event (or a moment), a basket or a session.
        numbers: The unit of each event, counted from 0, ascending, `[N]`.
        steps: The step of each event, ascending, `[N]`. Events of one step are not in each other's history: a moment or a
            basket. A session has several steps.
        notes: Remarks for reports.
    """

    log: Interactions
    kind: Unit
    numbers: NDArray[np.int64]
    steps: NDArray[np.int64]
    notes: Notes = field(default_factory=dict)

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """Return the position of the first event of each unit, ascending, `[M]`."""
        return np.flatnonzero(np.diff(self.numbers, prepend=-1))

    @cached_property
    def offsets(self) -> NDArray[np.int64]:
        """Return the first unit of each row, and the number of units at the end, `[U + 1]`."""
        rows = np.searchsorted(self.log.offsets, self.starts, side="right") - 1
        return np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=self.log.n_users))])

    @cached_property
    def ends(self) -> NDArray[np.int64]:
        """Return the time of the last event of each unit, `[M]`."""
        last = np.append(self.starts[1:], len(self.log)) - 1
        times: NDArray[np.int64] = self.log.times[last]
        return times

    def format_unit(self, unit: int) -> str:
        """Return the name of a basket or session for messages."""
        column = UNIT_COLUMNS[self.kind]
        value = self.log.column(column)[int(self.starts[unit])].as_py()
        return f"{column} {value!r}"


def find_units(log: Interactions, kind: Unit = "event") -> Units:
    """Return the units of a log, and the log in their order.

    - An event is a unit; with `ties = "together"`, all events of a user at one moment are one unit.
    - A basket happens at the time of its last event: all its events get this time, and a user's baskets are ordered by it.
    - Sessions of a user that overlap in time are joined to one unit, because one of them would be the future of the other.

    Events without a basket or a session form a unit with the events of the same moment that have none either.

    Raises:
        SplitError: The log has no column for the unit.
    """
    if kind == "basket":
        return _find_baskets(log)
    log = order_ties(log)
    steps = log.moments
    return Units(log, kind, steps, steps) if kind == "event" else _find_sessions(log, steps)


def unit_ends(log: Interactions, kind: Unit) -> NDArray[np.int64]:
    """Return the time of the last event of each event's unit, in the order of `log`, `[N]`.

    In a log without the column for the unit, each event is one.
    """
    has_column = kind != "event" and log.source is not None and UNIT_COLUMNS[kind] in log.source.column_names
    if not has_column or log.rows is None:
        return log.times
    units = find_units(log, kind)
    assert units.log.rows is not None
    ends = np.empty(len(log), np.int64)
    ends[np.argsort(log.rows)] = units.ends[units.numbers][np.argsort(units.log.rows)]
    return ends


def number_moments(log: Interactions) -> NDArray[np.int64]:
    """Return the moment of each event, counted from 0 over all users, `[N]`."""
    return np.cumsum(~tied_with_previous(log)) - 1


def order_ties(log: Interactions, columns: Sequence[str] = ()) -> Interactions:
    """Order the events of each moment by item number, then event code; a log with `ties = "file"` is returned unchanged.

    Args:
        log: The log.
        columns: Further columns of the log that order exact copies of an event, as far as they exist.
    """
    tied = tied_with_previous(log) if log.ties == "together" else np.zeros(0, np.bool_)
    if not tied.any():
        return log
    involved = tied.copy()
    involved[:-1] |= tied[1:]
    at = np.flatnonzero(involved)
    keys = [np.cumsum(~tied)[at], log.items[at], log.events[at]]
    order = np.lexsort(keys[::-1])
    copies = np.logical_and.reduce([np.diff(key[order]) == 0 for key in keys])
    names = set(log.source.column_names) if log.source is not None and columns and copies.any() else set()
    further = [encode(log.column(name))[0][at] for name in columns if name in names]
    if further:
        order = np.lexsort([*further[::-1], *keys[::-1]])
    if (np.diff(order) == 1).all():
        return log
    positions = np.arange(len(log))
    positions[at] = at[order]
    return log.take(positions)


def _find_baskets(log: Interactions) -> Units:
    """Return the baskets of a log, ordered by user, time, id and item."""
    codes, ids = unit_column(log, "basket")
    users = log.users
    basket = np.unique(users * (len(ids) + 1) + codes, return_inverse=True)[1]
    times = np.where(codes >= 0, log.times[_last_of(basket)[basket]], log.times)
    order = np.lexsort((log.events, log.items, codes, times, users))
    log = replace(log.take(order), times=times[order])
    codes = codes[order]
    new = ~tied_with_previous(log)
    new[1:] |= np.diff(codes) != 0
    numbers = np.cumsum(new) - 1
    without = int(np.count_nonzero(codes < 0))
    return Units(log, "basket", numbers, numbers, {"events without basket_id": without} if without else {})


def _find_sessions(log: Interactions, steps: NDArray[np.int64]) -> Units:
    """Return the sessions of a log in time order; sessions of a user that overlap are one unit."""
    codes, ids = unit_column(log, "session")
    n = len(log)
    pair = np.where(codes >= 0, log.users * len(ids) + codes, log.n_users * len(ids) + steps)
    sessions, session = np.unique(pair, return_inverse=True)
    reach = np.maximum.accumulate(_last_of(session)[session])  # the last event of the sessions that have begun
    new = np.ones(n, np.bool_)
    new[1:] = (reach[:-1] < np.arange(1, n)) & (steps[1:] > steps[:-1])
    numbers = np.cumsum(new) - 1
    counts = {
        "events without session_id": int(np.count_nonzero(codes < 0)),
        "sessions joined with one that overlaps": len(sessions) - int(numbers[-1]) - 1 if n else 0,
    }
    return Units(log, "session", numbers, steps, {name: count for name, count in counts.items() if count})


def _last_of(groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the last position of each group, given the group of each event, `[N]`."""
    last = np.zeros(int(groups.max(initial=-1)) + 1, np.int64)
    last[groups] = np.arange(len(groups))  # numpy keeps the last value that is assigned to an index
    return last


def unit_column(log: Interactions, kind: Unit) -> tuple[NDArray[np.int64], pa.Array]:
    """Return the code of each event's unit id, `[N]` with -1 for an event without one, and the distinct ids.

    Raises:
        SplitError: The log has no column for the unit.
    """
    column, names = UNIT_COLUMNS[kind], list(log.source.column_names) if log.source is not None else []
    if log.rows is None or column not in names:
        raise SplitError(
            f"split.unit = {kind!r} needs the column {column!r} of the events, and the log does not have it. "
            f"Its columns: {', '.join(names) or 'none'}. Map the column that identifies the {kind}: "
            f"{format_mapping('data.columns', column, near_column(column, names))}."
        )
    return encode(log.column(column))


def encode(column: pa.ChunkedArray) -> tuple[NDArray[np.int64], pa.Array]:
    """Return the values of a column as codes in the order of their texts, -1 for null, and the distinct texts."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_null(column.type):
        column = column.cast(pa.string())
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), None, column)
    encoded = column.dictionary_encode().unify_dictionaries().combine_chunks()
    texts = encoded.dictionary.cast(pa.string())
    if is_text(column.type):
        texts = pc.if_else(pc.is_valid(strip_empty(texts)), texts, pa.scalar(None, pa.string()))
    order = pc.sort_indices(texts).to_numpy()[: len(texts) - texts.null_count]  # nulls come last
    rank = np.full(len(texts) + 1, -1, np.int64)  # a null reads the last entry
    rank[order] = np.arange(len(order))
    codes = encoded.indices.fill_null(len(texts)).to_numpy(zero_copy_only=False)
    return rank[codes], texts.take(pa.array(order))
