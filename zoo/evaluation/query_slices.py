"""Slices of the test queries: groups that differ in the history, the user or the targets, on which models often differ too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo.data.queries import Queries

LENGTHS = (0, 1, 5, 10, 20, 50)
"""The shortest history of each group."""
HEAD = 0.5
"""The share of the training events that the popular items have together."""

Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class QuerySlice:
    """A group of queries.

    Attributes:
        name: What the queries are grouped by, such as `history`.
        value: The group, such as `5 to 9 events`.
        queries: Which queries belong to it, `[Q]` bool.
    """

    name: str
    value: str
    queries: Bools


def slice_queries(queries: Queries, counts: NDArray[np.int64]) -> list[QuerySlice]:
    """Return the groups of queries by each property that splits them: two groups or more, none of them empty.

    - `history`: the number of events before the query.
    - `user`: whether the user has events in training.
    - `targets`: `cold` if an item that does not occur in training is among them, else `warm`.
    - `popularity`: `head` if all targets are popular items, `tail` if none is. The popular items are the fewest that have half of the
      training events together.

    Args:
        queries: The queries with their targets.
        counts: The number of training events of each item, `[I]`.
    """
    by_name: dict[str, list[QuerySlice]] = {}
    for found in _groups(queries, counts):
        if found.queries.any():
            by_name.setdefault(found.name, []).append(found)
    return [group for groups in by_name.values() if len(groups) > 1 for group in groups]


def _groups(queries: Queries, counts: NDArray[np.int64]) -> Iterator[QuerySlice]:
    """Yield all groups."""
    lengths, targets = queries.lengths, queries.answers()
    for first, after in zip(LENGTHS, [*LENGTHS[1:], None], strict=True):
        end = np.inf if after is None else after
        yield QuerySlice("history", _format_range(first, after), (lengths >= first) & (lengths < end))
    yield QuerySlice("user", "known", queries.users > 0)
    yield QuerySlice("user", "new", queries.users == 0)
    cold = _count(targets.offsets, targets.cold) > 0
    yield QuerySlice("targets", "warm", ~cold)
    yield QuerySlice("targets", "cold", cold)
    n_popular = _count(targets.offsets, popular_items(counts)[targets.items])
    yield QuerySlice("popularity", "head", n_popular == targets.counts)
    yield QuerySlice("popularity", "mixed", (n_popular > 0) & (n_popular < targets.counts))
    yield QuerySlice("popularity", "tail", n_popular == 0)


def popular_items(counts: NDArray[np.int64]) -> Bools:
    """Return the fewest items that have half of the training events together, `[I]` bool; of equal counts the lower number first."""
    order = np.argsort(-counts, kind="stable")
    before = np.cumsum(counts[order]) - counts[order]
    popular = np.zeros(len(counts), np.bool_)
    popular[order[(before < HEAD * counts.sum()) & (counts[order] > 0)]] = True
    return popular


def _count(offsets: NDArray[np.int64], flags: Bools) -> NDArray[np.int64]:
    """Return the number of flagged targets of each query, `[Q]`."""
    before = np.concatenate([[0], np.cumsum(flags)])
    counted: NDArray[np.int64] = before[offsets[1:]] - before[offsets[:-1]]
    return counted


def _format_range(first: int, after: int | None) -> str:
    """Return the numbers of events from `first` to the one before `after` as text."""
    if after is None:
        return f"{first} events or more"
    last = after - 1
    return f"{first if first == last else f'{first} to {last}'} events" if first else "no events"
