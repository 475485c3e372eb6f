"""The range of times: a number that is not finite, or too large for a clock of 64 bits, is refused with its row."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from zoo.data.schema import MappedTable

LIMIT = 2**62
"""The largest absolute value of a time in milliseconds, or of a position: sums and differences of two fit into 64 bits."""

LARGEST_NUMBER = 2**63
"""Numbers in a file are smaller; larger ones do not fit into 64 bits and would become other times."""


def refuse_unreadable_numbers(
    table: MappedTable, name: str, column: pa.ChunkedArray, values: NDArray[Any], expected: str
) -> None:
    """Refuse numbers that are not finite, or too large for 64 bits.

    Args:
        table: The table, for the message.
        name: The canonical name of the column.
        column: The column as it is in the file, for the message.
        values: Its numbers, `[N]`.
        expected: What was expected instead.

    Raises:
        DataError: A number cannot be a time; the message names its row and its value.
    """
    if not len(values):
        return
    low, high = values.min(), values.max()  # a NaN makes both NaN
    if low > -LARGEST_NUMBER and high < LARGEST_NUMBER:
        return
    wrong = ~np.isfinite(values) | (values >= LARGEST_NUMBER) | (values <= -LARGEST_NUMBER)
    _fail(table, name, column, int(np.argmax(wrong)), expected)


def refuse_out_of_range(
    table: MappedTable,
    name: str,
    column: pa.ChunkedArray,
    values: NDArray[np.int64],
    expected: str,
    *,
    limit: int = LIMIT,
) -> None:
    """Refuse times and positions beyond a limit; see `refuse_unreadable_numbers`.

    Raises:
        DataError: A value is beyond the limit; the message names its row and its value.
    """
    if len(values) and (values.min() < -limit or values.max() > limit):
        wrong = (values < -limit) | (values > limit)
        _fail(table, name, column, int(np.argmax(wrong)), expected)


def is_finite_number(text: str) -> bool:
    """Return whether a text is a number other than NaN and infinity."""
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _fail(table: MappedTable, name: str, column: pa.ChunkedArray, row: int, expected: str) -> None:
    """Raise the error about a value.

    Raises:
        DataError: Always.
    """
    value = column[row]
    shown = value.as_py() if not pa.types.is_temporal(value.type) else value.cast(pa.int64()).as_py()
    table.fail(row, f"{table.display_name(name)} is {shown}, {expected}. Correct the row, or remove it from the file.")
