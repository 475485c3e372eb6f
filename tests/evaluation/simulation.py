"""Simulated tables of models, with the values and correlations of kept lists of `ease` and `sasrec`.

Each run of a simulated model draws a normal deviate per query, the sum of three parts: one that all runs share, one that the runs of
a model share, and one of the run. The deviate selects a value from the distribution of values of a kept run. The weights of the parts
are chosen so that the values of two seeds of a model, and of two models, correlate as in the kept runs. Models are equal unless one is
given a lift: its deviates are shifted so that its mean rises by that much. Seeds shift a run in the same way.

A tuned model has the part of the best of many settings, which are equal in truth and chosen on validation queries of the same users.
What differs between two settings for a user is in part the same in validation and test, so the choice carries over to the test.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from scipy.special import ndtr, ndtri

FILES = Path(__file__).parents[1] / "fixtures" / "target_ranks"
SEEDS = 3
PRICE = 20.0
"""The median price of the simulated revenue; prices are log-normal with a standard deviation of the logarithm of 1."""


def hit(ranks: np.ndarray, k: int = 10) -> np.ndarray:
    """Return hit@k for ranks from 1, 0 for a target outside the list."""
    return ((ranks > 0) & (ranks <= k)).astype(np.float64)


def ndcg(ranks: np.ndarray, k: int = 10) -> np.ndarray:
    """Return ndcg@k of a single target."""
    return hit(ranks, k) / np.log2(np.maximum(ranks, 1) + 1.0)


def mrr(ranks: np.ndarray, k: int = 10) -> np.ndarray:
    """Return mrr@k of a single target."""
    return hit(ranks, k) / np.maximum(ranks, 1)


def revenue(ranks: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return hits times random prices."""
    return hit(ranks) * PRICE * np.exp(rng.normal(size=ranks.shape))


MEAN_PRICE = PRICE * np.exp(0.5)


@dataclass(frozen=True, eq=False)
class Kept:
    """The kept ranks of a data set: those of `ease`, `[Q]`, and those of `sasrec` with three seeds, `[3, Q]`."""

    name: str
    ease: np.ndarray
    sasrec: np.ndarray

    @classmethod
    def read(cls, name: str) -> "Kept":
        """Read the file of a data set."""
        table = pq.read_table(FILES / f"{name}.parquet")
        return cls(name, table["ease"].to_numpy(), np.stack([table[f"sasrec-{s}"].to_numpy() for s in range(SEEDS)]))

    @cached_property
    def values(self) -> np.ndarray:
        """ndcg@10 of `sasrec`, `[3, Q]`."""
        return ndcg(self.sasrec)

    @property
    def seed_correlation(self) -> float:
        """The mean correlation over queries between two seeds of `sasrec`."""
        c = np.corrcoef(self.values)
        return float(np.mean(c[np.triu_indices(SEEDS, 1)]))

    @property
    def model_correlation(self) -> float:
        """The mean correlation over queries between `ease` and a seed of `sasrec`."""
        return float(np.mean(np.corrcoef(ndcg(self.ease), self.values)[0, 1:]))

    @property
    def seed_deviation(self) -> float:
        """The standard deviation between the means of seeds, as in the kept runs, relative to the mean.

        The noise of the queries is not subtracted: with three seeds the estimate is too uncertain for that, and too high a
        deviation is the harder case.
        """
        means = self.values.mean(axis=1)
        return float(means.std(ddof=1) / means.mean())


@dataclass(frozen=True)
class Search:
    """How the tuned models of a table are tuned.

    By default the difference between the values of two settings has a correlation of .15 between a user's validation and test query on
    amazon-beauty, and the values themselves of .22. Two settings of `als` have .13 and .22 there (the last event of a user
    against the one before), two of `ease` .08 and .22.

    Attributes:
        trials: The number of settings.
        queries: The number of validation queries, at most; they are of the users of the first test queries.
        shared: The correlation between a user's validation and test query of the part that all runs share.
        own: The same for the part of a model.
    """

    trials: int = 20
    queries: int = 5000
    shared: float = 0.5
    own: float = 1.0


class Simulation:
    """Draws tables of models like those of a kept data set."""

    def __init__(self, kept: Kept, seed_deviation: float | None = None, mean: float | None = None) -> None:
        """Fit the distribution of values and the weights of the parts.

        Args:
            kept: The kept ranks.
            seed_deviation: The standard deviation of the means of seeds, relative to the mean; that of the kept runs by default.
            mean: The mean of a model without a lift, for models that are trained for longer; that of the kept runs by default.
        """
        self.levels, counts = np.unique(kept.values, return_counts=True)
        self.cuts = ndtri(np.cumsum(counts)[:-1] / counts.sum())
        self.seed_deviation = kept.seed_deviation if seed_deviation is None else seed_deviation
        shifts = np.linspace(-1, 1, 2001)
        if mean is not None:
            self.cuts = self.cuts - np.interp(mean, [self._mean(shift) for shift in shifts], shifts)
        self.mean = self._mean(0.0)
        means = np.array([self._mean(shift) for shift in shifts])
        self.shift = lambda lift: np.interp(self.mean * (1 + lift), means, shifts)
        rng = np.random.default_rng(0)
        pair = rng.normal(size=(2, 200_000))
        latent = np.linspace(0, 0.999, 60)
        found = []
        for r in latent:
            second = r * pair[0] + np.sqrt(1 - r**2) * pair[1]
            found.append(np.corrcoef(self._select(pair[0]), self._select(second))[0, 1])
        self.of_seeds, self.of_models = (
            float(np.interp(c, np.maximum.accumulate(found), latent))
            for c in (kept.seed_correlation, kept.model_correlation)
        )

    def table(
        self,
        rng: np.random.Generator,
        n_queries: int,
        lifts: list[float],
        seeds: list[int],
        tuned: Collection[int] = (),
        search: Search | None = None,
    ) -> tuple[dict[str, list[np.ndarray]], set[str]]:
        """Draw the values of models.

        Args:
            rng: The random numbers.
            n_queries: The number of queries.
            lifts: The true relative lift of each model.
            seeds: The number of seeds of each model; 0 for a model that does not depend on a seed.
            tuned: The models, by index, that are tuned.
            search: How.

        Returns:
            The arguments of `compare_models`: values per model and run, and the models that depend on a seed.
        """
        shared = np.sqrt(self.of_models) * rng.standard_normal(n_queries, np.float32)
        values, seeded = {}, set()
        for at, (lift, n_seeds) in enumerate(zip(lifts, seeds, strict=True)):
            own = self._own * rng.standard_normal(n_queries, np.float32)
            if at in tuned:
                own = self._chosen(rng, shared, own, search or Search())
            runs = []
            for _ in range(max(n_seeds, 1)):
                effect = rng.normal(0, self.seed_deviation) if n_seeds else 0.0
                of_run = self._of_run * rng.standard_normal(n_queries, np.float32)
                runs.append(self._select(shared + own + of_run + self.shift(lift + effect)))
            values[str(at)] = runs
            if n_seeds:
                seeded.add(str(at))
        return values, seeded

    @property
    def _own(self) -> float:
        """The deviation of the part that the runs of a model share."""
        return float(np.sqrt(max(self.of_seeds - self.of_models, 0)))

    @property
    def _of_run(self) -> float:
        """The deviation of the part of a run."""
        return float(np.sqrt(1 - max(self.of_seeds, self.of_models)))

    def _chosen(self, rng: np.random.Generator, shared: np.ndarray, own: np.ndarray, search: Search) -> np.ndarray:
        """Return the part of a model in the test, `[Q]`, with the settings that are best on validation queries.

        Args:
            rng: The random numbers.
            shared: The part in the test that all runs share, `[Q]`.
            own: The part of a model that is not tuned, `[Q]`.
            search: How it is tuned.
        """
        n = min(search.queries, len(own))
        other = np.sqrt(self.of_models) * rng.standard_normal(n, np.float32)
        validated = search.shared * shared[:n] + np.sqrt(1 - search.shared**2) * other
        parts = self._own * rng.standard_normal((search.trials, n), np.float32)
        of_runs = self._of_run * rng.standard_normal((search.trials, n), np.float32)
        best = parts[self._select(validated + parts + of_runs).mean(axis=1).argmax()]
        return np.concatenate([search.own * best + np.sqrt(1 - search.own**2) * own[:n], own[n:]])

    def _mean(self, shift: float) -> float:
        """Return the mean of the values if the deviates are shifted."""
        edges = np.concatenate([[0.0], ndtr(self.cuts - shift), [1.0]])
        return float(np.diff(edges) @ self.levels)

    def _select(self, deviates: np.ndarray) -> np.ndarray:
        """Return the value that each normal deviate selects."""
        return self.levels[np.searchsorted(self.cuts, deviates)]


Interval = Callable[[np.ndarray], tuple[float, float]]


def coverage(
    interval: Interval, draw: Callable[[np.random.Generator], np.ndarray], truth: float, trials: int
) -> tuple[float, float]:
    """Return the share of intervals that contain the truth, of those that are given, and the share that is not given."""
    rng = np.random.default_rng(0)
    ends = np.array([interval(draw(rng)) for _ in range(trials)], np.float64)
    given = ~np.isnan(ends).any(axis=1)
    covers = (ends[given, 0] <= truth) & (truth <= ends[given, 1])
    return (float(covers.mean()) if given.any() else float("nan")), float(1 - given.mean())
