"""What a kind of defect is: how it is planted, and what should find it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from defects.shop import Shop

Level = Literal["events", "users", "items", "columns", "pairs", "rows", "finding"]
"""What is counted: rows of the event table (`events`), user ids, item ids, columns of the items, pairs of item ids that are one
article, rows that were left out (only their number is known), or whether the report has the finding."""
FINDING = frozenset({"the finding"})


@dataclass(frozen=True, eq=False)
class Planted:
    """A shop with a defect.

    Attributes:
        shop: The shop.
        truth: What was planted: the numbers of rows, the ids, the names of columns, or `FINDING`.
    """

    shop: Shop
    truth: frozenset[Hashable]

    @classmethod
    def of(cls, shop: Shop, truth: Iterable[Hashable]) -> Planted:
        """Return a shop with what was planted."""
        return cls(shop, frozenset(int(x) if isinstance(x, np.integer) else x for x in truth))


Plant = Callable[[Shop, float, np.random.Generator], Planted]
"""Plants a defect at a strength into a shop."""


@dataclass(frozen=True)
class Kind:
    """A kind of defect.

    Attributes:
        name: Its name.
        what: What is planted, with `{}` for the strength.
        level: What is counted.
        finders: What should find it: `report: FAULT`, or `clean: CLEANER`.
        plant: Plants it.
        strengths: Weak, middle, strong: a share, a number or hours, as `what` says.
        without: Names of the sets that have no such column.
    """

    name: str
    what: str
    level: Level
    finders: tuple[str, ...]
    plant: Plant
    strengths: tuple[float, float, float]
    without: tuple[str, ...] = ()


SHARES = (0.005, 0.02, 0.08)
"""Shares of the rows, weak to strong."""


def some_rows(shop: Shop, share: float, rng: np.random.Generator, among: np.ndarray | None = None) -> np.ndarray:
    """Return rows that are drawn without replacement, in ascending order; a share of all rows, or of some of them."""
    rows = np.arange(shop.events.num_rows) if among is None else among
    return np.sort(rng.choice(rows, max(round(share * len(rows)), 3), replace=False))
