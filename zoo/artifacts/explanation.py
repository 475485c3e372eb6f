"""Why items are in a list: what the items of a history add to their scores, and ranking features to their order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from zoo.artifacts.contents import ArtifactContents
from zoo.artifacts.explained import Explained, Explanation, FeatureReason, Reason
from zoo.artifacts.recommended import ItemNames
from zoo.data.moments import format_moment
from zoo.data.queries import Histories, Queries


def explain_items(artifact: ArtifactContents, query: Queries, items: Tensor, most: int) -> Explanation:
    """Explain the scores of some items for one query: those of the predictor, and with rankers those of the last one.

    Args:
        artifact: The artifact.
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
    names = artifact.names
    ids, titles = names.lists
    by_item = _features(artifact, query, most) if model.rankers else {}
    explained, column = [], 0
    for item, score, has_score in zip(items.tolist(), scores.tolist(), scored.tolist(), strict=True):
        title = titles[item] if titles else None
        if not has_score:
            explained.append(Explained(ids[item], title, None, features=by_item.get(item, ())))
            continue
        added = found.values[:, column].double().numpy()
        reasons = history.reasons(added, names, most)
        others = float(added.sum()) - sum(reason.contribution for reason in reasons)
        explained.append(
            Explained(ids[item], title, score, reasons, others, float(found.rest[0, column]), by_item.get(item, ()))
        )
        column += 1
    return Explanation(explained, exact=found.exact, rankers=[ranker.name for ranker in model.rankers])


def _features(artifact: ArtifactContents, query: Queries, most: int) -> dict[int, tuple[FeatureReason, ...]]:
    """Return the features that add or take away most in the last ranker, for each of its candidates for one query."""
    pipeline = artifact.pipeline
    found = pipeline.retrieve(query, artifact.candidates, artifact.rules)
    if not (found.items > 0).any():
        return {}
    lists, added = pipeline.ranker_contributions(query, found)
    reasons = {}
    for item, values, parts in zip(lists.items[0].tolist(), lists.features[0].tolist(), added[0].tolist(), strict=True):
        rows = [FeatureReason(*row) for row in zip(lists.columns, values, parts, strict=True)]
        best = sorted(rows, key=lambda row: -abs(row.contribution))[:most]
        reasons[item] = tuple(row for row in best if row.contribution)
    return reasons


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
