"""Defects of times: strays, other units, missing times of day, imports, and displaced clocks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from defects.kind import FINDING, SHARES, Kind, Plant, Planted, some_rows
from defects.shop import DAY, HOUR, Shop


def at_rows(change: Callable[[np.ndarray], np.ndarray]) -> Plant:
    """Return a function that changes the times of some rows."""

    def plant(shop: Shop, share: float, rng: np.random.Generator) -> Planted:
        rows, times = some_rows(shop, share, rng), shop.times.copy()
        times[rows] = change(times[rows])
        return Planted.of(shop.set_events(timestamp=pa.array(times.astype("M8[ms]"))), rows)

    return plant


def days_at_midnight(shop: Shop, share: float, rng: np.random.Generator) -> Planted:
    """Remove the time of day on some days."""
    days = shop.times // DAY
    distinct = np.unique(days)
    on = np.isin(days, rng.choice(distinct, max(round(share * len(distinct)), 1), replace=False))
    return Planted.of(shop.set_events(timestamp=np.where(on, days * DAY, shop.times)), np.flatnonzero(on))


def dates_only(shop: Shop, share: float, rng: np.random.Generator) -> Planted:
    """Remove the time of day of most rows."""
    rows, times = some_rows(shop, share, rng), shop.times.copy()
    times[rows] -= times[rows] % DAY
    return Planted.of(shop.set_events(timestamp=times), FINDING)


def import_at_one_moment(shop: Shop, share: float, rng: np.random.Generator) -> Planted:
    rows, times = some_rows(shop, share, rng), shop.times.copy()
    times[rows] = int(np.median(times)) // 1000 * 1000 + 7_000
    return Planted.of(shop.set_events(timestamp=times), rows)


def clock_set_later(shop: Shop, days: float, rng: np.random.Generator) -> Planted:
    """Write the times of a run of days eight hours later."""
    distinct = np.unique(shop.times // DAY)
    first = int(rng.integers(len(distinct) // 4, len(distinct) // 2))
    on = np.isin(shop.times // DAY, distinct[first : first + int(days)])
    return Planted.of(shop.set_events(timestamp=shop.times + on * 8 * HOUR), np.flatnonzero(on))


def type_in_local_time(shop: Shop, hours: float, rng: np.random.Generator) -> Planted:
    """Write one type of events, never the most frequent one, in another time zone."""
    names, counts = np.unique(shop.values("event").astype(str), return_counts=True)
    on = shop.values("event") == names[counts.argmin()]
    return Planted.of(shop.set_events(timestamp=shop.times + on * round(hours) * HOUR), np.flatnonzero(on))


KINDS = (
    Kind("times of zero", "{:.1%} of the rows on 1970-01-01", "events", ("report: epoch-times", "clean: time-defects"), at_rows(lambda t: t % HOUR), SHARES),
    Kind("times in the future", "{:.1%} of the rows 50 years later", "events", ("report: future-times", "clean: time-defects"), at_rows(lambda t: t + 50 * 365 * DAY), SHARES),
    Kind("times long ago", "{:.1%} of the rows 60 years earlier", "events", ("report: epoch-times", "clean: time-defects"), at_rows(lambda t: t - 60 * 365 * DAY), SHARES),
    Kind("years too early", "{:.1%} of the rows 10 years earlier", "events", ("clean: time-defects",), at_rows(lambda t: t - 10 * 365 * DAY), SHARES),
    Kind("seconds among milliseconds", "{:.1%} of the rows", "events", ("report: mixed-units", "clean: time-defects"), at_rows(lambda t: t // 1000), SHARES),
    Kind("midnights", "{:.1%} of the rows without a time of day", "events", ("report: midnight-times",), at_rows(lambda t: t - t % DAY), (0.01, 0.04, 0.16)),
    Kind("days at midnight", "{:.1%} of the days without times of day", "events", ("report: midnight-times",), days_at_midnight, (0.02, 0.05, 0.2)),
    Kind("dates only", "{:.1%} of the rows without a time of day", "finding", ("report: day-resolution",), dates_only, (0.96, 0.98, 1.0)),
    Kind("import at one moment", "{:.1%} of the rows", "events", ("report: one-moment",), import_at_one_moment, SHARES),
    Kind("clock set 8 hours later", "for {:.0f} days", "events", ("report: clock-jump",), clock_set_later, (3, 10, 30)),
    Kind("local times of one event type", "{:.0f} hours later than the others", "events", ("report: shifted-event-type",), type_in_local_time, (5, 8, 10)),
)  # fmt: skip
