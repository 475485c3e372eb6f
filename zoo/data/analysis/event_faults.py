"""Faults of the events: rows without ids, copies, quantities and prices."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from zoo.data.analysis.fault import Fault, event_fault
from zoo.data.analysis.numbers import event_numbers, median_by_item
from zoo.data.filtering import find_exact_copies
from zoo.data.interactions import Interactions
from zoo.data.log import Data
from zoo.data.schema import NUMBERS
from zoo.errors import DataError

NEAR = 1_000
"""Milliseconds between an event and its near copy."""
FEW = 0.001
"""Share of the events from which on near copies are reported."""
PRICE = 10.0
"""Factor between a price and the median of its item from which on it is an outlier."""
PRICES = 5
"""Prices of an item below which none of them is judged."""
FREE = 0.2
"""Share of the prices of an event type from which on a price of zero means that none was recorded."""


def find_event_faults(data: Data) -> Iterator[Fault]:
    """Yield the faults of the events."""
    for find in (_missing_ids, _unreadable, _copies, _quantities, _prices):
        yield from find(data)


def _missing_ids(data: Data) -> Iterator[Fault]:
    """Yield rows without ids, which the report leaves out."""
    rows = int(data.notes.get("rows", len(data.log)))
    for name, count in data.notes.items():
        if name.startswith("left out: rows of ") and isinstance(count, int):
            yield Fault(
                "rows-without-ids", name.removeprefix("left out: "), count, min(count / max(rows, 1), 1.0), (),
                "The reader refuses them unless they are dropped; if they are guests, a benchmark of known users says nothing about them.",
                '[data] null_ids = "drop", or map another column in [data] columns', "events",
            )  # fmt: skip


def _unreadable(data: Data) -> Iterator[Fault]:
    """Yield columns of numbers with a cell that is none: nothing reads them before a model or a metric does."""
    log = data.log
    if log.source is None or log.rows is None:
        return
    for name in [name for name in NUMBERS if name in log.source.column_names]:
        try:
            log.column(name)
        except DataError as error:
            yield Fault(
                "unreadable-numbers", str(error).partition(". ")[0].removesuffix("."), None, None, (),
                f"The report leaves {name} out, and a model or a metric that reads it ends with an error.",
                f"correct such cells or leave them empty, or give the column another name if {name} is not what it holds",
            )  # fmt: skip


def _copies(data: Data) -> Iterator[Fault]:
    """Yield exact copies of events, and copies within a second."""
    log = data.log
    if log.clock == "file-order" or len(log) < 2:
        return
    exact = find_exact_copies(log)
    if exact.any():
        yield event_fault(
            data, "exact-duplicates", "events that copy another one: same user, item, time and event type", exact,
            effect="A copy in the history names its target, and counts twice in popularity and in every metric.",
            remedy='[data] duplicates = "drop-exact"',
        )  # fmt: skip
    if log.clock != "timestamp":
        return
    near = _near_copies(log)
    if np.count_nonzero(near) >= max(FEW * len(log), 3):
        yield event_fault(
            data, "near-duplicates", "events that repeat an earlier one within a second", near,
            effect="Double clicks and double records are easy targets: a model that recommends the last item is rewarded.",
            remedy='remove them before reading, or keep one event of a user with an item: [data] duplicates = "first"',
        )  # fmt: skip


def _near_copies(log: Interactions) -> NDArray[np.bool_]:
    """Return which events repeat an earlier one with the same user, item and type that is at most `NEAR` older, `[N]`."""
    follows = np.zeros(len(log), np.bool_)  # within `NEAR` of the event before it
    follows[1:] = (np.diff(log.users) == 0) & (np.diff(log.times) <= NEAR)
    runs = np.cumsum(~follows) - 1
    starts = np.flatnonzero(~follows)
    ends = np.append(starts[1:], len(log)) - 1
    among = np.flatnonzero((log.times[ends] > log.times[starts])[runs])  # a basket at one moment has no near copies
    order = among[np.lexsort((among, log.events[among], log.items[among], runs[among]))]
    same = np.logical_and.reduce([np.diff(values[order]) == 0 for values in (runs, log.items, log.events)])
    gaps = np.diff(log.times[order])
    near = np.zeros(len(log), np.bool_)
    near[order[1:][same & (gaps > 0) & (gaps <= NEAR)]] = True
    return near


def _quantities(data: Data) -> Iterator[Fault]:
    """Yield quantities below zero."""
    quantity = event_numbers(data.log, "quantity")
    if quantity is not None and (quantity < 0).any():
        yield event_fault(
            data, "negative-quantities", "events with a quantity below zero, as returns and cancellations have", quantity < 0,
            effect="A return counts as a purchase: the model learns what customers send back, and the test asks for it.",
            remedy="remove these rows and the purchases that they cancel", values=quantity,
        )  # fmt: skip


def _prices(data: Data) -> Iterator[Fault]:
    """Yield prices that are far from those of their item, below zero, or zero for an item that has a price."""
    log = data.log
    price = event_numbers(log, "price")
    if price is None:
        return
    positive = np.isfinite(price) & (price > 0)
    many = np.bincount(log.items[positive], minlength=log.n_items + 1)[log.items] >= PRICES
    median = median_by_item(log.items[positive], price[positive], log.n_items)[log.items]
    wrong = (price < 0) | (positive & many & ((price >= PRICE * median) | (price <= median / PRICE)))
    if wrong.any():
        yield event_fault(
            data, "price-outliers", f"prices below zero, or {PRICE:g} times the median price of their item or a tenth of it", wrong,
            effect="Prices as features and the metric `revenue` are dominated by them.",
            remedy="correct the prices, or leave the column out", values=price,
        )  # fmt: skip
    free = (price == 0) & many & _has_prices(log, price)
    if free.any():
        yield event_fault(
            data, "zero-prices", "prices of zero of items that have a price otherwise", free,
            effect="They are gifts, corrections or missing prices: as a feature and in the metric `revenue` they are wrong.",
            remedy="leave the price of these rows empty, or remove the rows",
        )  # fmt: skip


def _has_prices(log: Interactions, price: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which events are of a type with few prices of zero, `[N]`; a shop may write zero where it has no price."""
    n = len(log.event_names)
    zeros, known = (np.bincount(log.events, which, n) for which in (price == 0, np.isfinite(price)))
    few: NDArray[np.bool_] = (zeros <= FREE * known)[log.events]
    return few
