"""Why an item has its score: what each event of the history adds to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.data.queries import Queries

BLOCK_EVENTS = 2**20
"""The most events of the shortened histories that are scored at once."""
BLOCK_SCORES = 2**24
"""The most scores of a block, for predictors that always score all items."""


@dataclass(frozen=True, eq=False)
class Contributions:
    """What the events of histories add to the scores of some items.

    Attributes:
        values: What each event adds to each item of its query, `[M, K]` float32, in the order of `queries.histories`.
        rest: The part of each score that no event carries, `[B, K]` float32.
        exact: Whether the score is a sum over the events, so that values and rest add up to it because of what the model
            computes. If not, a value is how far the score falls without the event alone.
    """

    values: Tensor
    rest: Tensor
    exact: bool

    @classmethod
    def of_sum(cls, queries: Queries, values: Tensor, rest: Tensor | None = None) -> Contributions:
        """Return the contributions of a model whose score is a sum over the events of the history.

        Args:
            queries: The queries.
            values: What each event adds to each item, `[M, K]`.
            rest: What no event carries, `[B, K]`; 0 by default.
        """
        return cls(values, values.new_zeros(len(queries), values.shape[1]) if rest is None else rest, True)


class ScoresItems(Protocol):
    """The method of a predictor that is called without one event of a history."""

    def score_items(self, queries: Queries, items: Tensor) -> Tensor:
        """Return the scores of item numbers `[B, K]`, `[B, K]`."""


def leave_one_out(predictor: ScoresItems, queries: Queries, items: Tensor) -> Contributions:
    """Return how far the scores of some items fall if each event of the history is left out alone.

    An event without which the model has no answer carries the whole score. The cost is one call per event.

    Args:
        predictor: Scores the items.
        queries: Histories and moments.
        items: The items to explain, `[B, K]` int64.
    """
    whole = predictor.score_items(queries, items)
    rows = torch.from_numpy(queries.histories.rows)
    values = whole.new_zeros(len(rows), items.shape[1])
    for block in _blocks(queries):
        of = rows[block]
        without = predictor.score_items(
            without_events(queries, [np.array([m]) for m in range(block.start, block.stop)]), items[of]
        )
        values[block] = torch.where(without > -torch.inf, whole[of] - without, whole[of])
    return Contributions(values, whole.index_add(0, rows.to(whole.device), values, alpha=-1), exact=False)


def without_events(queries: Queries, left_out: list[NDArray[np.int64]]) -> Queries:
    """Return a query for each group of events that is left out of the history of its query.

    Args:
        queries: The queries.
        left_out: Positions in `queries.histories`, all of one query in each group, which has at least one.
    """
    h = queries.histories
    rows = np.array([h.rows[group[0]] for group in left_out], np.int64)
    lengths = np.diff(h.offsets)[rows]
    starts = np.concatenate([[0], np.cumsum(lengths)])
    where = np.arange(starts[-1]) - np.repeat(starts[:-1] - h.offsets[rows], lengths)
    kept = np.ones(len(where), np.bool_)
    for at, group in enumerate(left_out):
        kept[starts[at] + group - h.offsets[rows[at]]] = False
    counts = np.bincount(np.repeat(np.arange(len(rows)), lengths)[kept], minlength=len(rows))
    place = h.where[where[kept]]
    log = replace(
        queries.log,
        offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        items=queries.log.items[place],
        times=queries.log.times[place],
        events=queries.log.events[place],
        source=None,
        rows=None,
    )
    return Queries(log, np.arange(len(rows)), log.offsets[1:], queries.now[rows], queries.users[rows])


def _blocks(queries: Queries) -> Iterator[slice]:
    """Yield ranges of the events of the histories whose shortened histories are scored at once."""
    lengths = np.diff(queries.histories.offsets)
    cost = np.repeat(np.maximum(lengths, 1), lengths)
    most = max(BLOCK_SCORES // (queries.log.n_items + 1), 1)
    start, total = 0, len(cost)
    while start < total:
        stop = min(
            start + most, start + 1 + int(np.searchsorted(np.cumsum(cost[start + 1 : start + most]), BLOCK_EVENTS))
        )
        stop = min(max(stop, start + 1), total)
        yield slice(start, stop)
        start = stop
