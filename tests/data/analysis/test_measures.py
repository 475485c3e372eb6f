"""What is in a log, against a count by hand."""

from collections import Counter

import numpy as np
import pytest

from zoo.data.analysis.distributions import Distribution, concentration_curve, gini, rank_correlation, share_of_top
from zoo.data.analysis.goods import measure_cold
from zoo.data.analysis.numbers import median_by_item
from zoo.data.analysis.rhythm import DAY, measure_rhythm, measure_sessions, measure_turnover
from zoo.data.analysis.size import repeated
from zoo.data.interactions import Interactions

USERS = np.array([0, 0, 0, 0, 1, 1, 1, 2, 2])
ITEMS = np.array([1, 2, 1, 3, 2, 2, 4, 1, 5])
START = np.datetime64("2024-01-30T10:00", "ms").astype(np.int64)
MINUTES = np.array([0, 10, 50, 60 * 24 * 40, 5, 6, 60 * 24, 60 * 24 * 41, 60 * 24 * 41 + 3])


@pytest.fixture
def log():
    return Interactions.from_arrays(USERS, ITEMS, START + MINUTES * 60_000)


def test_an_event_is_repeated_if_its_user_had_the_item_before(log):
    seen, by_hand = set(), []
    for pair in zip(USERS, ITEMS, strict=True):
        by_hand.append(pair in seen)
        seen.add(pair)
    assert repeated(log).tolist() == by_hand


def test_a_pause_of_more_than_30_minutes_ends_a_session(log):
    sessions = measure_sessions(log)
    assert sessions.count == 6
    assert sessions.single == pytest.approx(3 / 6)
    assert sessions.minutes == 3.0


def test_hours_and_weekdays_are_those_of_the_times(log):
    rhythm = measure_rhythm(log)
    stamps = [(START + m * 60_000).astype("M8[ms]").item() for m in MINUTES]
    assert rhythm.hours == tuple(Counter(s.hour for s in stamps)[h] for h in range(24))
    assert rhythm.weekdays == tuple(Counter(s.weekday() for s in stamps)[d] for d in range(7))
    assert sum(rhythm.events) == len(log)
    assert rhythm.start == "2024-01-30"


def test_items_come_and_go_by_month(log):
    turnover = measure_turnover(log)
    months = ["2024-01", "2024-02", "2024-03"]
    seen = {
        m: {int(i) for i, t in zip(ITEMS, MINUTES, strict=True) if str((START + t * 60_000).astype("M8[ms]"))[:7] == m}
        for m in months
    }
    assert turnover.months == tuple(months)
    assert turnover.active == tuple(len(seen[m]) for m in months)
    firsts = [seen[m] - set().union(*(seen[o] for o in months[:at]), set()) for at, m in enumerate(months)]
    assert turnover.first == tuple(map(len, firsts))
    assert sum(turnover.last) == 5


def test_the_cold_part_of_a_split(log):
    last_out = measure_cold(log)[1]
    assert last_out.queries == 3
    assert last_out.users == 0
    assert last_out.items == pytest.approx(3 / 3)  # the items 3, 4 and 5 have no other event


@pytest.mark.parametrize(
    ("counts", "expected"), [([5, 5, 5, 5], 0.0), ([0, 0, 0, 8], 0.75), ([1, 2, 3], 2 / 9), ([], 0.0)]
)
def test_the_gini_coefficient(counts, expected):
    assert gini(np.array(counts, np.int64)) == pytest.approx(expected)


def test_shares_of_the_top_and_the_curve():
    counts = np.array([1, 1, 1, 1, 1, 1, 1, 1, 1, 91])
    assert share_of_top(counts, 0.1) == pytest.approx(0.91)
    assert share_of_top(counts, 0.01) == pytest.approx(0.91)
    curve = dict(concentration_curve(counts))
    assert (curve[0.0], curve[0.1], curve[1.0]) == pytest.approx((0.0, 0.91, 1.0))


def test_a_distribution_counts_every_value_once():
    values = np.array([1, 1, 2, 3, 4, 9, 100])
    found = Distribution.of(values)
    assert sum(found.counts) == len(values)
    assert found.median == 3
    assert found.counts[:3] == (2, 2, 1)


def test_the_rank_correlation_is_that_of_scipy():
    from scipy.stats import spearmanr

    a, b = np.array([1, 2, 2, 5, 9, 4]), np.array([3, 1, 4, 4, 8, 8])
    assert rank_correlation(a, b) == pytest.approx(spearmanr(a, b)[0])
    assert rank_correlation(a, np.ones(6)) == 0


def test_a_log_without_times_has_no_rhythm():
    log = Interactions.from_arrays(USERS, ITEMS)
    assert (measure_rhythm(log), measure_sessions(log), measure_turnover(log), measure_cold(log)) == (
        None,
        None,
        None,
        (),
    )


def test_times_of_days_have_no_sessions():
    assert measure_sessions(Interactions.from_arrays(USERS, ITEMS, np.arange(9) * DAY)) is None


def test_the_median_by_item_is_that_of_its_values_that_are_not_negative():
    rng = np.random.default_rng(0)
    items = rng.integers(1, 40, 1000).astype(np.int32)
    values = np.round(rng.lognormal(3, 2, 1000), 2)
    values[::7], values[::11], values[::13] = np.nan, -1.0, 0.0
    medians = median_by_item(items, values, 45)
    for item in range(46):
        own = np.sort(values[(items == item) & (values >= 0)])
        assert medians[item] == pytest.approx(own[(len(own) - 1) // 2] if len(own) else np.nan, nan_ok=True)
