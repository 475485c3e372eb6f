"""The clock, which orders the events of a user: timestamps in any common format, positions, or file order.

The unit of numeric timestamps is inferred from their size, once for the whole column. Each unit covers the years 1973
to 5138 (seconds: 1973 to 2286):

    seconds        10^8  <= value < 10^10
    milliseconds   10^11 <= value < 10^14
    microseconds   10^14 <= value < 10^17
    nanoseconds    10^17 <= value

A column whose smallest and largest values belong to different units is an error. If one of the two belongs to no unit
(a count from zero), the values are read as milliseconds, unless the values outside the unit are a minority and far
from the rest (a zero among seconds), which is an error. Dates and times without a time zone are UTC.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from zoo.data.arrow_types import normalise_column
from zoo.data.interactions import Clock
from zoo.data.near_columns import format_mapping, near_column
from zoo.data.schema import MappedTable, first_failing, is_number, is_text, strip_empty
from zoo.data.time_range import LIMIT, is_finite_number, refuse_out_of_range, refuse_unreadable_numbers
from zoo.errors import DataError

EXPECTED = "expected UTC milliseconds, or a date and time such as 2024-05-31T12:00:00Z"
EXPECTED_POSITION = "expected a whole number of less than 63 bits"
ZONE = r"(Z|[+-]\d{2}(:?\d{2})?)$"


class Unit(NamedTuple):
    """A unit of time and the range of values that are read in it."""

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
        values: UTC milliseconds or positions, `[N]` int64; None for file order.
        clock: The kind of the values.
        read_as: The format in the file, for the report.
    """

    values: NDArray[np.int64] | None
    clock: Clock
    read_as: str


def choose_clock(table: MappedTable, setting: str) -> Clock:
    """Return the clock of a table: the setting if it names one, else a `timestamp` column, else a `position` column.

    Raises:
        DataError: The table has neither column, or lacks the one that the setting names.
    """
    if setting == "file-order":
        return "file-order"
    if setting == "auto":
        present = [name for name in ("timestamp", "position") if name in table.names]
        if not present:
            raise DataError(
                f"{table.origin}: there is no column 'timestamp' or 'position' to order a user's events by. "
                f"Its columns: {', '.join(map(table.display_name, table.names))}. Map one, "
                f"{format_mapping(table.setting, 'timestamp', near_column('timestamp', table.names.values()))}, or declare that the rows "
                'are in order: data.time = "file-order" (in Python, time="file-order").'
            )
        setting = present[0]
    table.require(setting)
    return "timestamp" if setting == "timestamp" else "position"


def parse_times(table: MappedTable, column: pa.ChunkedArray | None, clock: Clock) -> Times:
    """Return the times of a table's rows.

    Args:
        table: The table, for error messages.
        column: The column of the clock; None for file order.
        clock: The kind of the column.

    Raises:
        DataError: A time is missing, cannot be read, or differs in format from the rest.
    """
    if column is None:
        return Times(None, clock, "file order")
    column = normalise_column(column)
    if is_text(column.type):
        column = strip_empty(column)
    elif pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), None, column)
    if column.null_count:
        row = pc.index(column.is_null(), True).as_py()
        what = EXPECTED if clock == "timestamp" else "expected a whole number"
        table.fail(row, f"{table.display_name(clock)} is empty, {what}. Correct the row, or remove it from the file.")
    if clock == "position":
        times = Times(_parse_positions(table, column), clock, "positions")
    else:
        times = _parse_timestamps(table, column)
    assert times.values is not None  # there is a column
    expected = EXPECTED if clock == "timestamp" else EXPECTED_POSITION
    refuse_out_of_range(table, clock, column, times.values, expected)
    return times


def _parse_timestamps(table: MappedTable, column: pa.ChunkedArray) -> Times:
    """Return timestamps of any type as UTC milliseconds."""
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return Times(_to_milliseconds(table, column), "timestamp", "dates and times")
    texts = column
    if is_text(kind):
        first = column[0].as_py() if len(column) else ""
        if not is_number(first):
            return _parse_texts(table, column)
        if not is_finite_number(first):
            refuse_unreadable_numbers(table, "timestamp", column, np.array([np.nan]), EXPECTED)
        column = _parse(
            table, column, _parse_numbers, "expected a number, as in the first row. Write all values in one format."
        )
        kind = column.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        raise DataError(
            f"{table.origin}: {table.display_name('timestamp')} is {kind}, {EXPECTED}. Choose another column in {table.setting}, or cast it in the file."
        )
    values = column.to_numpy()
    refuse_unreadable_numbers(table, "timestamp", texts, values, EXPECTED)
    return _convert_to_milliseconds(table, values)


def _convert_to_milliseconds(table: MappedTable, values: NDArray[Any]) -> Times:
    """Convert numbers to milliseconds from the unit that their size implies."""
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
            f"{table.display_name('timestamp')} is {values[max(first, other)]}, and {values[min(first, other)]} in row {min(first, other) + 1}: "
            f"a mixture of units (here {lowest.name} and {highest.name}). Write all values as UTC milliseconds.",
        )
    if unit is None or unit.milliseconds == 1.0:
        return Times(_to_int64(values), "timestamp", "milliseconds")
    if lowest is None or highest is None:
        _refuse_strays(table, values, unit)
        return Times(_to_int64(values), "timestamp", "milliseconds")
    if unit.milliseconds > 1:
        return Times(_to_int64(values * int(unit.milliseconds)), "timestamp", unit.name)
    return Times(_to_int64(values // round(1 / unit.milliseconds)), "timestamp", unit.name)


def _refuse_strays(table: MappedTable, values: NDArray[Any], unit: Unit) -> None:
    """Refuse outliers: a minority of values outside the unit of the rest, separated from it by a gap.

    Raises:
        DataError: The gap is wider than a tenth of the range of the rest.
    """
    inside = (values >= unit.low) & (values < unit.high)
    rest, strays = values[inside], values[~inside]
    low, high = float(rest.min()), float(rest.max())
    gap = max(low - float(strays.max()), float(strays.min()) - high)
    if len(strays) < len(rest) and gap > (high - low) / 10:
        row, first = int(np.argmin(inside)), int(np.argmax(inside))
        table.fail(
            row,
            f"{table.display_name('timestamp')} is {values[row]}, far from most, which are {unit.name} "
            f"({values[first]} in row {first + 1}). Correct or remove these {len(strays)} rows, or write all values as "
            "UTC milliseconds. If the numbers only count events, map the column to 'position'.",
        )


def _unit(value: float) -> Unit | None:
    """Return the unit that a value's size implies, if any."""
    return next((unit for unit in UNITS if unit.low <= value < unit.high), None)


def _to_int64(values: NDArray[np.generic]) -> NDArray[np.int64]:
    """Return numbers as integers."""
    return (np.rint(values) if values.dtype.kind == "f" else values).astype(np.int64, copy=False)


def _parse_texts(table: MappedTable, column: pa.ChunkedArray) -> Times:
    """Return ISO 8601 texts as UTC milliseconds."""
    parsed = _parse(
        table,
        column,
        parse_datetimes,
        "which is not an ISO 8601 date and time (other formats are ambiguous: day first or month first). "
        "Write all values as 2024-05-31T12:00:00Z or 2024-05-31, or as UTC milliseconds.",
    )
    return Times(_to_milliseconds(table, parsed), "timestamp", "dates and times")


def _parse(
    table: MappedTable, column: pa.ChunkedArray, parse: Callable[[pa.ChunkedArray], pa.ChunkedArray], problem: str
) -> pa.ChunkedArray:
    """Parse a text column.

    Raises:
        DataError: A text cannot be parsed; the message names its row.
    """
    try:
        return parse(column)
    except pa.ArrowInvalid:
        row = first_failing(column, parse)
        table.fail(row, f"{table.display_name('timestamp')} is {column[row].as_py()!r}, {problem}")


def parse_datetimes(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Parse ISO 8601 texts as UTC times. A text without a time zone is UTC; a date is its midnight."""
    texts = pc.replace_substring_regex(texts, r"\s*UTC$", "Z")
    texts = pc.if_else(pc.equal(pc.utf8_length(texts), 10), pc.binary_join_element_wise(texts, "T00:00Z", ""), texts)
    zoned = pc.match_substring_regex(texts, r"[T ]\d{2}.*" + ZONE)
    texts = pc.if_else(zoned, texts, pc.binary_join_element_wise(texts, "Z", ""))
    return texts.cast(pa.timestamp("ns", "UTC"))


def _parse_numbers(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Parse texts as integers, or as floats if any of them has a fraction."""
    try:
        return texts.cast(pa.int64())
    except pa.ArrowInvalid:
        return texts.cast(pa.float64())


def _to_milliseconds(table: MappedTable, column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return dates or times as UTC milliseconds."""
    zone = getattr(column.type, "tz", None)
    if pa.types.is_timestamp(column.type) and column.type.unit == "s":  # milliseconds could overflow
        seconds = column.cast(pa.int64()).to_numpy()
        refuse_out_of_range(table, "timestamp", column, seconds, EXPECTED, limit=LIMIT // 1000)
    return np.asarray(column.cast(pa.timestamp("ms", zone), safe=False).cast(pa.int64()).to_numpy())


def _parse_positions(table: MappedTable, column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return positions as integers."""

    def cast(part: pa.ChunkedArray) -> pa.ChunkedArray:
        return part.cast(pa.int64())

    try:
        return np.asarray(cast(column).to_numpy())
    except pa.ArrowNotImplementedError:
        raise DataError(
            f"{table.origin}: {table.display_name('position')} is {column.type}, expected whole numbers. Choose another column in {table.setting}, or cast it in the file."
        ) from None
    except pa.ArrowInvalid:
        row = first_failing(column, cast)
        table.fail(
            row,
            f"{table.display_name('position')} is {column[row].as_py()!r}, expected a whole number. Correct the row.",
        )
