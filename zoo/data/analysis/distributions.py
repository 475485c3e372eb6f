"""Numbers that describe a distribution: quantiles, histograms, concentration and rank correlation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
"""The quantiles of a distribution: from the least to the largest value."""


@dataclass(frozen=True)
class Distribution:
    """A distribution of counts or sizes.

    Attributes:
        mean: The mean.
        quantiles: The values at `QUANTILES`.
        edges: The lower edges of the bins of the histogram, and the upper edge of the last.
        counts: The number of values in each bin.
    """

    mean: float
    quantiles: tuple[float, ...]
    edges: tuple[float, ...]
    counts: tuple[int, ...]

    @classmethod
    def of(cls, values: NDArray[Any]) -> Distribution:
        """Describe positive values; the bins double in width, so that long tails fit.

        Args:
            values: The values, `[M]`, at least one.
        """
        highest = float(values.max(initial=1))
        edges = 2.0 ** np.arange(0, np.floor(np.log2(max(highest, 1.0))) + 2)
        counts = np.histogram(np.maximum(values, 1), edges)[0]
        return cls(
            float(values.mean()) if len(values) else 0.0,
            tuple(map(float, np.quantile(values, QUANTILES))) if len(values) else (0.0,) * len(QUANTILES),
            tuple(map(float, edges)),
            tuple(map(int, counts)),
        )

    @property
    def median(self) -> float:
        """Return the median."""
        return self.quantiles[QUANTILES.index(0.5)]


def gini(counts: NDArray[np.int64]) -> float:
    """Return the Gini coefficient of counts: 0 if all are equal, towards 1 if one has everything."""
    ascending, n = np.sort(counts).astype(np.float64), len(counts)
    total = float(ascending.sum())
    if not total:
        return 0.0
    return float(2 * (np.arange(1, n + 1) * ascending).sum() / (n * total) - (n + 1) / n)


def share_of_top(counts: NDArray[np.int64], share: float) -> float:
    """Return the part of the sum that the largest counts have, of a share of their number (at least one)."""
    descending = np.sort(counts)[::-1]
    top = max(round(share * len(descending)), 1)
    return float(descending[:top].sum() / max(descending.sum(), 1))


def concentration_curve(counts: NDArray[np.int64], points: int = 50) -> tuple[tuple[float, float], ...]:
    """Return points (share of the items, share of the events) of the items from the most frequent to the least."""
    sums = np.concatenate([[0], np.cumsum(np.sort(counts)[::-1])]).astype(np.float64)
    at = np.unique(np.round(np.linspace(0, 1, points + 1) ** 2 * len(counts)).astype(np.int64))
    return tuple((float(a / max(len(counts), 1)), float(sums[a] / max(sums[-1], 1))) for a in at)


def rank_correlation(first: NDArray[Any], second: NDArray[Any]) -> float:
    """Return Spearman's correlation of two arrays `[M]`; 0 if one of them is constant. Tied values share their mean rank."""
    a, b = _ranks(first), _ranks(second)
    if len(a) < 2 or not a.std() or not b.std():
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def _ranks(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return the rank of each value; tied values share their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    mean: NDArray[np.float64] = (last - (counts - 1) / 2)[inverse]
    return mean
