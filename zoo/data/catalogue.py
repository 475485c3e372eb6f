"""The item catalogue: item ids and their columns, ordered by item number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

from zoo.data.numbered_table import NumberedTable
from zoo.errors import DataError


@dataclass(frozen=True, eq=False)
class Catalogue(NumberedTable):
    """The items of the vocabulary with their columns.

    Attributes:
        ids: The item ids as in the data, `[I]`; entry 0 is padding and None.
        table: The columns, one row per item number. Row 0 (padding) and the rows of items that are missing from the
            items file are null.
    """

    called: ClassVar[str] = "the catalogue"
    file: ClassVar[str] = "items file"
    setting: ClassVar[str] = "data.item_columns"
    source: ClassVar[str] = "give the `source` of [data] a file of `items` (in Python, `read_log` a table of items)"


def joined(catalogue: Catalogue, new: Catalogue) -> Catalogue:
    """Return a catalogue followed by new items; columns that the new items lack are null for them."""
    n, columns = len(new) - 1, {}
    for name in catalogue.columns:
        column = catalogue.table[name]
        more = pa.nulls(n, column.type)
        if name in new.columns:
            more = _cast(new.table[name].slice(1), column.type, name).combine_chunks()
        columns[name] = pa.chunked_array(
            [*column.chunks, *(more.chunks if isinstance(more, pa.ChunkedArray) else [more])]
        )
    ids = pa.concat_arrays([catalogue.ids, new.ids.slice(1)])
    table = pa.table(columns) if columns else Catalogue.bare(len(ids) - 1).table
    return Catalogue(ids, table)


def _cast(column: pa.ChunkedArray, kind: pa.DataType, name: str) -> pa.ChunkedArray:
    """Return a column in the type of the artifact's column.

    Raises:
        DataError: Its values do not fit.
    """
    try:
        return column.cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DataError(
            f"the column {name!r} is {column.type}, and the artifact has {kind} ({error}): give it values of that type."
        ) from None
