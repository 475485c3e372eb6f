"""Metrics without a value for some queries: the means of a column may then be over different queries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from zoo.benchmark.store import Store

Bools = NDArray[np.bool_]


def format_missing_values(store: Store) -> list[str]:
    """Return a sentence for each metric that has no value for some queries: how many have one, and whether models differ.

    A run in which a metric has no value at all has a dash in the table, and is left out.
    """
    rows = store.rows()
    runs: dict[str, list[tuple[str, Bools]]] = {}
    for row in rows:
        lists = store.lists(row, list(row.metrics))
        for metric in row.metrics if lists is not None else ():
            if lists is not None and metric in lists.column_names:
                present = ~np.isnan(np.asarray(lists[metric].to_numpy(), np.float64))
                if present.any():
                    runs.setdefault(metric, []).append((row.label, present))
    n_queries = max((row.queries for row in rows), default=0)
    return [sentence for metric in runs if (sentence := _format(metric, runs[metric], n_queries))]


def _format(metric: str, runs: list[tuple[str, Bools]], n_queries: int) -> str:
    """Return the sentence of one metric; empty if each run has a value for every query."""
    counts = [(int(present.sum()), label) for label, present in runs]
    (fewest, a), (most, b) = (extreme(counts, key=lambda each: each[0]) for extreme in (min, max))
    same = all(np.array_equal(present, runs[0][1]) for _, present in runs)
    if same and fewest >= n_queries:
        return ""
    if same:
        return f"{metric} has a value for {fewest:,} of {n_queries:,} queries; the others are not averaged."
    share = f"{fewest:,} ({a}) to {most:,} ({b})" if fewest < most else f"{fewest:,}"
    return (
        f"{metric} has a value for {share} of {n_queries:,} queries{'' if fewest < most else ', not the same for all models'}; "
        "the others are not averaged, so means are over different queries: compare with care."
    )
