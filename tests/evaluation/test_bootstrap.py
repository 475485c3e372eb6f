"""Resamples of the queries, and the intervals of values of all lists together."""

import numpy as np

from zoo.evaluation.bootstrap import BLOCK, _counts, catalogue_interval


def test_a_resample_draws_as_many_queries_as_there_are():
    blocks = list(_counts(50, 2 * BLOCK + 3, 0))
    counts = np.concatenate(blocks)
    assert counts.shape == (2 * BLOCK + 3, 50)
    assert (counts.sum(1) == 50).all()
    assert 0.8 < counts.var() < 1.2  # of a multinomial: 1 - 1/Q
    assert len(np.unique(counts, axis=0)) == len(counts)


def test_catalogue_interval_lies_around_the_value_of_fresh_lists():
    """The plain percentile interval would lie far below it: resampled lists repeat each other."""
    rng = np.random.default_rng(2)
    weights = np.log(1 / np.arange(1, 201))

    def lists():
        return np.argpartition(-(weights + rng.gumbel(size=(150, 200))), 5, axis=1)[:, :5] + 1

    def coverage(exposure):
        return float((exposure[1:] > 0).mean())

    truth = np.mean([coverage(np.bincount(lists().ravel(), minlength=201)) for _ in range(300)])
    intervals = np.array([catalogue_interval(coverage, lists(), 200, 100) for _ in range(100)])
    covered = ((intervals[:, 0] <= truth) & (truth <= intervals[:, 1])).mean()
    assert covered >= 0.85


def test_catalogue_interval_keeps_to_the_bounds_and_holds_the_value():
    everything = np.arange(1, 41).reshape(20, 2).repeat(3, axis=0)  # all is shown, but not in every resample
    low, high = catalogue_interval(lambda e: float((e[1:] > 0).mean()), everything, 40, 100, bounds=(0.0, 1.0))
    assert 0.8 < low < high == 1.0


def test_catalogue_interval_ignores_empty_slots():
    items = np.array([[1, 0, 0], [1, 2, 0], [0, 0, 0]])
    exposures = []
    catalogue_interval(lambda e: exposures.append(e) or 0.0, items, 3, 10)
    assert all(e[0] == 0 for e in exposures)
    assert exposures[-1].tolist() == [0, 2, 1, 0]
