"""What orders the events of a user: timestamps in any usual form, positions, or the order of the file.

A clock's unit is read off the values, by one rule for a whole column. An integer is taken as the unit in which it lies
between 1973 and 5138, for seconds between 1973 and 2286:

    seconds        10^8  <= value < 10^10
    milliseconds   10^11 <= value < 10^14
    microseconds   10^14 <= value < 10^17
    nanoseconds    10^17 <= value

Where the smallest and the largest value tell of two different units, the column is a mixture and an error. Where one of
them tells of none (a count from zero), the column is taken as milliseconds, as it is; unless the values that are in no
unit are the fewer and far from the rest (a zero among seconds), which is an error. Dates and times without a zone are
UTC.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from zoo.data.interactions import Clock
from zoo.data.schema import Mapped, first_failing, is_number, is_text, without_empty
from zoo.errors import DataError

EXPECTED = "expected UTC milliseconds, or a date and time such as 2024-05-31T12:00:00Z"
ZONE = r"(Z|[+-]\d{2}(:?\d{2})?)$"


class Unit(NamedTuple):
    """A unit of time and the values that are taken to be in it."""

    name: str
    low: float
    high: float
    milliseconds: float


UNITS = (
    Unit("seconds", 1e8, 1e10, 1e3),
    Unit("milliseconds", 1e11, 1e14, 1.0),
    Unit("microseconds", 1e14, 1e17, 1e-3),
    Unit("nanoseconds", 1e17, float("inf"), 1e-6),
)


class Times(NamedTuple):
    """The times of a table's rows.

    Attributes:
        values: UTC milliseconds or positions, `[N]` int64; None for the order of the file.
        clock: What they are.
        read_as: The form that they had, for the report.
    """

    values: NDArray[np.int64] | None
    clock: Clock
    read_as: str


def chosen_clock(table: Mapped, setting: str) -> Clock:
    """Return the clock of a table: a `timestamp` column, else a `position` column, unless the setting says which.

    Raises:
        DataError: There is neither, or not the one asked for.
    """
    if setting == "file-order":
        return "file-order"
    if setting == "auto":
        present = [name for name in ("timestamp", "position") if name in table.names]
        if not present:
            raise DataError(
                f"{table.origin}: no column 'timestamp' and none 'position', so nothing orders a user's events. "
                f"Its columns: {', '.join(map(table.called, table.names))}. Map one, {table.setting} = {{ timestamp = ... }}, "
                'or say that the rows are in order: data.time = "file-order".'
            )
        setting = present[0]
    table.require(setting)
    return "timestamp" if setting == "timestamp" else "position"


def times_of(table: Mapped, column: pa.ChunkedArray | None, clock: Clock) -> Times:
    """Return the times of a table's rows.

    Args:
        table: For messages.
        column: The column that the clock names; None for the order of the file.
        clock: What the column is.

    Raises:
        DataError: A time is missing, cannot be read, or is in another form than the rest.
    """
    if column is None:
        return Times(None, clock, "file order")
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if is_text(column.type):
        column = without_empty(column)
    elif pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), None, column)
    if column.null_count:
        row = pc.index(column.is_null(), True).as_py()
        what = EXPECTED if clock == "timestamp" else "expected a whole number"
        table.fail(row, f"{table.called(clock)} is empty, {what}. Mend the row, or remove it from the file.")
    if clock == "position":
        return Times(_whole_numbers(table, column), clock, "positions")
    return _timestamps(table, column)


def _timestamps(table: Mapped, column: pa.ChunkedArray) -> Times:
    """Return timestamps of any type as UTC milliseconds."""
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return Times(_milliseconds(column), "timestamp", "dates and times")
    if is_text(kind):
        if not len(column) or not is_number(column[0].as_py()):
            return _from_texts(table, column)
        column = _parsed(
            table, column, _as_numbers, "expected a number, as the first row is. Write all of them in one form."
        )
        kind = column.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        raise DataError(
            f"{table.origin}: {table.called('timestamp')} is {kind}, {EXPECTED}. Choose another column in {table.setting}, or cast it in the file."
        )
    return _in_milliseconds(table, column)


def _in_milliseconds(table: Mapped, column: pa.ChunkedArray) -> Times:
    """Return numbers as milliseconds, by the unit that their sizes tell."""
    values = column.to_numpy()
    values = values.astype(np.int64, copy=False) if values.dtype.kind in "iu" else values
    if not len(values):
        return Times(values.astype(np.int64), "timestamp", "milliseconds")
    lowest, highest = _unit(values.min()), _unit(values.max())
    unit = lowest or highest
    if lowest and highest and lowest != highest:
        other = int(np.argmax((values < lowest.low) | (values >= lowest.high)))
        first = int(np.argmax((values >= lowest.low) & (values < lowest.high)))
        table.fail(
            max(first, other),
            f"{table.called('timestamp')} is {values[max(first, other)]}, and {values[min(first, other)]} in row {min(first, other) + 1}: "
            f"a mixture of units (here {lowest.name} and {highest.name}). Write all of them as UTC milliseconds.",
        )
    if unit is None or unit.milliseconds == 1.0:
        return Times(_rounded(values), "timestamp", "milliseconds")
    if lowest is None or highest is None:
        _refuse_strays(table, values, unit)
        return Times(_rounded(values), "timestamp", "milliseconds")
    if unit.milliseconds > 1:
        return Times(_rounded(values * int(unit.milliseconds)), "timestamp", unit.name)
    return Times(_rounded(values // round(1 / unit.milliseconds)), "timestamp", unit.name)


def _refuse_strays(table: Mapped, values: NDArray[Any], unit: Unit) -> None:
    """Refuse values that are in no unit where most are in one, and a gap tells the two from one count.

    Raises:
        DataError: There are some, and they are further from the rest than a tenth of what the rest spans.
    """
    inside = (values >= unit.low) & (values < unit.high)
    rest, strays = values[inside], values[~inside]
    low, high = float(rest.min()), float(rest.max())
    gap = max(low - float(strays.max()), float(strays.min()) - high)
    if len(strays) < len(rest) and gap > (high - low) / 10:
        row, first = int(np.argmin(inside)), int(np.argmax(inside))
        table.fail(
            row,
            f"{table.called('timestamp')} is {values[row]}, far from most, which are {unit.name} "
            f"({values[first]} in row {first + 1}). Mend or remove such rows ({len(strays)}), or write all of them as "
            "UTC milliseconds; numbers that only count are a position.",
        )


def _unit(value: float) -> Unit | None:
    """Return the unit that a value's size tells, if any."""
    return next((unit for unit in UNITS if unit.low <= value < unit.high), None)


def _rounded(values: NDArray[np.generic]) -> NDArray[np.int64]:
    """Return numbers as integers."""
    return (np.rint(values) if values.dtype.kind == "f" else values).astype(np.int64, copy=False)


def _from_texts(table: Mapped, column: pa.ChunkedArray) -> Times:
    """Return ISO 8601 texts as UTC milliseconds."""
    parsed = _parsed(
        table,
        column,
        _as_datetimes,
        "which is no ISO 8601 date and time (of others, day-first and month-first cannot be told apart). "
        "Write all of them as 2024-05-31T12:00:00Z or 2024-05-31, or as UTC milliseconds.",
    )
    return Times(_milliseconds(parsed), "timestamp", "dates and times")


def _parsed(
    table: Mapped, column: pa.ChunkedArray, parse: Callable[[pa.ChunkedArray], pa.ChunkedArray], problem: str
) -> pa.ChunkedArray:
    """Return a text column parsed.

    Raises:
        DataError: A text is not of the form; the message names its row.
    """
    try:
        return parse(column)
    except pa.ArrowInvalid:
        row = first_failing(column, parse)
        table.fail(row, f"{table.called('timestamp')} is {column[row].as_py()!r}, {problem}")


def _as_datetimes(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return ISO 8601 texts as UTC times; those without a zone are UTC, a date is its first moment."""
    texts = pc.replace_substring_regex(texts, r"\s*UTC$", "Z")
    texts = pc.if_else(pc.equal(pc.utf8_length(texts), 10), pc.binary_join_element_wise(texts, "T00:00Z", ""), texts)
    zoned = pc.match_substring_regex(texts, r"[T ]\d{2}.*" + ZONE)
    texts = pc.if_else(zoned, texts, pc.binary_join_element_wise(texts, "Z", ""))
    return texts.cast(pa.timestamp("ns", "UTC"))


def _as_numbers(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return texts as integers, or as floats where one of them has a fraction."""
    try:
        return texts.cast(pa.int64())
    except pa.ArrowInvalid:
        return texts.cast(pa.float64())


def _milliseconds(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return dates or times as UTC milliseconds."""
    zone = getattr(column.type, "tz", None)
    return np.asarray(column.cast(pa.timestamp("ms", zone), safe=False).cast(pa.int64()).to_numpy())


def _whole_numbers(table: Mapped, column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return positions as integers."""

    def cast(part: pa.ChunkedArray) -> pa.ChunkedArray:
        return part.cast(pa.int64())

    try:
        return np.asarray(cast(column).to_numpy())
    except pa.ArrowNotImplementedError:
        raise DataError(
            f"{table.origin}: {table.called('position')} is {column.type}, expected whole numbers. Choose another column in {table.setting}, or cast it in the file."
        ) from None
    except pa.ArrowInvalid:
        row = first_failing(column, cast)
        table.fail(
            row, f"{table.called('position')} is {column[row].as_py()!r}, expected a whole number. Mend the row."
        )
