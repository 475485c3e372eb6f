"""A table with one row per number: the columns of the items of a log, or of its users."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from zoo.data.near_columns import format_mapping, near_column, suggest_column
from zoo.data.schema import CANONICAL, is_text, strip_empty
from zoo.errors import DataError


@dataclass(frozen=True, eq=False)
class NumberedTable:
    """Columns by number; the base of `Catalogue` and `UserTable`.

    Attributes:
        ids: The ids as in the data, `[R]`; entry 0 is None.
        table: The columns, one row per number. Row 0 and the rows of ids that are missing from the file are null.
    """

    called: ClassVar[str]
    """What the table is called in messages: `the catalogue`."""
    file: ClassVar[str]
    """What the file is called in messages: `items file`."""
    setting: ClassVar[str]
    """The setting that maps its columns."""
    source: ClassVar[str]
    """How a source gets one, for the message about a table without columns."""

    ids: pa.Array
    table: pa.Table

    @classmethod
    def bare(cls, n: int) -> Self:
        """Return a table without columns, for the numbers 1 to `n`."""
        return cls(
            pa.array([None, *map(str, range(1, n + 1))], pa.string()),
            pa.table({"_": pa.nulls(n + 1)}).select([]),
        )

    def __len__(self) -> int:
        """Return R, how many numbers there are including 0."""
        return len(self.ids)

    @property
    def columns(self) -> list[str]:
        """Return the names of the columns."""
        return list(self.table.column_names)

    def select(self, names: Sequence[str]) -> Self:
        """Return a table with only the given columns."""
        if not names:  # a table without columns has no rows
            return type(self)(self.ids, self.bare(len(self) - 1).table)
        return type(self)(self.ids, self.table.select(list(names)))

    def column(self, name: str) -> pa.ChunkedArray:
        """Return a column, `[R]`.

        Raises:
            DataError: There is no such column.
        """
        if name not in self.table.column_names:
            near = near_column(name, self.columns)
            mapping = format_mapping(self.setting, name, near)
            advice = f"Map the column that holds it: {mapping}." if self.columns and name in CANONICAL else ""
            raise DataError(f"{self.called} has no column {name!r}.{self._explain_missing(name)}", advice)
        return self.table[name]

    def _explain_missing(self, name: str) -> str:
        """Return which columns there are instead of a missing one."""
        if not self.columns:
            return f" Its columns: none; {self.source}."
        return f"{suggest_column(name, self.columns)} Its columns: {', '.join(self.columns)}."

    def has_numbers(self, name: str) -> bool:
        """Return whether the table has a column of this name with a numeric type."""
        kind = self.table.schema.field(name).type if name in self.table.column_names else pa.null()
        return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Return a numeric column, `[R]`, NaN where it is null. Text columns, as read from CSV files, are parsed.

        Raises:
            DataError: There is no such column, or it is not numeric.
        """
        column = self.column(name)
        kind = column.type
        if is_text(kind):
            column = strip_empty(column)
        elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)):
            raise DataError(
                f"{self.called}'s column {name!r} is {kind}, expected numbers: cast it in the {self.file}, or choose another column"
            )
        try:
            return np.asarray(column.cast(pa.float64()).to_numpy(), np.float64)
        except pa.ArrowInvalid as error:
            raise DataError(
                f"{self.called}'s column {name!r} is text, and not all of its values are numbers ({error}): correct the {self.file}, or choose another column"
            ) from None

    def categories(self, name: str) -> tuple[NDArray[np.int64], pa.Array]:
        """Return the number of each value, `[M]`, and the values of a column as text, `[M]`.

        A null has no value; a list has one value per element.

        Raises:
            DataError: There is no such column, or its values are not categories.
        """
        column = self.column(name).combine_chunks()
        numbers = pa.array(np.arange(len(column)))
        if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
            numbers, column = pc.list_parent_indices(column), pc.list_flatten(column)
        if pa.types.is_nested(column.type) or pa.types.is_binary(column.type):
            raise DataError(
                f"{self.called}'s column {name!r} is {self.column(name).type}, expected text, numbers, booleans or lists of them: choose another column"
            )
        present = column.is_valid()
        return np.asarray(numbers.filter(present).to_numpy(), np.int64), column.filter(present).cast(pa.string())

    def texts(self, names: Sequence[str]) -> list[str]:
        """Join the given columns into one text per number, `[R]`; the text is empty where all columns are null.

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
                raise DataError(f"{self.called}'s column {name!r} is {column.type}, expected text: {advice}")
            parts.append([" ".join(filter(None, v)) if isinstance(v, list) else v or "" for v in column.to_pylist()])
        return [" ".join(filter(None, texts)) for texts in zip(*parts, strict=True)] if parts else [""] * len(self)


def _is_text(kind: pa.DataType) -> bool:
    """Return whether a type is text or a list of texts."""
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_dictionary(kind):
        kind = kind.value_type
    return is_text(kind)
