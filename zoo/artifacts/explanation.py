"""Why items are in a list: what the items of a history add to their scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from zoo.artifacts.contents import ArtifactContents
from zoo.artifacts.recommended import ItemNames
from zoo.data.moments import format_moment
from zoo.data.queries import Histories, Queries
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


class Explained(NamedTuple):
    """An item with the reasons for its score.

    Attributes:
        item_id: Its id.
        title: Its title, if the data have one.
        score: The score of the predictor; None for an item that the predictor has no score for, as one of the fallback.
        reasons: The items of the history that add most, the largest first.
        others: What all other events add, also below zero.
        rest: The part of the score that no event carries.
    """

    item_id: str
    title: str | None
    score: float | None
    reasons: tuple[Reason, ...] = ()
    others: float = 0.0
    rest: float = 0.0

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
        """Return one row per item and reason; an item without a reason has one row, with nulls.

        Columns: `rank` from 1, `item_id`, `title`, `score`, `because` (an item of the history), `because_title`, `events`, `n_events`,
        `last`, `contribution`, and, repeated for each item, `others` and `rest`.
        """
        rows = [
            {
                "rank": rank,
                "item_id": item.item_id,
                "title": item.title,
                "score": item.score,
                "because": reason and reason.item_id,
                "because_title": reason and reason.title,
                "events": reason and reason.events,
                "n_events": reason and reason.n_events,
                "last": reason and reason.last,
                "contribution": reason and reason.contribution,
                "others": item.others,
                "rest": item.rest,
            }
            for rank, item in enumerate(self._items, 1)
            for reason in item.reasons or (None,)
        ]
        return pa.Table.from_pylist(rows, schema=SCHEMA)


SCHEMA = pa.schema(
    {
        "rank": pa.int64(),
        **dict.fromkeys(("item_id", "title"), pa.string()),
        "score": pa.float64(),
        **dict.fromkeys(("because", "because_title", "events"), pa.string()),
        "n_events": pa.int64(),
        "last": pa.string(),
        **dict.fromkeys(("contribution", "others", "rest"), pa.float64()),
    }
)


def explain_items(
    artifact: ArtifactContents, names: ItemNames, query: Queries, items: Tensor, most: int
) -> Explanation:
    """Explain the predictor's scores of some items for one query.

    Args:
        artifact: The artifact.
        names: The ids and titles of its items.
        query: One query.
        items: Item numbers, `[K]` int64; 0 is none.
        most: The most reasons of an item.

    Raises:
        ScoreError: The answer of the predictor cannot be used.
    """
    retrieval, model = artifact.pipeline.retrieval, artifact.pipeline.model
    items = items[items > 0]
    scores = _scores(artifact, query, items)
    scored = scores.isfinite()
    seen, found = retrieval.contributions(query, items[scored][None])
    history = _Taken.of(seen.histories)
    ids, titles = names.lists
    explained, column = [], 0
    for item, score, has_score in zip(items.tolist(), scores.tolist(), scored.tolist(), strict=True):
        title = titles[item] if titles else None
        if not has_score:
            explained.append(Explained(ids[item], title, None))
            continue
        added = found.values[:, column].double().numpy()
        reasons = history.reasons(added, names, most)
        others = float(added.sum()) - sum(reason.contribution for reason in reasons)
        explained.append(Explained(ids[item], title, score, reasons, others, float(found.rest[0, column])))
        column += 1
    return Explanation(explained, exact=found.exact, rankers=[ranker.name for ranker in model.rankers])


def _scores(artifact: ArtifactContents, query: Queries, items: Tensor) -> Tensor:
    """Return the predictor's scores of some items for one query, `[K]`; -inf if it has no answer."""
    retrieval = artifact.pipeline.retrieval
    if retrieval.unanswered(query)[0]:
        return torch.full((len(items),), -torch.inf)
    seen = retrieval.restricted(query, cold=retrieval.scores_cold)
    with torch.inference_mode():
        return retrieval.predictor.score_items(seen, items[None])[0].float().cpu()


@dataclass(frozen=True, eq=False)
class _Taken:
    """The items of one history.

    Attributes:
        history: The events.
        items: The distinct items, `[D]`.
        which: The place of each event's item among them, `[M]`.
    """

    history: Histories
    items: Any
    which: Any

    @classmethod
    def of(cls, history: Histories) -> _Taken:
        """Return the items of a history."""
        return cls(history, *np.unique(history.items, return_inverse=True))

    def reasons(self, added: Any, names: ItemNames, most: int) -> tuple[Reason, ...]:
        """Return the items that add most, given what each event adds, `[M]`."""
        total = np.bincount(self.which, added, len(self.items))
        best = np.argsort(-total, kind="stable")[:most]
        return tuple(self._reason(int(at), float(total[at]), names) for at in best if total[at] > 0)

    def _reason(self, at: int, total: float, names: ItemNames) -> Reason:
        """Return an item with what its events add."""
        ids, titles = names.lists
        own, log = np.flatnonzero(self.which == at), self.history.log
        kinds = dict.fromkeys(log.event_names[code] for code in self.history.events[own])
        item = int(self.items[at])
        last = format_moment(int(self.history.times[own].max())) if log.clock == "timestamp" else None
        return Reason(ids[item], titles[item] if titles else None, ", ".join(kinds), len(own), last, total)
