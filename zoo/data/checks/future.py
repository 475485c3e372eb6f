"""Check 5: columns of the items and of the users that contain information about the test part."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from zoo.config.split_settings import LeaveLastOut, StrongGeneralisation
from zoo.data.checks.association import RECENT, associate, stratify
from zoo.data.checks.checked_task import CheckedTask
from zoo.data.checks.finding import Check, Evidence
from zoo.data.checks.readers import Kind, format_readers, may_read
from zoo.data.clock import UNITS
from zoo.data.numbered_table import NumberedTable
from zoo.data.schema import is_number, is_text

LIMIT = 0.3
"""Somers' D from which on a column is reported. Columns of the clean data sets have at most 0.16, sales in the test part have 1."""
FLAG_LIMIT = 0.7
"""Goodman and Kruskal's gamma from which on a column with few values is reported, too."""
ERRORS = 4.0
"""Standard errors that Somers' D exceeds, too."""
FILLED = (0.02, 0.98)
"""Share of the items between which it may tell something that a value is there."""
SAME = 0.9
"""Share of the items whose date is that of their first or last event from which on the column is taken for this date."""
LOG_DATE = re.compile(
    r"(first|last|latest|recent|earliest).*(seen|sold|sale|order|purchas|bought|view|click|event|interaction|rat)",
    re.IGNORECASE,
)
"""Names of dates that a shop computes from its events."""
ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class _Suspect:
    """A column that tells the future, how strongly, and why it is suspected."""

    name: str
    strength: float
    reason: str


def find(checked: CheckedTask) -> Evidence | None:
    """Return the columns that tell the future and that a model may read."""
    found, remedies = list[str](), list[str]()
    for rows in _tables(checked):
        suspects = sorted(_suspects(checked, rows), key=lambda suspect: -suspect.strength)
        if suspects:
            names = [suspect.name for suspect in suspects]
            reasons = "; ".join(f"{suspect.name!r} {suspect.reason}" for suspect in suspects)
            readers = format_readers(checked, names, rows.kind)
            found.append(f"Columns of the {rows.kind}s contain information about the test part: {reasons}.{readers}")
            remedies.append(_remedy(checked, rows.kind, names))
    return Evidence(" ".join(found), ". ".join(remedies)) if found else None


def _remedy(checked: CheckedTask, kind: Kind, names: list[str]) -> str:
    """Return what to do about columns that tell the future."""
    if kind == "user":
        return (
            "remove the columns from the file of the users, write it as it was before the test, or leave the columns out of the "
            "models that read them"
        )
    remedy = (
        "remove the columns from the file of the items, compute them from the events before the test, or name other columns: "
        'featurizer = { name = "tabular", columns = [...] }'
    )
    if any(model.rankers for model in checked.models) and "price" in names:
        remedy += (
            "; rankers without the price: [model.candidate_features] "
            'groups = ["score", "popularity", "trend", "history", "item"]'
        )
    return remedy


@dataclass(frozen=True, eq=False)
class _Rows:
    """The items or the users of a task.

    Attributes:
        kind: Which of them.
        table: Their columns.
        of_event: The number of each event's item or user, `[N]`.
    """

    kind: Kind
    table: NumberedTable
    of_event: NDArray[np.integer]


def _tables(checked: CheckedTask) -> Iterator[_Rows]:
    """Yield the items and, if there is a user table, the users."""
    task = checked.task
    yield _Rows("item", task.catalogue, checked.log.items)
    if task.users is not None:
        yield _Rows("user", task.users, checked.users + 1)


def _suspects(checked: CheckedTask, rows: _Rows) -> Iterator[_Suspect]:
    """Yield the columns that tell the future."""
    columns = [name for name in rows.table.columns if may_read(checked, name, rows.kind)]
    if not columns:
        return
    counts = _Counts.of(checked, rows)
    for name in columns:
        column = rows.table.column(name)
        values, filled = to_numbers(column), _is_filled(column)
        suspect = None
        if values is not None:
            suspect = _associated(name, values, counts, ("is larger", "is smaller"))
        if suspect is None and filled is not None and FILLED[0] <= filled[counts.known].mean() <= FILLED[1]:
            suspect = _associated(name, filled, counts, ("is filled more often", ""))
        if suspect is None and values is not None and checked.log.clock == "timestamp":
            reason = _date_of_log(name, values, checked, rows)
            suspect = _Suspect(name, 0.0, reason) if reason else None
        if suspect is not None:
            yield suspect


def _associated(name: str, values: NDArray[np.float64], counts: _Counts, words: tuple[str, str]) -> _Suspect | None:
    """Return a column as a suspect if its values, `[R]`, are associated with the test events beyond the training events.

    Args:
        name: The name of the column.
        values: The values, NaN where missing.
        counts: The events of the items or users.
        words: What the column is for items with more test events, if the association is positive and negative; empty for a
            direction that says nothing: an item that was withdrawn has an end date and sells less.
    """
    found = associate(values[counts.known], counts.test[counts.known], counts.strata)
    if found is None or abs(found.value) < ERRORS * found.error or not words[found.value < 0]:
        return None
    if abs(found.value) < LIMIT and abs(found.gamma) < FLAG_LIMIT:
        return None
    measure = (
        f"Somers' D {found.value:.2f}"
        if abs(found.value) >= LIMIT
        else f"Goodman and Kruskal's gamma {found.gamma:.2f}"
    )
    return _Suspect(
        name,
        abs(found.value),
        f"{words[found.value < 0]} for {counts.kind}s with more test events, among {found.items:,} {counts.kind}s with equally many "
        f"training events ({measure}, a column without such information has 0.00 ± {found.error:.2f})",
    )


def _date_of_log(name: str, values: NDArray[np.float64], checked: CheckedTask, rows: _Rows) -> str:
    """Return why a column of dates is taken for the first or last event of its items or users; empty if it is not."""
    dates, log = to_milliseconds(values), checked.log
    start = checked.task.parts.starts.get("test")
    if dates is None or isinstance(checked.task.split, StrongGeneralisation):
        return ""
    late = int(np.count_nonzero(dates >= start)) if start is not None else None
    if late == 0:
        return ""
    when = f", and for {late:,} {rows.kind}s it lies in the test part" if late is not None else ""
    order = np.argsort(log.times, kind="stable")
    trained = rows.kind == "user" and isinstance(checked.task.split, LeaveLastOut)  # the first event of each user
    for words, chosen in (("last", order),) if trained else (("first", order[::-1]), ("last", order)):
        times = np.full(len(rows.table), np.nan)
        times[rows.of_event[chosen]] = log.times[chosen]
        both = np.isfinite(times) & np.isfinite(dates)
        if both.any() and np.mean(times[both] == dates[both]) >= SAME:
            return f"is the time of the {words} event of {'an item' if rows.kind == 'item' else 'a user'}{when}"
    return f"is by its name the time of a first or last event{when}" if LOG_DATE.search(name) and late else ""


@dataclass(frozen=True, eq=False)
class _Counts:
    """Counts of events per item or user.

    Attributes:
        kind: What is counted for.
        known: Those that occur in training, `[R]`.
        test: The number of test events of each, `[R]`.
        strata: The stratum of each known one, `[known]`.
    """

    kind: Kind
    known: NDArray[np.bool_]
    test: NDArray[np.int64]
    strata: NDArray[np.int64]

    @classmethod
    def of(cls, checked: CheckedTask, rows: _Rows) -> _Counts:
        """Count the events of each item or user before and in the test part."""
        log, n = checked.log, len(rows.table)
        before = checked.task.parts.before("test")
        if log.clock == "timestamp" and not isinstance(checked.task.split, LeaveLastOut):
            late = log.times >= np.quantile(log.times[before], 1 - RECENT)
        else:
            place = np.arange(len(log)) - log.offsets[:-1][checked.users]
            late = place >= (1 - RECENT) * log.lengths[checked.users]
        train, recent = (np.bincount(rows.of_event[part], minlength=n) for part in (before, before & late))
        known = train > 0
        test = np.bincount(rows.of_event[checked.is_target], minlength=n)
        return cls(rows.kind, known, test, stratify(train[known], recent[known]))


def _is_filled(column: pa.ChunkedArray) -> NDArray[np.float64] | None:
    """Return 1 where a column has a value and 0 where it is null or white space, `[R]`; None if it has a value everywhere."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    filled = column.is_valid()
    if is_text(kind):
        filled = pc.and_kleene(filled, pc.not_equal(pc.utf8_trim_whitespace(column.cast(kind)), ""))
    found = np.asarray(filled.to_numpy(), np.float64)
    return None if found[1:].all() else found


def to_numbers(column: pa.ChunkedArray) -> NDArray[np.float64] | None:
    """Return a column as numbers, dates in milliseconds; None if it holds neither numbers nor dates."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    try:
        if is_text(kind):
            column = pc.if_else(pc.equal(column, ""), None, column)
            first = column.drop_null()[:1].to_pylist()  # a failed cast of many texts is slow
            if not first or not (is_number(first[0]) or ISO_DATE.match(first[0])):
                return None
            column = column.cast(pa.float64()) if is_number(first[0]) else _parse_dates(column)
            kind = column.type
        if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
            column = column.cast(pa.timestamp("ms", getattr(kind, "tz", None)), safe=False).cast(pa.int64())
        return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(), np.float64)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None


def _parse_dates(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Parse ISO dates, all with a zone or all without one.

    Raises:
        pyarrow.ArrowInvalid: A text is not a date.
    """
    try:
        return column.cast(pa.timestamp("ms"))
    except pa.ArrowInvalid:
        return column.cast(pa.timestamp("ms", "UTC"))


def to_milliseconds(values: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return numbers as UTC milliseconds if all of them are times of one unit, else None."""
    present = values[np.isfinite(values)]
    if not len(present):
        return None
    unit = next((unit for unit in UNITS if unit.low <= present.min() and present.max() < unit.high), None)
    return None if unit is None else values * unit.milliseconds


CHECK = Check(
    5,
    "future",
    "columns of the items and of the users that contain information about the test part",
    "A model that reads such a column is told what happens in the test. It wins the table and loses this advantage in a shop, where "
    "the future is not in the file: a price set to the sales of the test window lifts `lambdamart` by a sixth.",
    find,
)
