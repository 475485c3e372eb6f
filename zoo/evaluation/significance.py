"""What can be told apart: paired tests over queries, a Welch test over seeds, corrected for how many are compared."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from zoo.evaluation.bootstrap import query_intervals

Verdict = Literal["best", "same", "worse", "not tested"]
"""A model in a column: the best; not to be told apart from it; worse; or too few seeds to say."""
FEWEST_SEEDS = 3
_BLOCK_SIGNS = 2**21


@dataclass(frozen=True)
class Difference:
    """How two models differ over the same queries.

    Attributes:
        mean: The mean of the first minus that of the second.
        low: The low end of its 95 % bootstrap interval over the queries.
        high: The high end.
        p: The probability of a difference as large where there is none.
    """

    mean: float
    low: float
    high: float
    p: float


def compared(a: NDArray[np.float64], b: NDArray[np.float64], *, resamples: int = 1000, seed: int = 0) -> Difference:
    """Compare the values of two models over the same queries, `[Q]` each, NaN where a query has none."""
    difference = (a - b)[~np.isnan(a - b)]
    [(low, high)] = query_intervals(difference[:, None], resamples, seed=seed)
    return Difference(float(difference.mean()), low, high, paired_p(a, b, seed=seed))


def paired_p(a: NDArray[np.float64], b: NDArray[np.float64], *, flips: int = 10_000, seed: int = 0) -> float:
    """Return the two-sided p of a paired sign-flip permutation test.

    Were the models alike, each query's difference could as well have the other sign; p is the share of random sign
    patterns whose mean lies as far from 0 as the one found.

    Args:
        a: Values of one model, `[Q]`; NaN where a query has none, which leaves the query out.
        b: Values of the other over the same queries, `[Q]`.
        flips: Sign patterns drawn; p is at least 1 / (flips + 1).
        seed: Draws them.
    """
    d = a - b
    d = d[~np.isnan(d) & (d != 0)].astype(np.float32)
    found = abs(float(d.sum(dtype=np.float64))) * (1 - 1e-6)  # a float32 sum must not miss its equal
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
    """Return the two-sided p of Welch's t-test between the means of two models over their seeds.

    A model without a seed has one mean and no spread; against it this is the one-sample test.
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
    """Return p-values by Holm's step-down correction, in the order given.

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
    """Say which model is the best by a metric, and which cannot be told apart from it.

    Models without a seed are compared by the paired test over queries. Where a seed is in play, a Welch test over the
    seeds' means must agree: over queries alone a lucky seed looks like a better model, over seeds alone three runs
    that happen to be close do. Fewer than three seeds are not tested. The best is chosen by looking at the data, so
    the correction is for all pairs among the models, not only those with the best.

    Args:
        values: Model to its values for each query, `[Q]`, one array a seed; all over the same queries.
        seeded: The models whose result depends on a seed.
        higher_is_better: Whether the best is the highest.
        level: The probability of telling apart any two models that do not differ.
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
    flips = max(10_000, 100 * n_tests)  # a corrected p must be able to fall below the level
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
    """Return the mean over the queries that have a value; NaN where none has."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else float("nan")
