"""The further columns of a part of a log: the rows of all other events cannot be reached through them."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from zoo.data.dataset import Columns


class PastColumns:
    """Some rows of a table, whose columns are read on demand.

    A stage gets a log with these columns, so that it cannot read events after its cutoff. Neither an attribute nor a closure
    leads to the table: it is known to this module only. Pickling reads all columns.

    Attributes:
        column_names: The names of the columns.
    """

    __slots__ = ("__weakref__", "column_names")

    def __init__(self, source: Columns, rows: NDArray[np.int64]) -> None:
        """Restrict a table to some of its rows.

        Args:
            source: The table.
            rows: The rows that can be read, `[N]`, in their order.
        """
        self.column_names = list(source.column_names)
        _SOURCES[self] = (source, rows)

    def select(self, columns: list[str]) -> pa.Table:
        """Return the given columns, `select(["price"])`, in the order of the rows.

        Raises:
            DataError: A column cannot be read.
        """
        source, rows = _SOURCES[self]
        return source.select(columns).take(pa.array(rows))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the rows themselves."""
        table = self.select(self.column_names)
        return type(self), (table, np.arange(table.num_rows))


_SOURCES: WeakKeyDictionary[PastColumns, tuple[Columns, NDArray[np.int64]]] = WeakKeyDictionary()
"""The table and the rows of each object. To read them early would read columns that no stage asks for."""
