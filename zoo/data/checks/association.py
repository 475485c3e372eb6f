"""How strongly a number of each item is associated with its test events, beyond what its training events explain.

The items that occur in training are divided into strata of alike training events: the count over the last fifth of
the training events, then the count over all of them. Within a stratum, the items with more test events than its median are
compared with the others: the association is 2 AUC - 1 (Somers' D), the probability that the item with more test events has the
larger number, minus the probability that it has the smaller one. It is 1 for the test events themselves and about 0 for a column
without information about the test. What is only correlated with popularity or with its trend remains small, because
the strata explain it. A column with few values, such as a flag, ties most pairs and cannot reach 1: `gamma` (Goodman & Kruskal:
Measures of association for cross classifications. JASA 49, 1954) leaves these pairs out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RECENT = 0.2
"""Share of the training events that count as recent."""
EXACT = 8
"""Counts below this form a stratum each; above it, a stratum reaches to 1.25 times its smallest count."""


@dataclass(frozen=True)
class Association:
    """The association of a column with the test events.

    Attributes:
        value: Somers' D, from -1 to 1.
        gamma: The same without the pairs with equal values of the column; 0 if all are equal.
        error: Its standard error for a column without information.
        items: The number of items that were compared.
    """

    value: float
    gamma: float
    error: float
    items: int


def stratify(train: NDArray[np.int64], recent: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the stratum of each item, `[M]`, given its training events and the recent ones among them."""
    width = int(train.max(initial=0)) + 2
    key = _level(recent) * width + _level(train)
    return np.asarray(np.unique(key, return_inverse=True)[1], np.int64)


def _level(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the level of each count."""
    above = EXACT + np.floor(np.log(np.maximum(counts, EXACT) / EXACT) / np.log(1.25)).astype(np.int64)
    return np.where(counts < EXACT, counts, above)


def associate(values: NDArray[np.float64], test: NDArray[np.int64], strata: NDArray[np.int64]) -> Association | None:
    """Return the association of a column with the test events within strata; None if there is nothing to compare.

    Args:
        values: The column, `[M]`; NaN where missing.
        test: The number of test events of each item, `[M]`.
        strata: The stratum of each item, `[M]`.
    """
    present = np.isfinite(values)
    values, test, strata = values[present], test[present], strata[present]
    if not len(values):
        return None
    order = np.lexsort((test, strata))
    starts = np.flatnonzero(np.diff(strata[order], prepend=-1))
    sizes = np.diff(np.append(starts, len(order)))
    stratum = np.empty(len(order), np.int64)
    stratum[order] = np.repeat(np.arange(len(sizes)), sizes)
    median = test[order][starts + (sizes - 1) // 2]  # the lower median: of 0, 0, 1 it is 0
    many = test > median[stratum]
    n_many = np.bincount(stratum, many, len(sizes))
    pairs = n_many * (sizes - n_many)
    if not pairs.any():
        return None
    ranks = _ranks(values, stratum, sizes)
    won = np.bincount(stratum, np.where(many, ranks, 0.0), len(sizes)) - n_many * (n_many + 1) / 2
    key = stratum * (2 * len(ranks) + 1) + (2 * ranks).astype(np.int64)  # a rank may be a half
    _, first, level, alike = np.unique(key, return_index=True, return_inverse=True, return_counts=True)
    many_alike = np.bincount(level, many)
    tied = float((many_alike * (alike - many_alike)).sum())
    ties = np.bincount(stratum[first], alike**3.0 - alike, len(sizes)) / np.maximum(sizes * (sizes - 1), 1)
    total = float((2 * won - pairs).sum())
    variance = (pairs * (sizes + 1 - ties) / 12).sum()  # of the Mann-Whitney statistic, with its correction for ties
    return Association(
        total / float(pairs.sum()),
        total / max(float(pairs.sum()) - tied, 1.0),
        float(2 * np.sqrt(variance) / pairs.sum()),
        int(sizes[pairs > 0].sum()),
    )


def _ranks(values: NDArray[np.float64], stratum: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the rank of each value within its stratum, from 1; tied values share their mean rank."""
    order = np.lexsort((values, stratum))
    starts = np.cumsum(sizes) - sizes
    place = np.arange(len(order)) - np.repeat(starts, sizes) + 1.0
    new = (np.diff(values[order], prepend=np.nan) != 0) | (np.diff(stratum[order], prepend=-1) != 0)
    run = np.cumsum(new) - 1
    mean = np.bincount(run, place) / np.bincount(run)
    ranks = np.empty(len(order))
    ranks[order] = mean[run]
    return ranks
