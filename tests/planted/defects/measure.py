"""Recall and precision of the finders, for each kind of defect and each strength."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from defects import event_kinds, item_kinds, split_kinds, time_kinds, user_kinds
from defects.find import Findings
from defects.kind import Kind

KINDS: tuple[Kind, ...] = (
    *event_kinds.KINDS,
    *time_kinds.KINDS,
    *user_kinds.KINDS,
    *item_kinds.KINDS,
    *split_kinds.KINDS,
)
BAR = 0.9
"""Recall and precision that a kind must reach at the middle strength."""


@dataclass(frozen=True)
class Quality:
    """How well a finder finds a kind of defect.

    What the finder finds in the shop without the defect is no part of this: it is neither a hit nor a false alarm.

    Attributes:
        planted: How many were planted.
        found: How many the finder found, without those that it finds in the shop before.
        hits: How many of them were planted.
    """

    planted: int
    found: int
    hits: int

    @property
    def recall(self) -> float:
        """Return the share of what was planted that was found."""
        return self.hits / self.planted

    @property
    def precision(self) -> float:
        """Return the share of what was found that was planted; 1 if nothing was found."""
        return self.hits / self.found if self.found else 1.0

    @property
    def reaches_bar(self) -> bool:
        """Return whether recall and precision reach the bar."""
        return min(self.recall, self.precision) >= BAR


def measure(kind: Kind, strength: int, before: Findings) -> dict[str, Quality]:
    """Plant a kind of defect into a shop and return how well each of its finders finds it.

    Args:
        kind: The kind.
        strength: 0 is weak, 1 middle, 2 strong.
        before: The shop without the defect.
    """
    rng = np.random.default_rng([crc32(kind.name.encode()), strength])
    planted = kind.plant(before.shop, kind.strengths[strength], rng)
    after, qualities = Findings(planted.shop), {}
    for finder in kind.finders:
        known: frozenset[Hashable] = before.by(finder, kind.level)
        if kind.level == "rows":  # only their number is known
            known = frozenset()
        truth, found = planted.truth - known, after.by(finder, kind.level) - known
        qualities[finder] = Quality(len(truth), len(found), len(found & truth))
    return qualities
