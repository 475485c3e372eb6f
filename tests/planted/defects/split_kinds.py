"""Leaks between the parts of a split: columns that tell the future, and a split that divides sessions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from defects.kind import FINDING, Kind, Plant, Planted
from defects.shop import Shop

COUNTED = (0.5, 0.2, 0.1)
"""Shares of the events at the end of the log that the columns count, weak to strong: the default test part is the last tenth."""


def future(name: str, column: Callable[[np.ndarray], list]) -> Plant:
    """Return a function that adds a column that is computed from the last sales of each item."""

    def plant(shop: Shop, share: float, rng: np.random.Generator) -> Planted:
        late = shop.purchases[shop.times[shop.purchases] >= np.quantile(shop.times, 1 - share)]
        ids, counts = np.unique(shop.values("item_id")[late].astype(str), return_counts=True)
        sold = dict(zip(ids.tolist(), counts.tolist(), strict=True))
        sales = np.array([sold.get(item, 0) for item in shop.of_item("item_id")])
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
    Kind("sales counts", "of the last {:.0%} of the events, in a column of the items", "columns", ("report: split: future",), future("units_sold", np.ndarray.tolist), COUNTED),
    Kind("sales ranks", "of the last {:.0%} of the events, in a column of the items", "columns", ("report: split: future",), future("sales_rank", ranks), COUNTED),
    Kind("bestsellers", "of the last {:.0%} of the events, in a column of the items", "columns", ("report: split: future",), future("bestseller", bestsellers), COUNTED),
    Kind("filled after a sale", "if sold in the last {:.0%} of the events, a text of the items", "columns", ("report: split: future",), future("service_note", filled_after_sale), COUNTED),
    Kind("divided sessions", "a split by events within {:.0%} of the sessions", "finding", ("report: split: sessions or split: baskets",), divided_sessions, (0.05, 0.15, 0.5)),
)  # fmt: skip
