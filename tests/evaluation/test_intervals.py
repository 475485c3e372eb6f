"""Intervals against closed forms, an independent library, and the share of samples in which they contain the true mean."""

import numpy as np
import pytest
import scipy.stats

from zoo.evaluation.intervals import FEWEST_HITS, mean_interval, proportion_interval, query_intervals, skewed_interval


@pytest.mark.parametrize(("hits", "n"), [(1, 50), (9, 200), (5, 5), (10, 200), (30, 100), (50, 50)])
def test_the_interval_of_a_proportion_is_that_of_scipy(hits, n):
    expected = scipy.stats.binomtest(hits, n).proportion_ci(method="wilson" if hits >= 10 else "exact")
    assert proportion_interval(hits, n) == pytest.approx(expected)
    assert mean_interval(np.repeat([1.0, 0.0], [hits, n - hits])) == pytest.approx(expected)


def test_the_interval_of_values_without_skewness_is_that_of_the_t_statistic():
    values = np.random.default_rng(0).normal(size=40)
    values = np.concatenate([values, -values]) + 3.0
    expected = scipy.stats.t.interval(0.95, 79, loc=3.0, scale=scipy.stats.sem(values))
    assert mean_interval(values) == pytest.approx(expected)


def test_the_interval_of_skewed_values_inverts_the_transformation():
    """At each end the transformed statistic of the end is the quantile."""
    values = np.random.default_rng(0).exponential(size=60)
    n, deviation, skewness = 60, values.std(ddof=1), ((values - values.mean()) ** 3).mean() / values.std(ddof=1) ** 3
    quantile = scipy.stats.t.ppf(0.975, n - 1) / n**0.5
    low, high = skewed_interval(values)
    for end, expected in ((low, quantile), (high, -quantile)):
        u = (values.mean() - end) / deviation
        assert u + skewness / 3 * u**2 + skewness**2 / 27 * u**3 + skewness / (6 * n) == pytest.approx(expected)
    assert high - values.mean() > values.mean() - low


def test_values_without_a_spread_have_a_narrow_interval():
    assert mean_interval(np.full(30, 2.5)) == (2.5, 2.5)


@pytest.mark.parametrize(("n", "rate"), [(200, 0.007), (200, 0.01), (600, 0.01), (400, 0.3)])
def test_the_interval_of_a_proportion_covers_the_truth(n, rate):
    """With hits of 1 in 100 the percentile bootstrap covered it in .88 and .92 of samples of 200 and 600."""
    counts = np.random.default_rng(1).binomial(n, rate, 3000)
    counts = counts[counts > 0]  # without a hit there is no interval
    ends = np.array([proportion_interval(hits, n) for hits in counts])
    assert ((ends[:, 0] <= rate) & (rate <= ends[:, 1])).mean() >= 0.93


@pytest.mark.parametrize(("n", "rate"), [(1000, 0.02), (1000, 0.1)])
def test_the_interval_of_revenue_covers_the_truth(n, rate):
    """The percentile bootstrap covered it in .88 of samples of 600 queries."""
    rng = np.random.default_rng(2)
    covered = []
    for _ in range(1500):
        low, high = mean_interval((rng.random(n) < rate) * np.exp(rng.normal(size=n)))
        covered += [low <= rate * np.exp(0.5) <= high] if low == low else []
    assert np.mean(covered) >= 0.93


def test_no_value_above_0_and_few_values_have_no_interval():
    few = np.zeros(100)
    assert np.isnan(mean_interval(few)).all()
    few[: FEWEST_HITS - 1] = 0.5
    assert np.isnan(mean_interval(few)).all()
    few[FEWEST_HITS - 1] = 0.5
    assert not np.isnan(mean_interval(few)).any()


def test_queries_without_a_value_are_left_out():
    values = np.random.default_rng(0).random((300, 1))
    with_gaps = np.concatenate([values, np.full((300, 1), np.nan)])
    assert query_intervals(with_gaps) == query_intervals(values)
    assert np.isnan(query_intervals(np.full((5, 1), np.nan))).all()
    assert np.isnan(query_intervals(np.zeros((0, 2)))).all()


def test_values_of_0_or_more_have_no_negative_end():
    values = np.concatenate([np.zeros(500), np.exp(3 * np.random.default_rng(0).normal(size=10))])
    low, high = mean_interval(values)
    assert 0 <= low < values.mean() < high
