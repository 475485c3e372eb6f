"""Leaks between the parts of a split: columns that tell the future, and a split that divides sessions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from defects.kind import FINDING, Kind, Plant, Planted
from defects.shop import Shop

LATE = 0.9
"""The share of the events from which on they are the future: the test part of the default split."""
TRUE = (0.3, 0.6, 1.0)
"""Shares of the items whose value is true, weak to strong; the others have that of an item drawn at random."""


def future(name: str, column: Callable[[np.ndarray], list]) -> Plant:
    """Return a function that adds a column that is computed from the sales of each item in the last tenth of the events."""

    def plant(shop: Shop, share: float, rng: np.random.Generator) -> Planted:
        late = shop.times >= np.quantile(shop.times, LATE)
        bought = np.zeros(shop.events.num_rows, np.bool_)
        bought[shop.purchases] = True
        ids, counts = np.unique(shop.values("item_id")[late & bought].astype(str), return_counts=True)
        sold = dict(zip(ids.tolist(), counts.tolist(), strict=True))
        sales = np.array([sold.get(item, 0) for item in shop.of_item("item_id")])
        wrong = rng.random(len(sales)) >= share
        sales[wrong] = rng.choice(sales, int(wrong.sum()))
        return Planted.of(shop.set_items(**{name: pa.array(column(sales))}), [name])

    return plant


def ranks(sales: np.ndarray) -> list[int]:
    return (np.argsort(np.argsort(-sales, kind="stable"), kind="stable") + 1).tolist()


def bestsellers(sales: np.ndarray) -> list[bool]:
    return (sales >= max(float(np.quantile(sales, 0.8)), 1.0)).tolist()


def filled_after_sale(sales: np.ndarray) -> list[str | None]:
    """Return a text for items that were sold later, as a review or an answer of the customer service is."""
    return [f"note {n % 7}" if s else None for n, s in enumerate(sales)]


def divided_sessions(shop: Shop, share: float, rng: np.random.Generator) -> Planted:
    """Draw the test events from a share of the sessions, one by one: other events of these sessions are training events."""
    sessions = shop.values("session_id").astype(str)
    chosen = rng.choice(np.unique(sessions), round(share * len(np.unique(sessions))), replace=False)
    test = np.isin(sessions, chosen) & (rng.random(len(sessions)) < 0.5)
    return Planted.of(shop.set_events(split=np.where(test, "test", "train")), FINDING)


KINDS = (
    Kind("sales of the test part", "a column of the items, {:.0%} of its values true", "columns", ("report: split: future",), future("units_sold", np.ndarray.tolist), TRUE),
    Kind("rank in the test part", "a column of the items, {:.0%} of its values true", "columns", ("report: split: future",), future("sales_rank", ranks), TRUE),
    Kind("bestsellers of the test part", "a column of the items, {:.0%} of its values true", "columns", ("report: split: future",), future("bestseller", bestsellers), TRUE),
    Kind("filled after a sale", "a text of the items, {:.0%} of its values true", "columns", ("report: split: future",), future("service_note", filled_after_sale), TRUE),
    Kind("divided sessions", "a split by events within {:.0%} of the sessions", "finding", ("report: split: sessions", ), divided_sessions, (0.05, 0.15, 0.5)),
)  # fmt: skip
