"""Metrics without a value for some queries: the means of a column may then be over different queries."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from zoo.benchmark.tables.compared_columns import identify_lists

if TYPE_CHECKING:
    from zoo.benchmark.results_folder.row import Row
    from zoo.benchmark.results_folder.store import Store


@dataclass(frozen=True)
class Presence:
    """The queries for which a run has a value of a metric: their number, and a digest of which they are."""

    count: int
    digest: bytes


MOST_KEPT = 2048
_PRESENT: OrderedDict[Hashable, Mapping[str, Presence]] = OrderedDict()
"""The presence of each metric by the file of a run: the terminal and each report say the same."""


def format_missing_values(store: Store) -> list[str]:
    """Return a sentence for each metric that has no value for some queries: how many have one, and whether models differ.

    A run in which a metric has no value at all has a dash in the table, and is left out.
    """
    rows = store.rows()
    runs: dict[str, list[tuple[str, Presence]]] = {}
    for row in rows:
        for metric, present in _read_presence(store, row).items():
            if present.count:
                runs.setdefault(metric, []).append((row.label, present))
    n_queries = max((row.queries for row in rows), default=0)
    return [sentence for metric in runs if (sentence := _format(metric, runs[metric], n_queries))]


def _read_presence(store: Store, row: Row) -> Mapping[str, Presence]:
    """Return the presence of each metric of a run that has values of each query."""
    key = (identify_lists(store, row), tuple(row.metrics))
    if key not in _PRESENT:
        lists = store.lists(row, list(row.metrics))
        found = {}
        for metric in row.metrics if lists is not None else ():
            if lists is not None and metric in lists.column_names:
                present = ~np.isnan(np.asarray(lists[metric].to_numpy(), np.float64))
                digest = blake2b(np.packbits(present).data, digest_size=16).digest()
                found[metric] = Presence(int(present.sum()), digest)
        _PRESENT[key] = found
        if len(_PRESENT) > MOST_KEPT:
            _PRESENT.popitem(last=False)
    return _PRESENT[key]


def _format(metric: str, runs: list[tuple[str, Presence]], n_queries: int) -> str:
    """Return the sentence of one metric; empty if each run has a value for every query."""
    counts = [(present.count, label) for label, present in runs]
    (fewest, a), (most, b) = (extreme(counts, key=lambda each: each[0]) for extreme in (min, max))
    same = len({present.digest for _, present in runs}) == 1
    if same and fewest >= n_queries:
        return ""
    if same:
        return f"{metric} has a value for {fewest:,} of {n_queries:,} queries; the others are not averaged."
    share = f"{fewest:,} ({a}) to {most:,} ({b})" if fewest < most else f"{fewest:,}"
    return (
        f"{metric} has a value for {share} of {n_queries:,} queries{'' if fewest < most else ', not the same for all models'}; "
        "the others are not averaged, so means are over different queries: compare with care."
    )
