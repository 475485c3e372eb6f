"""Displaced clocks: runs of days and types of events, against a search by brute force; incomplete days are none."""

import numpy as np
import pytest

from zoo.data.analysis.displaced_clock import LEAST, _best_run, displaced_days, displaced_types
from zoo.data.interactions import Interactions

HOUR, DAY = 3_600_000, 86_400_000
START = np.datetime64("2024-03-01T00:00", "ms").astype(np.int64)


def log(days=40, per_day=30, displaced=(), hours=0, types=None):
    """Return events between 8 and 18 o'clock, most of them at noon, of a user each; some days are displaced by hours."""
    rng = np.random.default_rng(0)
    n = days * per_day
    day = np.arange(n) // per_day
    times = START + day * DAY + (8 * HOUR + 10 * HOUR * rng.beta(3, 3, n)).astype(np.int64)
    times += np.isin(day, displaced) * hours * HOUR
    events = np.zeros(n, int) if types is None else types(np.arange(n))
    if types is not None:
        times += (events == 1) * hours * HOUR
    return Interactions.from_arrays(
        np.arange(n), np.ones(n, int), times, events=events, event_names=("view", "purchase")
    )


@pytest.mark.parametrize(("hours", "words"), [(4, "4 hours later"), (5, "5 hours later"), (-7, "7 hours earlier")])
def test_a_run_of_days_is_found_with_its_hours(hours, words):
    (found,) = displaced_days(log(displaced=range(10, 16), hours=hours))
    assert found.name == "from 2024-03-11 to 2024-03-16"
    assert found.hours == words
    assert np.count_nonzero(found.events) == 6 * 30


def test_usual_days_daylight_saving_time_and_incomplete_days_are_none():
    assert displaced_days(log()) == []
    assert displaced_days(log(displaced=range(20, 40), hours=1)) == []
    whole = log()
    for part in (whole.times % DAY < 11 * HOUR, whole.times % DAY > 14 * HOUR):
        for day in (0, 20, 39):
            assert displaced_days(whole.where(((whole.times - START) // DAY != day) | part)) == []


def test_two_runs_are_two_findings():
    found = displaced_days(log(days=80, displaced=[5, 6, 7, 40, 41, 42], hours=8))
    assert sorted(each.name for each in found) == ["from 2024-03-06 to 2024-03-08", "from 2024-04-10 to 2024-04-12"]


@pytest.mark.parametrize(("hours", "found"), [(0, []), (2, []), (8, ["of type purchase"])])
def test_a_type_of_events_with_another_clock(hours, found):
    assert [each.name for each in displaced_types(log(types=lambda n: (n % 5 == 0).astype(int), hours=hours))] == found
    assert displaced_types(log(types=lambda n: n * 0, hours=hours)) == []


def test_the_best_run_is_that_of_a_search():
    rng = np.random.default_rng(1)
    for _ in range(50):
        gains = rng.normal(-0.3, 1, (4, 12))
        gains[:, rng.integers(12)] = -np.inf
        sums = {(s, a, b): gains[s, a : b + 1].sum() for s in range(4) for a in range(12) for b in range(a, 12)}
        assert _best_run(gains) == max(sums, key=sums.get)
    assert LEAST == 3
