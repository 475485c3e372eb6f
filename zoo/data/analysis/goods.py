"""The catalogue and the prices, and what a split would find cold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from zoo.data.analysis.numbers import event_numbers, median_by_item
from zoo.data.analysis.size import first_of_pair
from zoo.data.checks.future import to_numbers
from zoo.data.interactions import Interactions
from zoo.data.log import Data
from zoo.data.numbered_table import NumberedTable
from zoo.data.schema import is_text

MOST_CATEGORIES = 200
"""Distinct values up to which a text column of the catalogue is a category."""
SHOWN = 12


@dataclass(frozen=True)
class Column:
    """A column of the items or of the users.

    Attributes:
        name: Its name.
        kind: Its type.
        missing: The share of the rows without a value.
        distinct: The number of distinct values; 0 for a list.
        top: The most frequent values of a category, with their rows.
    """

    name: str
    kind: str
    missing: float
    distinct: int
    top: dict[str, int]


@dataclass(frozen=True)
class Prices:
    """Prices of the items, and what sells by price.

    Attributes:
        source: Where the prices stand: the events or the items.
        priced: The share of the items with a price.
        edges: The deciles of the prices of the items, 11.
        events: For each event type, the share of its events with a price in each tenth of the items, 10.
    """

    source: str
    priced: float
    edges: tuple[float, ...]
    events: dict[str, tuple[float, ...]]


@dataclass(frozen=True)
class Cold:
    """What a split leaves without a past.

    Attributes:
        split: The split.
        queries: The users with an event in the test part.
        users: The share of them without an earlier event.
        items: The share of the test events whose item has no earlier event.
        repeats: The share of the test events whose user had the item before.
    """

    split: str
    queries: int
    users: float
    items: float
    repeats: float


def measure_columns(table: NumberedTable) -> tuple[Column, ...]:
    """Return the columns of the catalogue or of the user table."""
    found = []
    for name in table.columns:
        column = table.column(name).slice(1)
        kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        column = column.cast(kind) if pa.types.is_dictionary(column.type) else column
        missing, top, distinct = column.null_count, dict[str, int](), 0
        if is_text(kind):
            blank = pc.equal(pc.utf8_trim_whitespace(column), "")
            missing += int(pc.sum(blank.fill_null(False)).as_py() or 0)
        if not pa.types.is_nested(kind):
            counts = pc.value_counts(column.drop_null())
            distinct = len(counts)
            if is_text(kind) and 1 < distinct <= min(MOST_CATEGORIES, max(len(column) // 2, 1)):
                counted = sorted(counts.to_pylist(), key=lambda v: (-v["counts"], v["values"]))[:SHOWN]
                top = {value["values"]: value["counts"] for value in counted}
        found.append(Column(name, str(kind), missing / max(len(column), 1), distinct, top))
    return tuple(found)


def item_prices(data: Data) -> tuple[str, NDArray[np.float64]] | None:
    """Return where the prices stand and the price of each item, `[I]`: of the catalogue, else its median over the events."""
    if "price" in data.catalogue.columns:
        values = to_numbers(data.catalogue.column("price"))
        if values is not None:
            return "items", values
    own = event_numbers(data.log, "price")
    if own is None or not np.isfinite(own).any():
        return None
    return "events", median_by_item(data.log.items, own, data.log.n_items)


def measure_prices(data: Data) -> Prices | None:
    """Return the prices and what sells by price; None without prices."""
    found = item_prices(data)
    if found is None:
        return None
    source, prices = found
    known = prices[1:][np.isfinite(prices[1:])]
    if not len(known):
        return None
    edges = np.quantile(known, np.linspace(0, 1, 11))
    tenth = np.searchsorted(edges[1:-1], prices, side="right")
    events = {}
    for code, name in enumerate(data.log.event_names):
        items = data.log.items[data.log.events == code]
        counts = np.bincount(tenth[items[np.isfinite(prices[items])]], minlength=10)
        events[name] = tuple(map(float, counts / max(counts.sum(), 1)))
    return Prices(source, len(known) / max(data.log.n_items, 1), tuple(map(float, edges)), events)


def measure_cold(log: Interactions) -> tuple[Cold, ...]:
    """Return what the default splits leave without a past: the last tenth of the time, and the last moment of each user."""
    found: list[Cold] = []
    if log.clock == "file-order" or not len(log):
        return ()
    first = first_of_pair(log)
    if log.clock == "timestamp":
        cut = np.partition(log.times, int(0.9 * len(log)))[int(0.9 * len(log))]
        found.append(_cold(log, first, log.times >= cut, "temporal (last tenth of the events)"))
    moments = log.moments
    ends = log.offsets[1:][log.lengths > 0] - 1
    test = moments == np.repeat(moments[ends], log.lengths[log.lengths > 0])
    found.append(_cold(log, first, test, "leave-last-out (last moment of each user)"))
    return tuple(found)


def _cold(log: Interactions, first: NDArray[np.int64], test: NDArray[np.bool_], split: str) -> Cold:
    """Return what a test part, `[N]` bool, leaves without a past.

    It is the end of each user, so that an event repeats an item of the past if the first event of its pair, `[N]`, is before it.
    """
    users = log.users
    asked = np.bincount(users[test], minlength=log.n_users) > 0
    known = np.bincount(users[~test], minlength=log.n_users) > 0
    seen = np.bincount(log.items[~test], minlength=log.n_items + 1) > 0
    return Cold(
        split,
        int(np.count_nonzero(asked)),
        float(np.mean(~known[asked])) if asked.any() else 0.0,
        float(np.mean(~seen[log.items[test]])) if test.any() else 0.0,
        float(np.mean(~test[first[test]])) if test.any() else 0.0,
    )
