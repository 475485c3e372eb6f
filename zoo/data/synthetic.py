"""The built-in shop: synthetic customers, products, views and purchases with realistic behaviour; nothing to download.

The shop depends only on its parameters. Customers are generated in chunks, each with its own random stream, so memory
holds the columns of the log and the intermediate arrays of one chunk.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from zoo.data.dataset import Dataset, Tables
from zoo.data.dataset_params import SyntheticShopParams
from zoo.data.synthetic_catalogue import DAY, OPENING, PERIODS, Products, ids, item_table, products
from zoo.data.synthetic_visits import EVENTS_PER_VISIT, IS_PURCHASE, Customers, Visits

_LOT = 20_000  # visits of the first wave in a chunk; changing it changes the generated shop
_OPEN, _CLOSE = 6 * 3_600_000, 23 * 3_600_000
_LONGEST_PAUSE = 240_000  # ensures that a visit ends on the day on which it began


class SyntheticShop(Dataset[SyntheticShopParams]):
    """A synthetic shop with tastes, price bands, sessions, trends, seasons, new products and repeat purchases.

    Events are sorted by customer and time. Their columns are `user_id`, `item_id`, `timestamp` (UTC milliseconds),
    `event` (`view` or `purchase`), `price` (at the time of the event), `quantity` (0 for a view) and `session_id`. Ids
    and event types are dictionary-encoded strings. The columns of the items are `item_id`, `title`, `description`,
    `category`, `brand`, `price`, `available_from` and `available_until` (UTC milliseconds; null for a product that is
    not withdrawn). Use `available_until` in filters only: as a feature it would leak the future.
    """

    def read(self) -> Tables:
        """Return the tables; the same parameters give the same tables."""
        params = self.params
        goods = products(params, np.random.default_rng([params.seed, 0]))
        user_ids, item_ids, events = (
            ids("c", params.customers, 6),
            ids("p", params.items, 5),
            pa.array(["view", "purchase"]),
        )
        lots, sessions = [], 0
        for first, visits, rng in _histories(goods, params):
            columns = _events(visits, goods, params.days, rng)
            columns["user_id"] += first
            columns["session_id"] += sessions
            sessions += len(visits.user)
            codes = {name: pa.array(column) for name, column in columns.items()}
            for name, values in {"user_id": user_ids, "item_id": item_ids, "event": events}.items():
                codes[name] = pa.DictionaryArray.from_arrays(codes[name], values)
            lots.append(pa.table(codes))
        items = item_table(goods, params.days, np.random.default_rng([params.seed, 1]))
        return Tables(pa.concat_tables(lots), items, "the built-in shop's events", "the built-in shop's items")


def _histories(goods: Products, params: SyntheticShopParams) -> Iterator[tuple[int, Visits, np.random.Generator]]:
    """Yield the visits of a chunk of customers: the number of the first customer, the visits and the generator."""
    rng = np.random.default_rng([params.seed, 2])
    n, days = params.customers, params.days
    joined = np.where(rng.random(n) < 0.6, 0, rng.integers(0, days, n))
    activity = np.exp(rng.standard_normal(n)) * (1 - joined / days)
    visits = np.maximum(rng.poisson(activity / activity.sum() * params.events / EVENTS_PER_VISIT), 1)
    ends = np.cumsum(visits)
    traffic = np.concatenate([[0.0], np.cumsum(np.where(np.arange(days) % 7 < 5, 1.0, 1.3))])
    first = 0
    while first < n:
        last = max(int(np.searchsorted(ends, ends[first] - visits[first] + _LOT, "right")), first + 1)
        rng = np.random.default_rng([params.seed, 3, first])
        user = np.repeat(np.arange(last - first), visits[first:last])
        before = traffic[joined[first:last]][user]
        day = np.searchsorted(traffic, before + rng.random(len(user)) * (traffic[-1] - before), "right") - 1
        own = Customers(last - first, goods, params, rng)
        yield first, own.history(user, np.minimum(day, days - 1)), rng
        first = last


def _events(visits: Visits, goods: Products, days: int, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    """Return the event columns of visits, sorted by user and time; users, items and event types are codes."""
    n = len(visits.user)
    # The later of two uniform times, because most visits are in the evening.
    moment = _OPEN + (_CLOSE - _OPEN) * rng.random((n, 2)).max(axis=1)
    start = visits.day * DAY + moment.astype(np.int64)
    happened = visits.items >= 0
    pause = happened * np.minimum(2_000 + 45_000 * rng.standard_exponential(happened.shape), _LONGEST_PAUSE)
    visit, column = np.nonzero(happened)
    time = (start[:, None] + np.cumsum(pause, axis=1).astype(np.int64))[visit, column]
    session = np.empty(n, np.int64)
    session[np.lexsort((start, visits.user))] = np.arange(n)
    order = np.lexsort((time, visits.user[visit]))
    visit, column, time = visit[order], column[order], time[order]
    item, bought = visits.items[visit, column], IS_PURCHASE[column]
    reduced = goods.reduced[visits.day[visit] * PERIODS // days, item]
    more = rng.poisson(np.where(goods.cycle[item] > 0, 0.4, 0.1))
    return {
        "user_id": visits.user[visit].astype(np.int32),
        "item_id": item,
        "timestamp": OPENING + time,
        "event": bought.astype(np.int8),
        "price": np.round(goods.price[item] * np.where(reduced, 0.8, 1.0), 2),
        "quantity": np.where(bought, 1 + more, 0),
        "session_id": session[visit],
    }
