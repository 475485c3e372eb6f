"""Which models differ from the best: all pairs of models in one test, over queries and seeds together.

The best model is chosen from the data it is tested on, so the test covers all pairs, not only those with the best: with eight
equal models a test of the seven pairs with the best finds a difference far more often than its level says. The statistic of a
pair is its mean difference over the same queries, divided by its standard error over queries and seeds; the critical value is
that of the maximum over all pairs, from resamples in which no model differs: the signs of each query's differences are random,
the means of seeds are drawn with the estimated variance, and the variance of the seeds is estimated anew in each resample, with
as few degrees of freedom as in the data. Pairs are rejected step by step (Romano and Wolf, Econometrica 2005).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit

from zoo.evaluation.intervals import FEWEST_HITS
from zoo.evaluation.variance import Floats, Spread

Verdict = Literal["best", "same", "worse", "not tested"]
"""A model by one metric: the best, not significantly different from it, significantly worse, or not tested."""
FEWEST_SEEDS = 3
"""The number of seeds below which a model that depends on a seed is not tested: the variance of two is too uncertain."""
RESAMPLES = 5000
POWER = 0.8
_BLOCK = 250
_CACHED = 50_000
"""The number of statistics that are computed at a time, so that their arrays stay in the cache of a processor."""
_MOST_FLIPPED = 20_000
"""The number of queries above which the sums of randomly signed differences are drawn from the normal distribution."""


@dataclass(frozen=True)
class Comparison:
    """The comparison of models by one metric.

    Attributes:
        verdicts: The verdict on each model.
        detectable_share: The true difference from the best that this comparison finds with a probability of 80 %, as a share of
            the best value: the median over the tested models. None if nothing was tested, the best value is 0, or there are too
            few queries to find any difference.
    """

    verdicts: dict[str, Verdict]
    detectable_share: float | None = None


def compare_models(
    values: Mapping[str, Sequence[Floats]],
    seeded: Collection[str],
    *,
    higher_is_better: bool = True,
    level: float = 0.05,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Comparison:
    """Find the best model by a metric and the models that are significantly worse.

    A model that depends on a seed and ran with fewer than `FEWEST_SEEDS` is not tested: it is neither the best nor worse, and
    does not affect the others.

    Args:
        values: Model to its values per query, `[Q]`, one array per seed; all over the same queries, NaN without a value.
        seeded: The models whose result depends on a seed.
        higher_is_better: Whether the best value is the highest.
        level: The intended probability that any model is called worse if none is; the page on evaluation names its limits.
        resamples: The number of resamples for the critical values.
        seed: The random seed of the resamples.
    """
    verdicts: dict[str, Verdict] = dict.fromkeys(values, "not tested")
    names = [
        name
        for name, runs in values.items()
        if (name not in seeded or len(runs) >= FEWEST_SEEDS) and not any(np.isnan(run).all() for run in runs)
    ]
    if not names:
        return Comparison(verdicts)
    spread = Spread.of([values[name] for name in names], [name in seeded for name in names])
    best = int(np.argmax(spread.means if higher_is_better else -spread.means))
    others = [at for at in range(len(names)) if at != best]
    verdicts[names[best]] = "best"
    if not others:
        return Comparison(verdicts)
    test = _PairTest(spread)
    adjusted, critical = test.run(resamples, seed, level)
    for at in others:
        verdicts[names[at]] = "worse" if adjusted[best, at] < level else "same"
    best_value, detectable = abs(float(spread.means[best])), float(np.median(test.detectable(best, others, critical)))
    return Comparison(verdicts, detectable / best_value if best_value and np.isfinite(detectable) else None)


@dataclass(frozen=True)
class Difference:
    """The difference between two models by one metric.

    Attributes:
        value: The mean of the second model minus that of the first.
        low: The low end of the interval of the difference; NaN if too few queries differ.
        high: The high end.
        significant: Whether `compare_models` calls one of the two worse, at the same level.
        over_seeds: Whether the interval covers other seeds too. It does not if a model that depends on a seed ran with fewer than
            `FEWEST_SEEDS`: it is then about these runs.
    """

    value: float
    low: float
    high: float
    significant: bool
    over_seeds: bool


def difference_of(
    first: Sequence[Floats],
    second: Sequence[Floats],
    *,
    seeded: tuple[bool, bool],
    level: float = 0.05,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Difference:
    """Return the paired difference of two models with its interval.

    The interval inverts the test of `compare_models`: it is the difference plus and minus its standard error over queries and
    seeds, times the critical value of the same resamples.

    Args:
        first: The values of the first model per query, `[Q]`, one array per seed; NaN for a query without a value.
        second: The same of the second model, over the same queries.
        seeded: Whether each of the two depends on a seed.
        level: The probability that the interval does not cover the true difference.
        resamples: The number of resamples for the critical value.
        seed: The random seed of the resamples.
    """
    runs = (first, second)
    over_seeds = all(not has or len(each) >= FEWEST_SEEDS for has, each in zip(seeded, runs, strict=True))
    spread = Spread.of(runs, seeded if over_seeds else (False, False))
    test = _PairTest(spread)
    adjusted, critical = test.run(resamples, seed, level)
    half = float(test.half_width(critical))
    value = float(spread.means[1] - spread.means[0])
    n_differ = len(spread.deviations)
    known = np.isfinite(half) and (n_differ == 0 or n_differ >= FEWEST_HITS)
    low, high = (value - half, value + half) if known else (np.nan, np.nan)
    return Difference(value, low, high, bool(adjusted[0, 1] < level), over_seeds)


class _PairTest:
    """The test of all pairs of models."""

    def __init__(self, spread: Spread) -> None:
        self.spread = spread
        self.a, self.b = np.triu_indices(len(spread.means), 1)
        self.squares = spread.squares[self.a, self.b]
        self.found = self._normalised(spread.means[None], spread.n_queries * spread.means[None], spread.between[None])[
            0
        ]

    def run(self, resamples: int, seed: int, level: float) -> tuple[Floats, float]:
        """Return the corrected p-value of each pair, `[M, M]`, and the critical value of the first step."""
        order = np.argsort(self.found)  # the pair that differs least comes first
        extreme, largest = np.zeros(len(order)), []
        for drawn in self._resample(resamples, np.random.default_rng(seed)):
            rising = np.maximum.accumulate(drawn[:, order], axis=1)
            extreme += (rising >= self.found[order] * (1 - 1e-6)).sum(0)  # the sums are of single precision
            largest.append(rising[:, -1])
        p = (extreme + 1) / (resamples + 1)
        p = np.maximum.accumulate(p[::-1])[::-1]  # a pair is tested only if all clearer ones are rejected
        corrected = np.ones((len(self.spread.means),) * 2)
        corrected[self.a[order], self.b[order]] = corrected[self.b[order], self.a[order]] = p
        with np.errstate(invalid="ignore"):  # on one or two queries statistics are infinite
            critical = float(np.quantile(np.concatenate(largest), 1 - level))
        return corrected, critical

    def detectable(self, best: int, others: Sequence[int], critical: float) -> Floats:
        """Return the true difference of each model from the best that exceeds the critical value with 80 % probability."""
        spread = self.spread
        pair = (spread.means[best] - spread.means[others]) * spread.n_queries
        seeds = self._over_seeds(spread.between)
        variance, freedom = self._variance(
            spread.over_queries(pair, spread.squares[best, others]),
            seeds[best],
            seeds[others],
            spread.freedom[best],
            spread.freedom[others],
        )
        with np.errstate(invalid="ignore"):
            found: Floats = np.sqrt(variance) * (stdtrit(freedom, ndtr(critical)) + stdtrit(freedom, POWER))
        return found

    def half_width(self, critical: float) -> float:
        """Return half the width of the interval of the difference between the first two models."""
        spread = self.spread
        seeds = self._over_seeds(spread.between)
        total = (spread.means[0] - spread.means[1]) * spread.n_queries
        variance, freedom = self._variance(
            spread.over_queries(total, spread.squares[0, 1]), seeds[0], seeds[1], spread.freedom[0], spread.freedom[1]
        )
        with np.errstate(invalid="ignore"):
            return float(np.sqrt(variance) * stdtrit(freedom, ndtr(critical)))

    def _normalised(self, means: Floats, sums: Floats, between: Floats) -> Floats:
        """Return the absolute t statistic of each pair as a normal deviate of about the same p-value, `[..., P]`.

        Pairs have different degrees of freedom; on this scale the maximum over pairs is fair to all of them. The conversion is
        that of Wallace (Annals of Mathematical Statistics 1959).

        Args:
            means: The mean of each model, `[..., M]`.
            sums: The sum over queries of each model, without the effects of seeds, `[..., M]`.
            between: The variance between the means of the seeds, `[..., M]`.
        """
        a, b, spread = self.a, self.b, self.spread
        seeds = self._over_seeds(between)
        variance, freedom = self._variance(
            spread.over_queries(sums[..., a] - sums[..., b], self.squares),
            seeds[..., a],
            seeds[..., b],
            spread.freedom[a],
            spread.freedom[b],
        )
        difference = means[..., a] - means[..., b]
        rounding = 1e-12 * np.abs(spread.means).max()
        with np.errstate(divide="ignore", invalid="ignore"):
            t2 = np.where(np.abs(difference) <= rounding, 0.0, difference**2 / variance)
            z: Floats = (8 * freedom + 1) / (8 * freedom + 3) * np.sqrt(freedom * np.log1p(t2 / freedom))
        return z

    def _over_seeds(self, between: Floats) -> Floats:
        """Return the variance of the models' means over seeds, `[..., M]`."""
        return self.spread.moderate(between) / np.maximum(self.spread.seeds, 1)

    def _variance(
        self, queries: Floats, seeds_a: Floats, seeds_b: Floats, freedom_a: Floats, freedom_b: Floats
    ) -> tuple[Floats, Floats]:
        """Return the variance of differences and its degrees of freedom (Satterthwaite)."""
        variance = queries + seeds_a + seeds_b
        Q = max(self.spread.n_queries - 1, 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            freedom = variance**2 / (queries**2 / Q + seeds_a**2 / freedom_a + seeds_b**2 / freedom_b)
        return variance, np.where(variance > 0, freedom, Q)

    def _resample(self, resamples: int, rng: np.random.Generator) -> Iterator[Floats]:
        """Yield blocks of the statistics of all pairs under the null hypothesis, `[block, P]`."""
        spread = self.spread
        expected, freedom = spread.moderate(spread.between), np.maximum(spread.own_freedom, 1.0)
        effects = np.sqrt(self._over_seeds(spread.between))
        rows = max(_CACHED // len(self.a), 1)
        for start in range(0, resamples, _BLOCK):
            n = min(_BLOCK, resamples - start)
            sums = self._random_sums(n, rng)
            means = sums / spread.n_queries + rng.normal(size=(n, len(effects))) * effects
            between = expected * rng.chisquare(freedom, size=(n, len(effects))) / freedom
            for at in range(0, n, rows):
                part = slice(at, at + rows)
                yield self._normalised(means[part], sums[part], between[part])

    def _random_sums(self, n: int, rng: np.random.Generator) -> Floats:
        """Return the sums over queries of n resamples in which the sign of each query's deviations is random, `[n, M]`."""
        deviations = self.spread.deviations
        if len(deviations) > _MOST_FLIPPED:
            values, vectors = np.linalg.eigh(deviations.T @ deviations)
            root = vectors * np.sqrt(np.maximum(values, 0.0))
            drawn: Floats = rng.normal(size=(n, deviations.shape[1])) @ root.T
            return drawn
        x: NDArray[np.float32] = deviations.astype(np.float32)
        bits = rng.integers(0, 256, (n, -(-len(x) // 8)), np.uint8)
        plus = np.unpackbits(bits, axis=1, count=len(x)).astype(np.float32) @ x
        sums: Floats = (2 * plus - x.sum(0)).astype(np.float64)
        return sums
