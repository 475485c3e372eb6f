"""Check 11: events years away from all others."""

import numpy as np
import pytest

from zoo.data.checks.all_checks import check_task
from zoo.data.checks.stray_times import CHECK, DAY

YEAR_2024 = 19_723


def shop(*stray, days=366, users=60, length=10):
    """Return events of 2024, of which the first few have the given dates."""
    rng = np.random.default_rng(0)
    times = (YEAR_2024 + rng.integers(0, days, users * length)) * DAY + rng.integers(0, DAY, users * length)
    times[-1] = (YEAR_2024 + days - 1) * DAY
    times[: len(stray)] = [int(np.datetime64(date, "ms").astype(np.int64)) for date in stray]
    return {
        "user_id": [f"u{n}" for n in np.repeat(np.arange(users), length)],
        "item_id": [f"i{n}" for n in rng.integers(0, 40, users * length)],
        "timestamp": times,
    }


def test_events_of_the_future_and_of_1970_are_found(found):
    events = shop("1970-01-01", "2099-12-31", "2099-12-31")
    finding = found(events)["stray-times"]
    assert finding.number == 11
    assert finding.found.startswith(
        "3 of 600 (0.5 %) events are years away from the others, which run from 2024-01-01 to 2024-12-31. For example, user "
    )
    assert f"has item {events['item_id'][0]!r} at 1970-01-01T00:00:00Z." in finding.found
    assert finding.remedy == (
        '[data] until = "2025-01-01" drops the late ones (2); correct or remove the early ones (1) in the file; '
        "a date in 1970 is often a missing time that was written as 0"
    )
    assert finding.effect == CHECK.effect


@pytest.mark.parametrize("users", [10, 3])
@pytest.mark.parametrize("date", ["1970-01-01", "2099-12-31"])
def test_one_stray_event_of_a_short_log_is_found(found, users, date):
    finding = found(shop(date, users=users))["stray-times"]
    assert finding.found.startswith(f"1 of {10 * users} ")


def test_the_remedy_is_silent(found):
    events = shop("2099-12-31")
    assert "stray-times" in found(events)
    assert found(events, data={"until": "2025-01-01"}) == {}


@pytest.mark.parametrize(
    "events",
    [
        shop(),
        shop("2022-06-01", "2026-06-01"),  # a year and a half away, and the log has one year
        shop("2023-03-01", "2024-11-01", days=2),  # many times the span of the others away, and less than a year
        shop(*["2099-12-31"] * 12),  # one event in fifty is no slip
    ],
    ids=["clean", "within three spans", "within a year", "many"],
)
def test_what_is_not_far_or_not_rare_is_silent(found, events):
    assert found(events) == {}


def test_an_order_without_times_is_silent(found):
    events = shop()
    events["position"] = np.arange(600) + 10**9 * (np.arange(600) == 0)
    del events["timestamp"]
    assert "stray-times" not in found(events, split={"policy": "leave-last-out"})


def test_a_log_of_one_moment_is_silent(task_on):
    events = {**shop(), "timestamp": np.full(600, YEAR_2024 * DAY)}
    task = task_on(events, split={"policy": "strong-generalisation"})
    assert "stray-times" not in {finding.name for finding in check_task(task)}
