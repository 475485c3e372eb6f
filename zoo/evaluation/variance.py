"""The variance of the differences between models: over queries, paired, and over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BORROWED = 2.0
"""The most degrees of freedom that the variance between a model's seeds borrows from the other models."""


@dataclass(frozen=True, eq=False)
class Spread:
    """Means of M models and what their differences vary by.

    The value of model i with seed s on query q is mean_i + seed_is + query_iq + rest_isq. The difference of two means varies by
    the queries, which both models share, and by the seeds of each. The rest counts twice: in the variance over queries of the
    values averaged over seeds, and in the variance between the means of the seeds. Subtracting it from the latter would be exact on
    average, but the result is too small too often: two of three seeds that happen to be close would pass for no variance at all.

    Attributes:
        means: The mean of each model over seeds and queries, `[M]`.
        deviations: The value of each query averaged over seeds, minus the mean of all models for this query, `[Q, M]`.
            Queries on which all models have equal values are left out.
        n_queries: The number of queries with a value, Q; those left out included.
        between: The variance between the means of the seeds, `[M]`; 0 for a model without a seed.
        seeds: The number of seeds, `[M]`; 0 for a model without a seed.
    """

    means: Floats
    deviations: Floats
    n_queries: int
    between: Floats
    seeds: NDArray[np.int64]

    @classmethod
    def of(cls, values: Sequence[Sequence[Floats]], seeded: Sequence[bool]) -> Spread:
        """Estimate the means and variances.

        Queries without a value may differ between models and seeds: each mean is over its own queries.

        Args:
            values: The values per query of each model, one array `[Q]` per seed, NaN for a query without a value.
            seeded: Whether each model depends on a seed; such a model has three seeds or more.
        """
        runs = [np.stack(model) for model in values]
        some = np.any([~np.isnan(run).all(0) for run in runs], axis=0)
        runs = [run[:, some] for run in runs]
        Q = int(some.sum())
        of_seeds = [np.nanmean(run, axis=1) for run in runs]
        means = np.array([m.mean() for m in of_seeds])
        centre = float(means.mean())
        averages = np.empty((Q, len(runs)))
        for at, run in enumerate(runs):
            weights = Q / np.count_nonzero(~np.isnan(run), axis=1, keepdims=True)
            # With these weights the mean over all Q queries is that over the queries with a value.
            averages[:, at] = np.nan_to_num((run - centre) * weights).mean(0)
        averages -= averages.mean(axis=1, keepdims=True)
        between = np.array([m.var(ddof=1) if s else 0.0 for m, s in zip(of_seeds, seeded, strict=True)])
        n_seeds = np.array([len(m) if s else 0 for m, s in zip(of_seeds, seeded, strict=True)])
        differ = np.abs(averages).max(axis=1, initial=0.0) > 1e-12 * np.abs(means).max(initial=0.0)
        return cls(means, averages[differ], Q, between, n_seeds)

    @cached_property
    def squares(self) -> Floats:
        """The sum over queries of the squared difference of two models, `[M, M]`."""
        products = self.deviations.T @ self.deviations
        own = np.diag(products)
        return np.maximum(own[:, None] + own[None] - 2 * products, 0.0)

    @cached_property
    def own_freedom(self) -> Floats:
        """The degrees of freedom of the variance between seeds, `[M]`; 0 for a model without a seed."""
        return np.maximum(self.seeds - 1, 0).astype(np.float64)

    @cached_property
    def borrowed_freedom(self) -> Floats:
        """The degrees of freedom that the variance of each model borrows from the other models, `[M]`."""
        return np.where(self.seeds > 0, np.minimum(BORROWED, self.own_freedom.sum() - self.own_freedom), 0.0)

    @property
    def freedom(self) -> Floats:
        """The degrees of freedom of `moderate`, `[M]`; 1 for a model without a seed, whose variance is 0."""
        return np.maximum(self.own_freedom + self.borrowed_freedom, 1.0)

    def moderate(self, between: Floats) -> Floats:
        """Return variances between seeds, moved towards their mean over models, `[..., M]`.

        A variance of three seeds has two degrees of freedom: it is a tenth of the true one in one of ten cases. As many again
        come from the mean over the models with seeds (Smyth, SAGMB 2004, with a fixed weight).
        """
        own, borrowed = self.own_freedom, self.borrowed_freedom
        pooled = (between * own).sum(axis=-1, keepdims=True) / max(own.sum(), 1.0)
        return np.where(self.seeds > 0, (own * between + borrowed * pooled) / self.freedom, 0.0)

    def over_queries(self, sums: Floats, squares: Floats) -> Floats:
        """Return the variance over queries of mean differences, from sums of differences and of their squares."""
        Q = self.n_queries
        return np.maximum(squares - sums**2 / Q, 0.0) / (Q * max(Q - 1, 1))
