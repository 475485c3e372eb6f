"""The lists that an artifact returns: a table, and a sequence of its items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from zoo.stages.candidates import Candidates
from zoo.tables import ResultTable


class Recommended(NamedTuple):
    """A recommended item.

    Attributes:
        item_id: Its id.
        score: The score of the model; None for an item of the fallback.
        title: Its title, if the data have one.
        fallback: Whether the fallback gave it, because the model had no more items for the query.
    """

    item_id: str
    score: float | None
    title: str | None
    fallback: bool = False


@dataclass(frozen=True, eq=False)
class ItemNames:
    """The ids and titles of the items of an artifact, by item number.

    Attributes:
        ids: The ids, `[I]`.
        titles: The titles, `[I]`; null if an item has none.
    """

    ids: pa.Array
    titles: pa.Array

    @cached_property
    def lists(self) -> tuple[list[Any], list[Any] | None]:
        """The ids and titles as Python lists, which are read several times as fast; no titles if no item has one."""
        titled = self.titles.null_count < len(self.titles)
        return self.ids.to_pylist(), self.titles.to_pylist() if titled else None


class Recommendations(ResultTable, Sequence[Any]):
    """The recommendations of a call, as a table with one row per item and as a sequence.

    As a sequence it holds the items (`Recommended`) of the one query, best first; for a call with several queries, it holds
    such a list for each of them.
    """

    def __init__(self, lists: Candidates, names: ItemNames, queries: tuple[str, pa.Array] | None, *, one: bool) -> None:
        """Keep lists of item numbers; ids and titles are looked up when they are read.

        Args:
            lists: The lists, `[Q, K]`.
            names: The ids and titles of the items.
            queries: The name and the values `[Q]` of the column that says which query a row belongs to; None for one history.
            one: Whether the call was for a single query.
        """
        self._lists, self._names, self._queries, self._one = lists, names, queries, one

    @cached_property
    def _items(self) -> list[Any]:
        """The items of each query, or of the only one."""
        lists = self._lists
        ids, titles = self._names.lists
        filled = [repeat(False)] * len(lists.items) if lists.filled is None else lists.filled.tolist()
        rows = [
            [
                Recommended(ids[item], None if fill else score, None if titles is None else titles[item], fill)
                for item, score, fill in zip(*row, strict=False)
                if item
            ]
            for row in zip(lists.items.tolist(), lists.scores.tolist(), filled, strict=True)
        ]
        return rows[0] if self._one else rows

    def __len__(self) -> int:
        """Return the number of items; for several queries, the number of queries."""
        return len(self._items)

    def __getitem__(self, place: Any) -> Any:
        """Return an item; for several queries, the list of a query."""
        return self._items[place]

    def __eq__(self, other: object) -> bool:
        """Return whether another call, or a plain list, has the same items with the same scores."""
        return self._items == list(other) if isinstance(other, list | Recommendations) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def to_arrow(self) -> pa.Table:
        """Return one row per item.

        Columns: `user_id` for a call with users, else `query` (counted from 0) for a call with several histories; `rank` from 1;
        `item_id`; `title` if the data have titles; `score`, null for an item of the fallback; `fallback`.
        """
        lists = self._lists
        present = (lists.items > 0).numpy()
        numbers = pa.array(lists.items.numpy()[present])
        fill = lists.filled_slots().numpy()[present]
        columns: dict[str, Any] = {}
        if self._queries is not None:
            name, values = self._queries
            columns[name] = values.take(pa.array(np.repeat(np.arange(len(present)), present.sum(1))))
        columns["rank"] = pa.array(np.cumsum(present, axis=1)[present])
        columns["item_id"] = self._names.ids.take(numbers)
        if self._names.titles.null_count < len(self._names.titles):
            columns["title"] = self._names.titles.take(numbers)
        columns["score"] = pa.array(lists.scores.numpy()[present], pa.float32(), mask=fill)
        columns["fallback"] = pa.array(fill)
        return pa.table(columns)
