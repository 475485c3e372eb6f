"""Find columns of the events that group events of one user to baskets or sessions, whatever their names are.

A column qualifies if its values are neither row numbers nor properties of users, items or days:

- most of its groups' events share their value with other events (a row number does not);
- a value belongs to one user (a store, a week or a rating does not), or it counts the groups of each user: 1, 2, 3, ...;
- a user has several groups (an address or a birthday has one), and the events of a group follow each other (those of a
  device alternate);
- a group lasts less than a day, if the log has timestamps;
- its values do not repeat the timestamps.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from zoo.config.split_settings import UNIT_COLUMNS, Given, Split
from zoo.data.clock import UNITS
from zoo.data.dataset import Columns
from zoo.data.interactions import Interactions
from zoo.data.schema import CANONICAL, is_number, is_text
from zoo.errors import DataError

SAMPLE_USERS = 2_000
"""A column is tested on the events of this many users first, and on all events only if it qualifies there."""
FEWEST_PER_USER = 2.0
"""Mean number of groups per user."""
GROUPED = 0.2
"""Share of the events that share their value with another event."""
OF_ONE_USER = 0.95
"""Share of the grouped events whose value belongs to their user alone."""
INTERRUPTED = 1.5
"""Runs of equal values per group; 1 if the events of a group always follow each other."""
DAY = 86_400_000
SESSION_NAME = re.compile(r"session|visit|(^|_)sid($|_)", re.IGNORECASE)
BASKET_NAME = re.compile(r"basket|order|invoice|receipt|transaction|ticket|purchase|checkout|(^|_)cart", re.IGNORECASE)
LONG_TEXT = re.compile(r"text|review|comment|description|title|summary|url|image", re.IGNORECASE)
"""Names of columns that are not read, because they are large and contain no ids."""


@dataclass(frozen=True, eq=False)
class UnitColumn:
    """A column that groups events.

    Attributes:
        name: Its name.
        kind: What a group is.
        groups: The group of each event, from 0, or -1, `[N]`; all events of a group have one user.
        n_groups: The number of groups.
        values: The distinct values.
    """

    name: str
    kind: Literal["basket", "session"]
    groups: NDArray[np.int64]
    n_groups: int
    values: pa.ChunkedArray

    def format_value(self, event: int) -> str:
        """Return the value of an event as text."""
        return repr(str(self.values[event].as_py()))


def find_unit_columns(log: Interactions, split: Split) -> Iterator[UnitColumn]:
    """Yield the columns of a log that group its events to baskets or sessions.

    Args:
        log: The events, sorted by user and time.
        split: The split; the column of a `given` split is not a unit.
    """
    if log.source is None or log.rows is None:
        return
    sample = _sample(log)
    given = split.column if isinstance(split, Given) else None
    names = [
        name
        for name in log.source.column_names
        if name in UNIT_COLUMNS.values() or not (name in CANONICAL or name == given or LONG_TEXT.search(name))
    ]
    for name, stored in _read_columns(log.source, names).items():
        if not _may_hold_ids(stored.type) or name == given:
            continue
        if _group(stored.take(pa.array(log.rows[sample])), log.users[sample]) is None:
            continue
        column = stored.take(pa.array(log.rows))
        groups = _group(column, log.users)
        if groups is None:
            continue
        kind = _kind(name, column, groups, log)
        if kind is not None:
            yield UnitColumn(name, kind, groups, int(groups.max()) + 1, column)


def _read_columns(source: Columns, names: list[str]) -> dict[str, pa.ChunkedArray]:
    """Read columns in one pass; if this fails, each alone, without those that cannot be read."""
    try:
        return dict(zip(names, source.select(names).columns, strict=True)) if names else {}
    except DataError:
        if len(names) == 1:
            return {}
        return {name: column for one in names for name, column in _read_columns(source, [one]).items()}


def _sample(log: Interactions) -> NDArray[np.int64]:
    """Return the positions of the events of some users, ascending."""
    rows = np.flatnonzero(log.lengths > 1)
    rows = rows[np.linspace(0, len(rows) - 1, min(SAMPLE_USERS, len(rows))).astype(np.int64)]
    lengths = log.lengths[rows]
    starts = log.offsets[rows] - np.cumsum(lengths) + lengths
    return np.repeat(starts, lengths) + np.arange(int(lengths.sum()))


def _may_hold_ids(kind: pa.DataType) -> bool:
    """Return whether a column of this type may hold ids."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(is_text(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _group(column: pa.ChunkedArray, users: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """Return the group of each event, `[N]`, or None if the values are neither baskets nor sessions.

    Args:
        column: The value of each event, `[N]`.
        users: The row of each event, ascending, `[N]`.
    """
    codes, distinct = _encode(column)
    at = np.flatnonzero(codes >= 0)
    if 2 * len(at) < len(codes) or not len(at):
        return None
    code, user = codes[at], users[at]
    new_user = np.diff(user, prepend=-1) > 0
    new = new_user | (np.diff(code, prepend=-1) != 0)
    sizes = np.bincount(code)
    owner = np.zeros(len(sizes), np.int64)
    owner[code] = user
    grouped = sizes[code] > 1
    n_runs, n_groups = int(np.count_nonzero(new)), int(np.count_nonzero(sizes))
    if np.count_nonzero(grouped) >= GROUPED * len(at) and _share(owner[code] == user, grouped) >= OF_ONE_USER:
        if n_runs > INTERRUPTED * n_groups or n_groups < FEWEST_PER_USER * np.count_nonzero(new_user):
            return None
        codes[at[owner[code] != user]] = -1
        return codes
    if not _counts_groups(distinct, code, new_user, new):
        return None
    runs = np.cumsum(new) - 1
    in_run = np.bincount(runs)[runs] > 1
    if np.count_nonzero(in_run) < GROUPED * len(at) or n_runs < FEWEST_PER_USER * np.count_nonzero(new_user):
        return None
    codes[at] = runs
    return codes


def _encode(column: pa.ChunkedArray) -> tuple[NDArray[np.int64], pa.Array]:
    """Return the values as codes from 0, -1 for null, NaN and empty texts, and the distinct values."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), None, column)
    encoded = column.dictionary_encode().unify_dictionaries().combine_chunks()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    if is_text(column.type):
        empty = pc.index(encoded.dictionary, pa.scalar("", encoded.dictionary.type)).as_py()
        if empty >= 0:
            codes[codes == empty] = -1
    return codes, encoded.dictionary


def _counts_groups(
    distinct: pa.Array, codes: NDArray[np.int64], new_user: NDArray[np.bool_], new: NDArray[np.bool_]
) -> bool:
    """Return whether integers count the groups of each user: they start at 0 or 1 and grow by 1."""
    if is_text(distinct.type) and not is_number(distinct[0].as_py() or "-"):
        return False
    try:
        values = distinct.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)[codes]
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return False
    steps = np.diff(values, prepend=values[:1])[new & ~new_user]
    first = values[new_user]
    return bool(len(steps)) and float(np.mean(steps == 1)) > 0.98 and float(np.mean((first == 0) | (first == 1))) > 0.95


def _kind(
    name: str, column: pa.ChunkedArray, groups: NDArray[np.int64], log: Interactions
) -> Literal["basket", "session"] | None:
    """Return what the groups are: by their times, then by the column's name; None if they are neither."""
    at = np.flatnonzero(groups >= 0)
    several = np.bincount(groups[at]) > 1
    spans = np.zeros(len(several), np.int64)
    if log.clock == "timestamp":
        spans[groups[at]] = log.times[at]
        first = spans.copy()
        first[groups[at[::-1]]] = log.times[at[::-1]]
        spans -= first
        if float(np.median(spans[several])) > DAY:
            return None
        of_one_moment = _share(spans == 0, several)
        if of_one_moment == 1 and _repeats_times(column[int(at[0])].as_py(), int(log.times[at[0]])):
            return None
        if of_one_moment >= 0.5:
            return "basket"
    if BASKET_NAME.search(name):
        return "basket"
    return "session" if log.clock == "timestamp" or SESSION_NAME.search(name) else "basket"


def _repeats_times(value: str | float, time: int) -> bool:
    """Return whether a value is a time of day, or within a day of a time in UTC milliseconds."""
    if isinstance(value, str) and not is_number(value):
        return bool(re.search(r"\d{4}-\d\d-\d\d|\d:\d\d", value))
    return any(abs(float(value) * unit.milliseconds - time) <= DAY for unit in UNITS)


def _share(values: NDArray[np.bool_], among: NDArray[np.bool_]) -> float:
    """Return the share of true values among some of them."""
    return float(np.mean(values[among])) if among.any() else 0.0
