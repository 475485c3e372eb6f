"""Rows of SQLite as Arrow columns. A column of SQLite may hold values of any type, whatever type it declares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc


class SqliteColumns:
    """Columns that grow by batches of rows; their types follow from the values.

    Whole numbers are int64, numbers of which some have a fraction float64, text is text, and so is a column that holds text and numbers.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(names)
        self._chunks: list[list[pa.Array]] = [[] for _ in names]

    def append(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Add rows, each with one value per column.

        Raises:
            ValueError: A column holds blobs and other values.
        """
        for name, values, chunks in zip(self.names, zip(*rows, strict=True), self._chunks, strict=True):
            chunks.append(_to_array(name, values))

    def table(self) -> pa.Table:
        """Return the rows.

        Raises:
            ValueError: A column holds blobs and other values.
        """
        pairs = zip(self.names, self._chunks, strict=True)
        columns = [pa.chunked_array(_cast_all(name, chunks) or [pa.nulls(0)]) for name, chunks in pairs]
        return pa.Table.from_arrays(columns, names=self.names)


def _to_array(name: str, values: tuple[Any, ...]) -> pa.Array:
    """Return the values of a column of a batch."""
    kinds = {type(value) for value in values} - {type(None)}
    if len(kinds) <= 1:
        return pa.array(values)  # of type null if all values are
    return pc.coalesce(
        *_cast_all(name, [pa.array([value if type(value) is kind else None for value in values]) for kind in kinds])
    )


def _cast_all(name: str, arrays: Sequence[pa.Array]) -> list[pa.Array]:
    """Return arrays of a column with a common type."""
    kind = _common(name, [array.type for array in arrays])
    try:
        return [array.cast(kind) for array in arrays]
    except pa.ArrowInvalid:  # whole numbers that a float64 does not hold exactly
        return [array.cast(pa.string()) for array in arrays]


def _common(name: str, kinds: list[pa.DataType]) -> pa.DataType:
    """Return the type that holds values of all given types.

    Raises:
        ValueError: Some are blobs and others are not.
    """
    found = {kind for kind in kinds if not pa.types.is_null(kind)}
    if len(found) <= 1:
        return found.pop() if found else pa.null()
    if pa.binary() in found:
        raise ValueError(f"the column {name!r} holds blobs and other values, which CAST({name} AS TEXT) makes text")
    return pa.float64() if found == {pa.int64(), pa.float64()} else pa.string()
