"""The base class of small result tables: Arrow inside, any data frame outside, readable in a terminal and in a notebook."""

from __future__ import annotations

from abc import ABC, abstractmethod
from html import escape
from typing import Any

import pyarrow as pa

from zoo.errors import ResourceError

SHOWN = 20
"""The number of rows that the text of a table shows."""


class ResultTable(ABC):
    """A table that pandas, polars, DuckDB and every other reader of the Arrow PyCapsule interface can take."""

    @abstractmethod
    def to_arrow(self) -> pa.Table:
        """Return the table as a `pyarrow.Table`."""

    def to_pandas(self) -> Any:
        """Return the table as a pandas data frame.

        Raises:
            ResourceError: pandas is not installed.
        """
        _require("pandas")
        return self.to_arrow().to_pandas()

    def to_polars(self) -> Any:
        """Return the table as a polars data frame.

        Raises:
            ResourceError: polars is not installed.
        """
        _require("polars")
        import polars

        return polars.from_arrow(self.to_arrow())

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Return the table as a stream of the Arrow PyCapsule interface."""
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        """Return the first rows as text."""
        table = self.to_arrow()
        cells = [table.column_names, *_rows(table)]
        right = [_is_number(field.type) for field in table.schema]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [
            "  ".join(
                cell.rjust(width) if at_right else cell.ljust(width)
                for cell, width, at_right in zip(row, widths, right, strict=True)
            ).rstrip()
            for row in cells
        ]
        return "\n".join([*lines, *_rest(table)])

    def _repr_html_(self) -> str:
        """Return the first rows as HTML, for notebooks."""
        table = self.to_arrow()
        styles = [' style="text-align: right"' if _is_number(field.type) else "" for field in table.schema]
        head = "".join(f"<th>{escape(name)}</th>" for name in table.column_names)
        body = "".join(
            f"<tr>{''.join(f'<td{style}>{escape(cell)}</td>' for cell, style in zip(row, styles, strict=True))}</tr>"
            for row in _rows(table)
        )
        rest = "".join(f"<p>{escape(line)}</p>" for line in _rest(table))
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{rest}"


def _rows(table: pa.Table) -> list[list[str]]:
    """Return the first rows as texts."""
    columns = [[_format(value) for value in column.to_pylist()] for column in table.slice(0, SHOWN).columns]
    return [list(row) for row in zip(*columns, strict=True)]


def _rest(table: pa.Table) -> list[str]:
    """Return a line about the rows that are not shown, if there are any."""
    return [f"... {len(table) - SHOWN:,} more rows"] if len(table) > SHOWN else []


def _is_number(kind: pa.DataType) -> bool:
    """Return whether a column is aligned on the right."""
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _format(value: object) -> str:
    """Return a value as text; nothing for a null."""
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _require(library: str) -> None:
    """Refuse a conversion to the frame of a library that is not installed.

    Raises:
        ResourceError: It is not installed.
    """
    from importlib.util import find_spec

    if find_spec(library) is None:
        raise ResourceError(
            f"a {library} data frame was asked for, and {library} is not installed: pip install {library}"
        )
