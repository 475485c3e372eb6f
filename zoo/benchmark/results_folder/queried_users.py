"""The users behind the test queries: facts that slice a metric, and a sample of users with their histories."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from zoo.data.catalogue import Catalogue
from zoo.data.queries import Queries
from zoo.data.schema import is_text
from zoo.errors import DataError
from zoo.evaluation.query_slices import slice_queries

SAMPLED = 20
"""The number of sampled users."""
SHOWN_EVENTS = 20
"""The number of events of a history that the sample keeps."""
LONGEST_TEXT = 200
GROUPS = "groups"
"""The key of the metadata that lists the groups of each property of the queries."""
_KEY = b"shopzoo: users of the report"
CATEGORIES = ("category", "categories", "main_category", "category_id", "department", "product_type", "brand")
"""The columns of a catalogue that may give the category of an item, the first that exists."""


@dataclass(frozen=True, eq=False)
class QueriedUsers:
    """The test queries with their users, items and targets.

    Attributes:
        queries: The test queries with their targets.
        user_ids: The id of the user of each row of the log, `[U]`.
        catalogue: The items.
        counts: The number of training events of each item, `[I]`.
    """

    queries: Queries
    user_ids: pa.Array
    catalogue: Catalogue
    counts: NDArray[np.int64]

    def facts(self) -> pa.Table:
        """Return one row per query.

        Columns: `user_id`; `now`, a timestamp if the data have a clock; `category`, the most frequent one of the targets; and for
        each property of `slice_queries` that splits the queries the group of the query, such as `history`. The metadata of the
        schema list the groups of each property in their order.
        """
        clock = pa.timestamp("ms", "UTC") if self.has_clock else pa.int64()
        columns = {
            "user_id": self.user_ids.take(pa.array(self.queries.row)).cast(pa.string()),
            "now": pa.array(self.queries.now, pa.int64()).cast(clock),
        }
        groups: dict[str, list[str]] = {}
        for found in slice_queries(self.queries, self.counts):
            groups.setdefault(found.name, []).append(found.value)
            before = columns.get(found.name, pa.nulls(len(self.queries), pa.string()))
            columns[found.name] = pc.if_else(pa.array(found.queries), found.value, before)
        if (category := self._categories()) is not None:
            columns["category"] = category
        return pa.table(columns).replace_schema_metadata({GROUPS: json.dumps(groups)})

    @property
    def has_clock(self) -> bool:
        """Whether the times of the data are moments."""
        return self.queries.log.clock == "timestamp"

    def sample(self) -> list[dict[str, Any]]:
        """Return the sampled users as JSON.

        The order of users by a keyed hash of their ids decides, so the sample depends neither on the models nor on a seed.
        Of a user with several queries, the first one counts.
        """
        rows, first = np.unique(self.queries.row, return_index=True)
        order = {
            int(at): blake2b(str(user).encode("utf-8", "surrogatepass"), key=_KEY, digest_size=16).digest()
            for at, user in zip(first, self.user_ids.take(pa.array(rows)).to_pylist(), strict=True)
        }
        return [self._user(at) for at in sorted(order, key=order.__getitem__)[:SAMPLED]]

    def describe(self, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return title, price and category of items by their ids, as far as the catalogue has them."""
        wanted = pa.array(ids, pa.string())
        found = pc.index_in(wanted, self.catalogue.ids.cast(pa.string()))
        titles, prices, category = self._titles(), self._prices(), self._category_of_item()
        described: dict[str, dict[str, Any]] = {}
        for name, at in zip(ids, found.to_pylist(), strict=True):
            shown = {
                "title": None if titles is None or at is None else titles[at].as_py(),
                "price": None if prices is None or at is None or np.isnan(prices[at]) else float(prices[at]),
                "category": None if category is None or at is None else category[at].as_py(),
            }
            described[name] = {k: v[:LONGEST_TEXT] if isinstance(v, str) else v for k, v in shown.items()}
        return described

    def _user(self, at: int) -> dict[str, Any]:
        """Return a sampled user as JSON."""
        query = self.queries[at : at + 1]
        log, end = query.log, int(query.end[0])
        start = max(end - SHOWN_EVENTS, end - int(query.lengths[0]))
        events = [
            {
                "item": self._id(log.items[place]),
                "event": log.event_names[log.events[place]],
                "time": self._moment(log.times[place]),
            }
            for place in range(start, end)
        ]
        return {
            "query": at,
            "user": str(self.user_ids[int(query.row[0])].as_py()),
            "now": self._moment(query.now[0]),
            "history": events,
            "events": int(query.lengths[0]),
            "targets": [self._id(item) for item in query.answers().items],
        }

    def _id(self, item: int) -> str:
        return str(self.catalogue.ids[int(item)].as_py())

    def _moment(self, time: int) -> str | None:
        """Return a time of the log as text; None if the data have no clock, or for a time outside the calendar."""
        if not self.has_clock:
            return None
        try:
            return f"{datetime.fromtimestamp(int(time) / 1000, UTC):%Y-%m-%d %H:%M}"
        except (OverflowError, ValueError, OSError):
            return None

    def _categories(self) -> pa.Array | None:
        """Return the most frequent category of each query's targets, `[Q]`; None if the items have no categories."""
        column = self._category_of_item()
        if column is None:
            return None
        coded = column.dictionary_encode()
        code = np.asarray(coded.indices.fill_null(-1).to_numpy(zero_copy_only=False), np.int64)
        targets = self.queries.answers()
        query = np.repeat(np.arange(len(targets.counts)), targets.counts)
        of_target = code[targets.items]
        query, of_target = query[of_target >= 0], of_target[of_target >= 0]
        n = max(len(coded.dictionary), 1)
        pairs, times = np.unique(query * n + of_target, return_counts=True)
        best = np.full(len(targets.counts), -1)
        order = np.argsort(times, kind="stable")  # the most frequent one is written last
        best[pairs[order] // n] = pairs[order] % n
        return coded.dictionary.take(pa.array(np.where(best < 0, 0, best), mask=best < 0))

    def _category_of_item(self) -> pa.Array | None:
        """Return the first category of each item, `[I]`; None if the items have none."""
        name = next((name for name in CATEGORIES if name in self.catalogue.columns), None)
        if name is None:
            return None
        try:
            items, values = self.catalogue.categories(name)
        except DataError:
            return None
        first = np.full(len(self.catalogue), -1)
        first[items[::-1]] = np.arange(len(items))[::-1]
        if len(values) == 0:
            return None
        return values.take(pa.array(np.where(first < 0, 0, first), mask=first < 0))

    def _titles(self) -> pa.ChunkedArray | None:
        """Return the title of each item, `[I]`; None if the items have none."""
        name = next((name for name in ("title", "name") if name in self.catalogue.columns), None)
        if name is None or not is_text(self.catalogue.column(name).type):
            return None
        return self.catalogue.column(name)

    def _prices(self) -> NDArray[np.float64] | None:
        return self.catalogue.numbers("price") if self.catalogue.has_numbers("price") else None
