"""Significance tests between models: paired over queries, Welch over seeds, corrected for multiple comparisons."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from zoo.evaluation.bootstrap import query_intervals

Verdict = Literal["best", "same", "worse", "not tested"]
"""A model by one metric: the best, not significantly different from it, significantly worse, or too few seeds to test."""
FEWEST_SEEDS = 3
_BLOCK_SIGNS = 2**21


@dataclass(frozen=True)
class Difference:
    """The difference between two models over the same queries.

    Attributes:
        mean: The mean of the first model minus that of the second.
        low: The low end of the 95 % bootstrap interval over the queries.
        high: The high end of the interval.
        p: The two-sided p-value of the paired test.
    """

    mean: float
    low: float
    high: float
    p: float


def compare_values(
    a: NDArray[np.float64], b: NDArray[np.float64], *, resamples: int = 1000, seed: int = 0
) -> Difference:
    """Compare the values of two models over the same queries, `[Q]` each; NaN for a query without a value."""
    difference = (a - b)[~np.isnan(a - b)]
    [(low, high)] = query_intervals(difference[:, None], resamples, seed=seed)
    return Difference(float(difference.mean()), low, high, paired_p(a, b, seed=seed))


def paired_p(a: NDArray[np.float64], b: NDArray[np.float64], *, flips: int = 10_000, seed: int = 0) -> float:
    """Return the two-sided p-value of a paired sign-flip permutation test.

    Under the null hypothesis the sign of each query's difference is random. The p-value is the share of random sign
    patterns whose mean is at least as far from 0 as the observed mean.

    Args:
        a: The values of one model, `[Q]`; queries with NaN are skipped.
        b: The values of the other model over the same queries, `[Q]`.
        flips: The number of random sign patterns; p is at least 1 / (flips + 1).
        seed: The random seed of the patterns.
    """
    d = a - b
    d = d[~np.isnan(d) & (d != 0)].astype(np.float32)
    found = abs(float(d.sum(dtype=np.float64))) * (1 - 1e-6)  # tolerance for float32 sums that are equal to it
    if len(d) == 0:
        return 1.0
    rng = np.random.default_rng(seed)
    rows = max(_BLOCK_SIGNS // len(d), 1)
    extreme = 0
    for start in range(0, flips, rows):
        bits = rng.integers(0, 256, (min(rows, flips - start), -(-len(d) // 8)), np.uint8)
        plus = np.unpackbits(bits, axis=1, count=len(d)).astype(np.float32) @ d
        extreme += int((np.abs(2 * plus - d.sum()) >= found).sum())
    return (extreme + 1) / (flips + 1)


def welch_p(a: Sequence[float], b: Sequence[float]) -> float:
    """Return the two-sided p-value of Welch's t-test between the means of two models over their seeds.

    A model without a seed has one mean and no variance, which reduces the test to the one-sample t-test.
    """
    spreads = [(np.var(x, ddof=1) / len(x) if len(x) > 1 else 0.0, len(x) - 1) for x in (a, b)]
    variance = sum(s for s, _ in spreads)
    difference = float(np.mean(a) - np.mean(b))
    rounding = 1e-12 * max(map(abs, (*a, *b)))
    if abs(difference) <= rounding or variance <= rounding**2:
        return float(abs(difference) <= rounding)
    freedom = variance**2 / sum(s**2 / f for s, f in spreads if f > 0)
    return float(2 * stdtr(freedom, -abs(difference) / variance**0.5))


def holm(p: Sequence[float], n_tests: int | None = None) -> NDArray[np.float64]:
    """Return p-values with Holm's step-down correction, in the given order.

    Args:
        p: The smallest p-values of a family of tests.
        n_tests: The size of the family; the number of p-values by default.
    """
    order = np.argsort(p)
    factors = (n_tests or len(p)) - np.arange(len(p))
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(np.maximum.accumulate(np.asarray(p, np.float64)[order] * factors), 1.0)
    return corrected


def verdicts(
    values: Mapping[str, Sequence[NDArray[np.float64]]],
    seeded: Collection[str],
    *,
    higher_is_better: bool = True,
    level: float = 0.05,
) -> dict[str, Verdict]:
    """Return the verdict on each model: the best by a metric, not significantly different from it, or worse.

    Models without a seed are compared by the paired test over queries. If one of the two models has seeds, a Welch test
    over the means of the seeds must be significant too: with the test over queries alone a lucky seed passes for a
    better model, with the test over seeds alone three runs that happen to be close do. Models with fewer than three
    seeds are not tested. The best model is selected on the same data, so the correction covers all pairs of models,
    not only the pairs with the best.

    Args:
        values: Model to its values per query, `[Q]`, one array per seed; all over the same queries.
        seeded: The models whose result depends on a seed.
        higher_is_better: Whether the best value is the highest.
        level: The family-wise error rate: the probability of any false difference.
    """
    means = {name: [_mean(run) for run in runs] for name, runs in values.items()}
    result: dict[str, Verdict] = dict.fromkeys(values, "not tested")
    measured = [name for name in values if not np.isnan(means[name]).any()]
    if not measured:
        return result
    best = max(measured, key=lambda name: float(np.mean(means[name])) * (1 if higher_is_better else -1))
    result[best] = "best"
    testable = [name for name in measured if name not in seeded or len(values[name]) >= FEWEST_SEEDS]
    if best not in testable or len(testable) < 2:
        return result
    n_tests = len(testable) * (len(testable) - 1) // 2
    flips = max(10_000, 100 * n_tests)  # otherwise a corrected p could never fall below the level
    others = [name for name in testable if name != best]
    pooled = {name: np.mean(values[name], axis=0) for name in testable}
    p = []
    for other in others:
        over_seeds = welch_p(means[best], means[other]) if {best, other} & set(seeded) else 0.0
        p.append(max(over_seeds, paired_p(pooled[best], pooled[other], flips=flips)))
    corrected = holm(p, n_tests)
    result.update({name: "worse" if q < level else "same" for name, q in zip(others, corrected, strict=True)})
    return result


def _mean(values: NDArray[np.float64]) -> float:
    """Return the mean over the queries with a value; NaN if there are none."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else float("nan")
