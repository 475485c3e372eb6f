"""The explanation of a list: the reasons for its items, as a table and as sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from zoo.tables import ResultTable


class Reason(NamedTuple):
    """An item of the history that adds to a score.

    Attributes:
        item_id: Its id.
        title: Its title, if the data have one.
        events: What the user did with it, such as `view` or `view, purchase`.
        n_events: The number of events.
        last: The time of the last of them; None without timestamps.
        contribution: What they add to the score.
    """

    item_id: str
    title: str | None
    events: str
    n_events: int
    last: str | None
    contribution: float


class FeatureReason(NamedTuple):
    """A ranking feature that raises or lowers the score of the last ranker.

    Attributes:
        feature: Its name.
        value: Its value for the item.
        contribution: What it adds to the score of the ranker.
    """

    feature: str
    value: float
    contribution: float


class Explained(NamedTuple):
    """An item with the reasons for its score.

    Attributes:
        item_id: Its id.
        title: Its title, if the data have one.
        score: The score of the predictor; None for an item that the predictor has no score for, as one of the fallback.
        reasons: The items of the history that add most, the largest first.
        others: What all other events add, also below zero.
        rest: The part of the score that no event carries.
        features: The features that add or take away most in the last ranker, the largest first; empty without rankers, and for an item
            that is not among its candidates.
    """

    item_id: str
    title: str | None
    score: float | None
    reasons: tuple[Reason, ...] = ()
    others: float = 0.0
    rest: float = 0.0
    features: tuple[FeatureReason, ...] = ()

    def __str__(self) -> str:
        """Return the explanation as a sentence."""
        name = self.title or self.item_id
        if self.score is None:
            return f"{name}: the model has no score for it; popular items fill such places of a list."
        if not self.reasons:
            return f"{name}: no event of the history speaks for it."
        because = [f"{reason.title or reason.item_id} ({reason.contribution:+.3g})" for reason in self.reasons]
        listed = " and ".join([", ".join(because[:-1]), because[-1]] if len(because) > 1 else because)
        return f"{name}: score {self.score:.3g}, because of {listed}."


class Explanation(ResultTable, Sequence[Explained]):
    """The reasons for the items of a list, as a table with one row per item and reason, and as a sequence of `Explained`.

    Attributes:
        exact: Whether the contributions are parts of a sum that the predictor computes. If not, each is how far the score falls
            without that event.
        rankers: The rankers that order the list after the predictor, whose scores are explained here.
    """

    def __init__(self, items: Sequence[Explained], *, exact: bool, rankers: Sequence[str] = ()) -> None:
        self._items, self.exact, self.rankers = tuple(items), exact, tuple(rankers)

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self._items)

    def __getitem__(self, place: Any) -> Any:
        """Return an item with its reasons."""
        return self._items[place]

    def to_arrow(self) -> pa.Table:
        """Return one row per item and reason, or feature of the last ranker; an item without any has one row, with nulls.

        Columns: `rank` from 1, `item_id`, `title`, `score`, `others` and `rest`, which are repeated for each item; of a reason `because` (an
        item of the history), `because_title`, `events`, `n_events` and `last`; of a feature `feature` and `value`; of both
        `contribution`.
        """
        rows = []
        for rank, item in enumerate(self._items, 1):
            own = {"rank": rank, "item_id": item.item_id, "title": item.title, "score": item.score, "others": item.others, "rest": item.rest}  # fmt: skip
            parts = [*map(_columns_of, item.reasons), *(feature._asdict() for feature in item.features)]
            rows += [own | part for part in parts or [{}]]
        return pa.Table.from_pylist(rows, schema=SCHEMA)


SCHEMA = pa.schema(
    {
        "rank": pa.int64(),
        **dict.fromkeys(("item_id", "title"), pa.string()),
        **dict.fromkeys(("score", "others", "rest"), pa.float64()),
        **dict.fromkeys(("because", "because_title", "events"), pa.string()),
        "n_events": pa.int64(),
        **dict.fromkeys(("last", "feature"), pa.string()),
        **dict.fromkeys(("value", "contribution"), pa.float64()),
    }
)


def _columns_of(reason: Reason) -> dict[str, Any]:
    """Return the columns of a reason."""
    values = reason._asdict()
    return {"because": values.pop("item_id"), "because_title": values.pop("title"), **values}
