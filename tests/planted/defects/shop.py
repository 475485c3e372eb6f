"""The two sets into which defects are planted, and the changes of tables that the kinds share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

import zoo

DAY, HOUR = 86_400_000, 3_600_000
USERS = 4
"""Of the real set, every fourth customer is read."""


@dataclass(frozen=True, eq=False)
class Shop:
    """Events and items, with plain texts as ids.

    Attributes:
        name: The name of the set.
        events: The events. A row keeps its number: planted rows are added at the end.
        items: The items.
    """

    name: str
    events: pa.Table
    items: pa.Table

    @cached_property
    def times(self) -> NDArray[np.int64]:
        """Return the UTC milliseconds of the events, `[N]`."""
        return self.events["timestamp"].to_numpy()

    def values(self, column: str) -> NDArray[Any]:
        """Return a column of the events, `[N]`."""
        return np.array(self.events[column].to_pylist(), object)

    def of_item(self, column: str) -> list[Any]:
        """Return a column of the items."""
        return self.items[column].to_pylist()

    @cached_property
    def purchases(self) -> NDArray[np.int64]:
        """Return the rows of purchases."""
        return np.flatnonzero(self.values("event") == "purchase")

    @cached_property
    def sold(self) -> list[str]:
        """Return the ids of the listed items with five or more events, sorted."""
        ids, counts = np.unique(self.values("item_id").astype(str), return_counts=True)
        return sorted({*ids[counts >= 5]} & {*self.of_item("item_id")})

    def set_events(self, **columns: Any) -> Shop:
        """Return the shop with other values of columns of its events."""
        return replace(self, events=_set(self.events, columns))

    def set_items(self, **columns: Any) -> Shop:
        """Return the shop with other values of columns of its items."""
        return replace(self, items=_set(self.items, columns))

    def add_events(self, **columns: Any) -> Shop:
        """Return the shop with further rows of events; columns that are not given are null."""
        return replace(self, events=_add(self.events, columns))

    def add_items(self, **columns: Any) -> Shop:
        """Return the shop with further rows of items; columns that are not given are null."""
        return replace(self, items=_add(self.items, columns))

    def copy_events(self, rows: NDArray[np.int64], **columns: Any) -> Shop:
        """Return the shop with copies of rows, some of whose columns have other values."""
        return replace(self, events=pa.concat_tables([self.events, _set(self.events.take(pa.array(rows)), columns)]))


def _set(table: pa.Table, columns: dict[str, Any]) -> pa.Table:
    """Return a table with other values in columns, or with new ones."""
    for name, values in columns.items():
        known = name in table.column_names
        array = pa.array(
            values, table[name].type if known and len(values) and not isinstance(values, pa.Array) else None
        )
        table = (
            table.set_column(table.column_names.index(name), name, array) if known else table.append_column(name, array)
        )
    return table


def _add(table: pa.Table, columns: dict[str, Any]) -> pa.Table:
    """Return a table with further rows."""
    n = len(next(iter(columns.values())))
    more = {f.name: pa.array(columns.get(f.name, [None] * n), f.type) for f in table.schema}
    return pa.concat_tables([table, pa.table(more)])


def built_in_shop() -> Shop:
    """Return a small built-in shop."""
    tables = zoo.load("synthetic-shop", customers=600, items=300, events=24_000).read()
    return Shop("built-in shop", _plain(tables.interactions), _plain(tables.items))


def online_retail(folder: Path) -> Shop:
    """Return every fourth customer of Online Retail (UCI; CC BY 4.0), which has defects of its own."""
    events, items = (pq.read_table(folder / "online-retail" / f"{name}.parquet") for name in ("interactions", "items"))
    some = pa.array(events["user_id"].to_numpy() % USERS == 0)
    return Shop("online-retail", _plain(events.filter(some).drop_columns(["description"])), _plain(items))


def _plain(table: pa.Table) -> pa.Table:
    """Return a table with plain texts, and ids as texts."""
    columns = {}
    for name in table.column_names:
        text = pa.types.is_dictionary(table[name].type) or name in ("user_id", "item_id")
        columns[name] = pc.cast(table[name], pa.string()) if text else table[name]
    return pa.table(columns)
