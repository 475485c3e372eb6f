"""The items and what is known of them, in the order of their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from zoo.errors import DataError, suggestion


@dataclass(frozen=True, eq=False)
class Catalogue:
    """The items of the vocabulary with their columns.

    Attributes:
        ids: The items' own ids, `[I]`; entry 0 is padding and None.
        table: Their columns, a row an item number; row 0 (padding) and items that the catalogue's file lacks are null.
    """

    ids: pa.Array
    table: pa.Table

    @classmethod
    def bare(cls, n_items: int) -> Catalogue:
        """Return a catalogue of items that nothing is known of, numbered 1 to `n_items`."""
        return cls(
            pa.array([None, *map(str, range(1, n_items + 1))], pa.string()),
            pa.table({"_": pa.nulls(n_items + 1)}).select([]),
        )

    def __len__(self) -> int:
        """Return the number of item numbers I, the padding's included."""
        return len(self.ids)

    @property
    def columns(self) -> list[str]:
        """Return the names of the columns."""
        return list(self.table.column_names)

    def column(self, name: str) -> pa.ChunkedArray:
        """Return a column, `[I]`.

        Raises:
            DataError: There is no such column.
        """
        if name not in self.table.column_names:
            found = ", ".join(self.columns) or "none"
            raise DataError(
                f"the catalogue has no column {name!r}.{suggestion(name, self.columns)} Its columns: {found}."
            )
        return self.table[name]

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Return a numeric column, `[I]`, NaN where it is null.

        Raises:
            DataError: There is no such column, or it is not numeric.
        """
        column = self.column(name)
        if not (
            pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_boolean(column.type)
        ):
            raise DataError(
                f"the catalogue's column {name!r} is {column.type}, expected numbers: cast it in the items file, or choose another column"
            )
        return np.asarray(column.cast(pa.float64()).to_numpy(), np.float64)

    def texts(self, names: Sequence[str]) -> list[str]:
        """Return the given columns as one text an item, `[I]`, an empty text where all are null.

        Raises:
            DataError: There is no such column, or it is not text.
        """
        parts = []
        for name in names:
            column = self.column(name)
            kind = column.type.value_type if pa.types.is_list(column.type) else column.type
            if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
                raise DataError(
                    f"the catalogue's column {name!r} is {column.type}, expected text: choose a text column ({', '.join(self.columns)})"
                )
            parts.append([" ".join(v) if isinstance(v, list) else v or "" for v in column.to_pylist()])
        return [" ".join(filter(None, texts)) for texts in zip(*parts, strict=True)] if parts else [""] * len(self)
