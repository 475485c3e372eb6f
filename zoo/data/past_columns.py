"""The further columns of a part of a log: the rows of all other events cannot be reached through them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from zoo.data.dataset import Columns


class PastColumns:
    """Some rows of a table, whose columns are read on demand.

    A stage gets a log with these columns, so that it cannot read events after its cutoff. The table itself is no attribute;
    pickling reads all columns.

    Attributes:
        column_names: The names of the columns.
        select: Returns columns as a table, `select(["price"])`, in the order of the rows.
    """

    __slots__ = ("column_names", "select")

    def __init__(self, source: Columns, rows: NDArray[np.int64]) -> None:
        """Restrict a table to some of its rows.

        Args:
            source: The table.
            rows: The rows that can be read, `[N]`, in their order.
        """

        def select(columns: list[str]) -> pa.Table:
            """Return the given columns, in the given order.

            Raises:
                DataError: A column cannot be read.
            """
            return source.select(columns).take(pa.array(rows))

        self.column_names = list(source.column_names)
        self.select: Callable[[list[str]], pa.Table] = select

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the rows themselves."""
        table = self.select(self.column_names)
        return type(self), (table, np.arange(table.num_rows))
