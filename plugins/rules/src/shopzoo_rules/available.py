"""Availability: items in stock, and on sale at the time of the query."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from numpy.typing import NDArray
from torch import Tensor

from shopzoo_rules.params import AvailableParams
from zoo.api import Catalogue, DataError, Filter, Fitted, Queries, RunContext, TrainingData

EVER = np.iinfo(np.int64)
"""Its limits represent an open start and an open end."""
EARLIEST = 1e11
"""Floats from here on are UTC milliseconds with gaps, as pandas has them; smaller ones are other numbers, such as prices."""


class Available(Filter[AvailableParams]):
    """Keeps items that are in stock and whose `available_from <= now < available_until`."""

    fitted = Fitted(stocked="bool [I]", first="int64 [I]", last="int64 [I]", timed=bool)
    stocked: Tensor
    """`[I]` bool."""
    first: Tensor
    """Start of the sale, `[I]` in UTC milliseconds."""
    last: Tensor
    """End of the sale, `[I]` in UTC milliseconds."""
    timed: bool

    def fit(self, data: TrainingData, context: RunContext) -> None:
        """Read the catalogue's columns."""
        self.stocked, self.first, self.last, self.timed = self._read(data.catalogue)

    def add_items(self, catalogue: Catalogue) -> None:
        """Read the columns of new items."""
        stocked, first, last, timed = self._read(catalogue)
        self.stocked = torch.cat([self.stocked, stocked[1:]])
        self.first, self.last = torch.cat([self.first, first[1:]]), torch.cat([self.last, last[1:]])
        self.timed = self.timed or timed

    def update_items(self, catalogue: Catalogue) -> None:
        """Read the columns again."""
        self.stocked, self.first, self.last, self.timed = self._read(catalogue)

    def _read(self, catalogue: Catalogue) -> tuple[Tensor, Tensor, Tensor, bool]:
        """Return the stock, the start and the end of the sale, each `[I]`, and whether a start or end column is used."""
        names = self._columns(catalogue)
        return (
            torch.from_numpy(stocked(catalogue, names["in_stock"])),
            torch.from_numpy(moments(catalogue, names["available_from"], EVER.min)),
            torch.from_numpy(moments(catalogue, names["available_until"], EVER.max)),
            names["available_from"] is not None or names["available_until"] is not None,
        )

    def keep(self, queries: Queries) -> Tensor:
        """Return a mask of the available items, `[B, I]`; `[1, I]` if only the stock is used."""
        if not self.timed:
            return self.stocked[None]
        now = torch.from_numpy(queries.now)[:, None]
        return self.stocked & (self.first <= now) & (now < self.last)

    def _columns(self, catalogue: Catalogue) -> dict[str, str | None]:
        """Return the columns to read: those of the parameters, or the default ones.

        Raises:
            DataError: No column is named, and the default ones do not exist.
        """
        named: dict[str, str | None] = self.params.model_dump()
        if any(name is not None for name in named.values()):
            return named
        if not set(named) & set(catalogue.columns):
            raise DataError(
                f"available: the catalogue has none of the columns {', '.join(named)}. Say which of its columns tell what can be "
                f'had, e.g. in_stock = "...". Its columns: {", ".join(catalogue.columns) or "none"}.'
            )
        return {key: key if key in catalogue.columns else None for key in named}


def stocked(catalogue: Catalogue, name: str | None) -> NDArray[np.bool_]:
    """Return a mask of the items in stock by a column of booleans or counts, `[I]`; all items if no column is named."""
    if name is None:
        return np.ones(len(catalogue), np.bool_)
    column = catalogue.column(name)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        try:  # "true" and "false", as a CSV file has them
            return np.array(column.cast(pa.bool_()).fill_null(True).to_numpy())
        except pa.ArrowInvalid:
            pass
    return np.asarray(np.nan_to_num(catalogue.numbers(name), nan=1.0) > 0)


def moments(catalogue: Catalogue, name: str | None, otherwise: int) -> NDArray[np.int64]:
    """Return a column as UTC milliseconds, `[I]`; `otherwise` for null values, or if no column is named.

    Raises:
        DataError: The column does not contain times.
    """
    if name is None:
        return np.full(len(catalogue), otherwise)
    column = catalogue.column(name)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        for kind in (pa.int64(), pa.timestamp("ms"), pa.timestamp("ms", "UTC")):
            try:
                column = column.cast(kind)
                break
            except pa.ArrowInvalid:
                continue
    if pa.types.is_date(column.type) or pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("ms", getattr(column.type, "tz", None)), safe=False)
    elif pa.types.is_floating(column.type) and (pc.min(column).as_py() or 0) >= EARLIEST:
        column = pc.if_else(pc.is_nan(column), None, column).cast(pa.int64(), safe=False)
    elif not pa.types.is_integer(column.type):
        raise DataError(
            f"available: the catalogue's column {name!r} is {column.type}, expected UTC milliseconds (integers), timestamps or "
            f"dates: cast it in the items file, or choose another column"
        )
    return np.array(column.cast(pa.int64()).fill_null(otherwise).to_numpy())  # a copy: arrow's memory is read-only
