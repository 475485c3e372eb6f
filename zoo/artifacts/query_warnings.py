"""Warnings about queries: unknown users and items, and events after the moment of a query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.config.experiment import Fallback

EXAMPLES = 3
"""Number of unknown users and items to show as examples."""


@dataclass
class QueryWarnings:
    """Counts of unusual queries, to report to the user.

    Attributes:
        queries: Number of queries.
        new_users: Queries of users that the artifact does not know.
        unknown_users: Examples of these users.
        reads_users: Whether rankers read columns of users, which are missing for them.
        unheld: Queries of known users without a history, because the artifact was saved without histories.
        unserved: Queries of users outside training, for a model that has a vector per user and reads no history.
        without_history: Queries without a usable history, for a model that reads histories.
        unread: Which rows of the most recent table contain nothing that the model can read, `[B]`.
        fallback: What fills the slots that the model leaves empty.
        counted: Whether the artifact has the event counts that the fallback needs.
        left_out: History events whose items the artifact does not know.
        later: History events after the time of their query.
        unknown: Examples of unknown items.
    """

    queries: int = 0
    new_users: int = 0
    unknown_users: list[str] = field(default_factory=list)
    reads_users: bool = False
    unheld: int = 0
    unserved: int = 0
    without_history: int = 0
    unread: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    fallback: Fallback = "popular"
    counted: bool = True
    left_out: int = 0
    later: int = 0
    unknown: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return everything but `unread`, to pass it to another process."""
        return {found.name: getattr(self, found.name) for found in fields(self) if found.name != "unread"}

    def add(self, others: Mapping[str, Any]) -> None:
        """Add what `as_json` of other queries of the same artifact returned."""
        for name, value in others.items():
            mine = getattr(self, name)
            both = [*dict.fromkeys([*mine, *value])][:EXAMPLES] if isinstance(value, list) else value
            setattr(self, name, mine + value if type(value) is int else both)

    def messages(self) -> list[str]:
        """Return one line for each count above zero."""
        examples = ", ".join(map(repr, self.unknown)) + (", ..." if self.left_out > len(self.unknown) else "")
        users = ", ".join(map(repr, self.unknown_users)) + (", ..." if self.new_users > len(self.unknown_users) else "")
        missing = ", whose columns count as missing" if self.reads_users else ""
        lines = [
            (f"queries of unknown users{missing}", self.new_users, f" ({users})"),
            (
                "queries of users whose histories were not saved with the artifact",
                self.unheld,
                " (give each a `history`)",
            ),
            (
                f"queries of users outside training, {self._answer()}",
                self.unserved,
                "",
            ),
            (f"queries without a history, {self._answer()}", self.without_history, ""),
            ("events dropped from histories because their items are unknown", self.left_out, f" ({examples})"),
            ("events dropped from histories because they are later than the query", self.later, ""),
        ]
        return [f"{what}: {count:,}{more}" for what, count, more in lines if count]

    def _answer(self) -> str:
        """Return how queries are answered that contain nothing that the model can read."""
        if not self.counted:
            return (
                "answered by the model's scores for no history (the artifact was saved without the event counts that the "
                "fallback needs; fit it again)"
            )
        return 'without items (fallback = "none")' if self.fallback == "none" else "answered with popular items"
