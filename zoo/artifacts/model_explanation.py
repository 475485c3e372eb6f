"""What a model as a whole goes by: which events of many histories carry the scores of the items in their lists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from zoo.artifacts.contents import ArtifactContents
from zoo.data.queries import Histories, Queries
from zoo.errors import DataError
from zoo.tables import ResultTable

BLOCK = 32
"""Queries at a time."""
AGES = ((0, "the last event"), (1, "1 before it"), (2, "2 before it"), (3, "3 to 5 before it"), (6, "6 to 10 before it"), (11, "11 to 20 before it"), (21, "earlier"))  # fmt: skip
"""The first number of later events of each group of events, and its name."""
ITEMS = 10
"""The items of histories that are listed."""


class ModelExplanation(ResultTable):
    """What carries the scores of the items in the lists of some users, as shares of the sum of all absolute contributions.

    Attributes:
        users: The number of users.
        exact: Whether contributions are parts of a sum that the predictor computes.
        rest: The share of what no event carries; 0 if the contributions are falls of the score.
    """

    def __init__(self, table: pa.Table, users: int, rest: float, *, exact: bool) -> None:
        self._table, self.users, self.rest, self.exact = table, users, rest, exact

    def to_arrow(self) -> pa.Table:
        """Return one row per group of events: `by` (`age`, `event` or `item`), `group`, `title` of an item, `share`, and `events`."""
        return self._table


def explain_model(artifact: ArtifactContents, *, users: int, k: int, seed: int) -> ModelExplanation:
    """Explain the lists of a random sample of users together.

    Args:
        artifact: An artifact with histories.
        users: The most users.
        k: Length of a list.
        seed: The seed of the sample.

    Raises:
        DataError: No user has an event that the model knows.
    """
    sizes = (len(AGES), len(artifact.histories.event_names), len(artifact.catalogue))
    shares, counts = [np.zeros(n) for n in sizes], [np.zeros(n, np.int64) for n in sizes]
    rest, n, exact = 0.0, 0, True
    for h, added, other, is_sum in _blocks(artifact, users, k, seed):
        age = np.searchsorted([first for first, _ in AGES], h.moments_after, side="right") - 1
        groups: tuple[NDArray[Any], ...] = (age, h.events, h.items)
        for at, codes in enumerate(groups):
            shares[at] += np.bincount(codes, added, sizes[at])
            counts[at] += np.bincount(codes, minlength=sizes[at])
        rest, n, exact = rest + other, n + len(h.offsets) - 1, is_sum
    ages, kinds, items = shares
    whole = max(ages.sum() + rest, np.finfo(float).tiny)
    ids, titles = artifact.names.lists
    best = [int(item) for item in np.argsort(-items, kind="stable")[:ITEMS] if items[item] > 0]
    rows = [("age", name, None, ages[at], counts[0][at]) for at, (_, name) in enumerate(AGES)]
    rows += [("event", name, None, kinds[at], counts[1][at]) for at, name in enumerate(artifact.histories.event_names)]
    rows += [("item", ids[item], titles[item] if titles else None, items[item], counts[2][item]) for item in best]
    table = pa.table(
        {
            "by": [row[0] for row in rows],
            "group": [row[1] for row in rows],
            "title": pa.array([row[2] for row in rows], pa.string()),
            "share": [float(row[3] / whole) for row in rows],
            "events": [int(row[4]) for row in rows],
        }
    )
    return ModelExplanation(table, n, rest / whole, exact=exact)


def _blocks(
    artifact: ArtifactContents, users: int, k: int, seed: int
) -> Iterator[tuple[Histories, NDArray[np.float64], float, bool]]:
    """Yield the histories of a block of queries, what each event adds in absolute terms, `[M]`, and the rest.

    Raises:
        DataError: No user has an event that the model knows.
    """
    retrieval = artifact.pipeline.retrieval
    queries = retrieval.restricted(Queries.of_histories(artifact.histories), cold=retrieval.scores_cold)
    known = np.flatnonzero((queries.lengths > 0) & ~retrieval.unanswered(queries))
    if not len(known):
        raise DataError("no user of the artifact has an event that the model knows. Fit an artifact with histories.")
    chosen = np.sort(np.random.default_rng(seed).choice(known, min(users, len(known)), replace=False))
    for start in range(0, len(chosen), BLOCK):
        block = queries.at(chosen[start : start + BLOCK])
        items = retrieval.top(block, k, artifact.rules).items
        listed = items[:, 0] > 0
        block, items = block.where(listed.numpy()), items[listed]
        there = (items > 0).double()
        seen, added = retrieval.contributions(block, torch.where(items > 0, items, items[:, :1]))
        h: Any = seen.histories
        total = (added.values.double().abs() * there[h.rows]).sum(1).numpy()
        yield h, total, float((added.rest.double().abs() * there).sum()) if added.exact else 0.0, added.exact
