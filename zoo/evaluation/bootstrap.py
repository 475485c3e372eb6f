"""Bootstrap over queries: how far a figure would move had other queries been asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

Interval = tuple[float, float]
BLOCK = 32
"""Resamples whose counts are held at once."""


def query_intervals(
    values: NDArray[np.float64], resamples: int = 1000, *, level: float = 0.95, seed: int = 0
) -> list[Interval]:
    """Return the percentile interval of the mean of each column.

    Args:
        values: A value for each query and metric, `[Q, M]`; NaN where a query has none.
        resamples: How often the Q queries are drawn anew, with replacement; all columns share the draws.
        level: The probability that an interval covers the mean over the queries that might have been asked.
        seed: Draws the resamples.

    Returns:
        Low and high end for each column; NaN where no query has a value.
    """
    defined = ~np.isnan(values)
    filled = np.where(defined, values, 0.0)
    with np.errstate(invalid="ignore"):
        blocks = _counts(len(values), resamples, seed)
        means = np.array([m for c in blocks for m in (c @ filled) / (c @ defined.astype(np.float64))])
    return [_quantiles(column, level) for column in means.reshape(-1, values.shape[1]).T]


def catalogue_interval(
    value: Callable[[NDArray[np.int64]], float],
    items: NDArray[np.int64],
    n_items: int,
    resamples: int = 1000,
    *,
    bounds: Interval = (-np.inf, np.inf),
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Return an interval for a value of all lists together.

    Resampled lists repeat each other and so show fewer items than as many fresh lists would: the resampled values lie
    off the value itself. Their spread around their own median is taken, centred on the value; by simulation the
    interval covers in 87 to 100 % of cases what fresh lists give in the mean.

    Args:
        value: The value of an exposure: how many lists show each item, `[I]`.
        items: The lists, `[Q, K]`; 0 is an empty slot.
        n_items: The largest item number.
        resamples: How often the queries are drawn anew.
        bounds: What a value can be at least and at most.
        level: As in `query_intervals`.
        seed: Draws the resamples.
    """
    offsets = np.arange(0, items.size + 1, items.shape[1])
    lists = scipy.sparse.csr_matrix((np.ones(items.size), items.ravel(), offsets), (len(items), n_items + 1)).T.tocsr()
    resampled = np.array([value(e) for c in _counts(len(items), resamples, seed) for e in _exposures(lists, c)])
    [found] = _exposures(lists, np.ones((1, len(items))))
    low, high = _quantiles(resampled, level)
    shift = value(found) - _quantiles(resampled, 0.0)[0]
    return max(low + shift, bounds[0]), min(high + shift, bounds[1])


def _counts(n: int, resamples: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """Yield how often each of n queries is drawn in each resample, `[block, n]`."""
    rng = np.random.default_rng(seed)
    for start in range(0, resamples if n else 0, BLOCK):
        counts = np.empty((min(BLOCK, resamples - start), n))
        for row in counts:
            row[:] = np.bincount(rng.integers(n, size=n), minlength=n)
        yield counts


def _exposures(lists: scipy.sparse.csr_matrix, counts: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return how many of the drawn lists show each item, `[block, I]`; none shows the padding."""
    shown: NDArray[np.int64] = np.rint(lists @ counts.T).astype(np.int64).T
    shown[:, 0] = 0
    return shown


def _quantiles(samples: NDArray[np.float64], level: float) -> Interval:
    """Return the ends of the central part of the samples that are not NaN; NaN where there are none."""
    samples = samples[~np.isnan(samples)]
    if len(samples) == 0:
        return float("nan"), float("nan")
    low, high = np.quantile(samples, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
