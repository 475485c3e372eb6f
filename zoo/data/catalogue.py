"""The item catalogue: item ids and their columns, ordered by item number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from zoo.data.near_columns import format_mapping, near_column, suggest_column
from zoo.data.schema import CANONICAL, is_text, strip_empty
from zoo.errors import DataError


@dataclass(frozen=True, eq=False)
class Catalogue:
    """The items of the vocabulary with their columns.

    Attributes:
        ids: The item ids as in the data, `[I]`; entry 0 is padding and None.
        table: The columns, one row per item number. Row 0 (padding) and the rows of items that are missing from the
            items file are null.
    """

    ids: pa.Array
    table: pa.Table

    @classmethod
    def bare(cls, n_items: int) -> Catalogue:
        """Return a catalogue without columns, for items 1 to `n_items`."""
        return cls(
            pa.array([None, *map(str, range(1, n_items + 1))], pa.string()),
            pa.table({"_": pa.nulls(n_items + 1)}).select([]),
        )

    def __len__(self) -> int:
        """Return I, the number of item numbers including padding."""
        return len(self.ids)

    @property
    def columns(self) -> list[str]:
        """Return the names of the columns."""
        return list(self.table.column_names)

    def select(self, names: Sequence[str]) -> Catalogue:
        """Return a catalogue with only the given columns."""
        if not names:  # a table without columns has no rows
            return Catalogue(self.ids, Catalogue.bare(len(self) - 1).table)
        return Catalogue(self.ids, self.table.select(list(names)))

    def column(self, name: str) -> pa.ChunkedArray:
        """Return a column, `[I]`.

        Raises:
            DataError: There is no such column.
        """
        if name not in self.table.column_names:
            near = near_column(name, self.columns)
            mapping = format_mapping("data.item_columns", name, near)
            advice = f"Map the column that holds it: {mapping}." if self.columns and name in CANONICAL else ""
            raise DataError(f"the catalogue has no column {name!r}.{self._explain_missing(name)}", advice)
        return self.table[name]

    def _explain_missing(self, name: str) -> str:
        """Return which columns there are instead of a missing one."""
        if not self.columns:
            return " Its columns: none; give the `source` of [data] a file of `items` (in Python, `read_log` a table of items)."
        return f"{suggest_column(name, self.columns)} Its columns: {', '.join(self.columns)}."

    def has_numbers(self, name: str) -> bool:
        """Return whether the catalogue has a column of this name with a numeric type."""
        kind = self.table.schema.field(name).type if name in self.table.column_names else pa.null()
        return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Return a numeric column, `[I]`, NaN where it is null. Text columns, as read from CSV files, are parsed.

        Raises:
            DataError: There is no such column, or it is not numeric.
        """
        column = self.column(name)
        kind = column.type
        if is_text(kind):
            column = strip_empty(column)
        elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)):
            raise DataError(
                f"the catalogue's column {name!r} is {kind}, expected numbers: cast it in the items file, or choose another column"
            )
        try:
            return np.asarray(column.cast(pa.float64()).to_numpy(), np.float64)
        except pa.ArrowInvalid as error:
            raise DataError(
                f"the catalogue's column {name!r} is text, and not all of its values are numbers ({error}): correct the items file, or choose another column"
            ) from None

    def categories(self, name: str) -> tuple[NDArray[np.int64], pa.Array]:
        """Return the item of each value, `[M]`, and the values of a column as text, `[M]`.

        A null has no value; a list has one value per element.

        Raises:
            DataError: There is no such column, or its values are not categories.
        """
        column = self.column(name).combine_chunks()
        items = pa.array(np.arange(len(column)))
        if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
            items, column = pc.list_parent_indices(column), pc.list_flatten(column)
        if pa.types.is_nested(column.type) or pa.types.is_binary(column.type):
            raise DataError(
                f"the catalogue's column {name!r} is {self.column(name).type}, expected text, numbers, booleans or lists of them: choose another column"
            )
        present = column.is_valid()
        return np.asarray(items.filter(present).to_numpy(), np.int64), column.filter(present).cast(pa.string())

    def texts(self, names: Sequence[str]) -> list[str]:
        """Join the given columns into one text per item, `[I]`; the text is empty where all columns are null.

        Raises:
            DataError: There is no such column, or it is not text.
        """
        parts = []
        for name in names:
            column = self.column(name)
            if not _is_text(column.type):
                others = [n for n in self.columns if _is_text(self.table.schema.field(n).type)]
                advice = (
                    f"choose among its text columns ({', '.join(others)})" if others else "none of its columns is text"
                )
                raise DataError(f"the catalogue's column {name!r} is {column.type}, expected text: {advice}")
            parts.append([" ".join(filter(None, v)) if isinstance(v, list) else v or "" for v in column.to_pylist()])
        return [" ".join(filter(None, texts)) for texts in zip(*parts, strict=True)] if parts else [""] * len(self)


def _is_text(kind: pa.DataType) -> bool:
    """Return whether a type is text or a list of texts."""
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_dictionary(kind):
        kind = kind.value_type
    return is_text(kind)


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
