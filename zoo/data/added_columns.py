"""A table with further columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from zoo.data.dataset import Columns


@dataclass(frozen=True, eq=False)
class AddedColumns:
    """A table with columns that a cleaner computed.

    Attributes:
        source: The table.
        added: The new columns, with one value per row of the table.
    """

    source: Columns
    added: Mapping[str, pa.Array]

    @property
    def column_names(self) -> list[str]:
        """Return the names of all columns, the new ones last."""
        return [*self.source.column_names, *self.added]

    def select(self, columns: list[str]) -> pa.Table:
        """Return the given columns, in the given order.

        Raises:
            DataError: A column of the table cannot be read.
        """
        old = self.source.select([name for name in columns if name not in self.added])
        return pa.table({name: self.added[name] if name in self.added else old.column(name) for name in columns})
