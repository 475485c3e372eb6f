"""Data frames of any library as tables: by the Arrow PyCapsule interface, and pandas column by column through pyarrow.

No library of data frames is imported or required. Columns are shared with the frame where Arrow has the same layout, and
copied once where it does not. A frame that is changed afterwards does not change what was read.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from zoo.errors import DataError


@dataclass(frozen=True, eq=False)
class FrameTable:
    """A data frame as a table, which another process can receive.

    Attributes:
        origin: The name of the frame in messages.
        column_names: The names of the columns.
        n_rows: The number of rows.
        columns: The columns: a `pyarrow.Table`, or a pandas frame, whose columns are converted when they are read.
        index_note: A sentence about an index that is not read, for messages about missing columns; empty if there is none.
    """

    origin: str
    column_names: list[str]
    n_rows: int
    columns: Any
    index_note: str = ""

    def select(self, columns: list[str]) -> pa.Table:
        """Return the given columns, in the given order."""
        if isinstance(self.columns, pa.Table):
            return self.columns.select(columns)
        own = {name: at for at, name in enumerate(self.column_names)}
        found = [_of_series(self.columns.iloc[:, own[name]], name, self.origin) for name in columns]
        return pa.table(found, names=columns)

    def place(self, row: int) -> str:
        """Return the name of a row in messages."""
        return f"{self.origin}, row {row} (counted from 0)"


def is_frame(value: object) -> bool:
    """Return whether a value is a data frame, or another table that `frame_table` reads or refuses with advice."""
    return not isinstance(value, str | bytes) and (
        isinstance(value, Mapping) or _has_arrow(value) or _is_pandas(value) or hasattr(value, "collect")
    )


def frame_table(frame: object) -> FrameTable:
    """Return a data frame as a table.

    Args:
        frame: A frame of pandas or polars, a table of pyarrow, a relation of DuckDB, any other object with
            `__arrow_c_stream__`, or a dictionary of columns.

    Raises:
        DataError: The value is not a table, two columns have the same name, or a column has no Arrow type.
    """
    origin = f"the {type(frame).__module__.partition('.')[0]} {type(frame).__name__}"
    if _is_pandas(frame):
        return _of_pandas(frame)
    if hasattr(frame, "collect") and not _has_arrow(frame):
        raise DataError(
            f"{origin} is a query that has not run, expected a data frame. Pass the result: frame.collect()."
        )
    if isinstance(frame, Mapping):
        origin = "the dictionary of columns"
    elif not _has_arrow(frame):
        raise DataError(
            f"found {type(frame).__name__}, expected a data frame (pandas, polars, pyarrow, DuckDB, or any table with "
            "`__arrow_c_stream__`) or a path. Convert it to one of these."
        )
    try:
        table = pa.table(dict(frame)) if isinstance(frame, Mapping) else pa.table(frame)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise DataError(
            f"{origin} cannot be read as a table ({_first_line(error)}), expected named columns of the same length. "
            "Pass a data frame."
        ) from error
    _refuse_repeated(table.column_names, origin)
    return FrameTable(origin, table.column_names, table.num_rows, table)


def _of_pandas(frame: Any) -> FrameTable:
    """Return a frame of pandas as a table; the named levels of its index are columns too."""
    import pandas as pd

    origin = "the pandas data frame"
    if not isinstance(frame, pd.DataFrame):
        raise DataError(f"found a pandas {type(frame).__name__}, expected a DataFrame with one column per field.")
    if frame.columns.nlevels > 1:
        raise DataError(
            f"{origin} has {frame.columns.nlevels} levels of column names, expected one. Flatten them: "
            'frame.columns = ["_".join(map(str, names)) for names in frame.columns].'
        )
    levels = [name for name in frame.index.names if name is not None and name not in frame.columns]
    hides = not levels and not isinstance(frame.index, pd.RangeIndex) and frame.index.names == [None]
    note = (
        " Its index has no name and is not read; if it holds the ids, make it a column: "
        'frame.rename_axis("user_id").reset_index().'
        if hides
        else ""
    )
    _refuse_repeated([str(name) for name in [*levels, *frame.columns]], origin)
    # With copy-on-write (pandas 3) the shallow copy keeps its values when the caller changes the frame.
    kept = frame.reset_index(level=levels) if levels else frame.copy(deep=not _copies_on_write(pd))
    return FrameTable(origin, [str(name) for name in kept.columns], len(kept), kept, note)


def _of_series(series: Any, name: str, origin: str) -> pa.ChunkedArray:
    """Return a column of pandas as Arrow.

    Raises:
        DataError: The values have no Arrow type.
    """
    kind = str(series.dtype)
    if kind.startswith(("period", "Sparse")):
        remedy = ".dt.to_timestamp()" if kind.startswith("period") else ".sparse.to_dense()"
        raise DataError(
            f"{origin}: the column {name!r} is {kind}, which has no Arrow type. Convert it: frame[{name!r}]{remedy}."
        )
    try:
        found = pa.Array.from_pandas(series)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        types = sorted({type(value).__name__ for value in series.dropna().head(10_000)})
        raise DataError(
            f"{origin}: the column {name!r} has values of the types {', '.join(types)} ({_first_line(error)}), expected one "
            f"type. Convert it: frame[{name!r}].astype(str)."
        ) from error
    _refuse_mixed_zones(series, found.type, name, origin)
    return found if isinstance(found, pa.ChunkedArray) else pa.chunked_array([found])


def _refuse_mixed_zones(series: Any, kind: pa.DataType, name: str, origin: str) -> None:
    """Refuse a column of Python objects with moments of which only some have a time zone; Arrow would not notice.

    Raises:
        DataError: There are both.
    """
    if str(series.dtype) != "object" or not pa.types.is_timestamp(kind):
        return
    zoned = {getattr(value, "tzinfo", None) is not None for value in series.dropna()}
    if len(zoned) > 1:
        raise DataError(
            f"{origin}: the column {name!r} has moments with and without a time zone, expected one kind. Give all a zone, "
            f"e.g. pd.to_datetime(frame[{name!r}], utc=True)."
        )


def _refuse_repeated(names: list[str], origin: str) -> None:
    """Refuse two columns with the same name.

    Raises:
        DataError: There are two.
    """
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"{origin}: two columns are named {twice!r}. Rename one.")


def _is_pandas(value: object) -> bool:
    """Return whether a value is a frame or a series of pandas, without importing pandas."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(value, pandas.DataFrame | pandas.Series)


def _has_arrow(value: object) -> bool:
    """Return whether a value speaks the Arrow PyCapsule interface."""
    return hasattr(value, "__arrow_c_stream__") or hasattr(value, "__arrow_c_array__")


def _copies_on_write(pandas: Any) -> bool:
    """Return whether pandas copies a shared column before it changes it."""
    return int(pandas.__version__.split(".")[0]) >= 3


def _first_line(error: Exception) -> str:
    """Return the first line of an error, without a final period."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
