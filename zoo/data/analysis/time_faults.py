"""Faults of times: stray times, mixed units, missing times of day, imports, and clocks that were displaced."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from zoo.data.analysis.displaced_clock import displaced_days, displaced_types
from zoo.data.analysis.fault import Fault, event_fault
from zoo.data.analysis.rhythm import DAY
from zoo.data.interactions import tied_with_previous
from zoo.data.log import Data

MIDNIGHTS = 0.005
"""Share of the events at midnight from which on they are reported."""
MOMENT = 0.003
"""Share of the events at one moment from which on it is reported, if they are of `MOMENT_USERS` users."""
MOMENT_USERS = 10
EARLIEST = np.datetime64("1990-01-01", "ms").astype(np.int64)
"""Shops on the web do not have earlier events."""
BULK = (0.01, 0.99)
"""Quantiles of the times since `EARLIEST` and before tomorrow between which they are taken for ordinary."""
UNITS = {"seconds": 1_000.0, "microseconds": 1e-3, "nanoseconds": 1e-6}
"""Other units than milliseconds, and the factor that gives milliseconds."""
SPLIT = "A split by time puts them at an end of the log: stray events become the training past or the whole test part."


def find_time_faults(data: Data) -> Iterator[Fault]:
    """Yield the faults of times."""
    if data.log.clock != "timestamp" or not len(data.log):
        return
    now = int(datetime.now(UTC).timestamp() * 1000) + DAY
    yield from _strays(data, now)
    dates_only = np.count_nonzero(data.log.times % DAY == 0) >= 0.95 * len(data.log)
    yield from _day_resolution(data) if dates_only else _moments(data)
    if not dates_only:
        yield from _clocks(data)


def _strays(data: Data, now: int) -> Iterator[Fault]:
    """Yield times in another unit, before all shops, and after `now`."""
    times = data.log.times
    mixed, unit = _other_units(times, now)
    early, late = (times < EARLIEST) & ~mixed, (times > now) & ~mixed
    remove = "correct or remove the rows; [data] until = <date> cuts those after a date"
    for name, which, words, remedy in (
        ("mixed-units", mixed, f"times that fit the others if they are {unit}", "write all times in one unit"),
        ("epoch-times", early, "events before 1990, as a missing time that was written as zero", remove),
        ("future-times", late, "events in the future", remove),
    ):
        if 0 < np.count_nonzero(which) < len(times) / 2:  # most events: a clock that counts from zero, for example
            yield event_fault(data, name, words, which, effect=SPLIT, remedy=remedy)


def _other_units(times: NDArray[np.int64], now: int) -> tuple[NDArray[np.bool_], str]:
    """Return which times are in the range of the ordinary ones in another unit, `[N]`, and the name of the units."""
    mixed, names = np.zeros(len(times), np.bool_), list[str]()
    ordinary = (times >= EARLIEST) & (times <= now)
    if not ordinary.all() and ordinary.any():
        low, high = np.quantile(times[ordinary], BULK)
        margin = max(float(high - low) / 10, DAY)
        for name, factor in UNITS.items():
            other = times * factor
            fits = ~ordinary & (other >= low - margin) & (other <= high + margin)
            mixed |= fits
            names += [name] * bool(fits.any())
    return mixed, " or ".join(names)


def _day_resolution(data: Data) -> Iterator[Fault]:
    """Yield that times are dates."""
    days = float(np.mean(tied_with_previous(data.log)))
    yield event_fault(
        data, "day-resolution", "times are days, without a time of day", data.log.times % DAY == 0,
        effect=f"The order within a day is unknown ({100 * days:.2g} % of the events share their user and day): sequence models learn "
        "from the order of rows if it is taken as one.",
        remedy='[data] ties = "together" (the default) keeps a day of a user whole',
    )  # fmt: skip


def _moments(data: Data) -> Iterator[Fault]:
    """Yield midnights among times of day, and many users at one moment."""
    log = data.log
    midnight = log.times % DAY == 0
    if np.count_nonzero(midnight) >= max(MIDNIGHTS * len(log), 3):
        yield event_fault(
            data, "midnight-times", "events exactly at midnight among others with a time of day", midnight,
            effect="Some rows have a date only: their order within the day, and hours as a feature, are wrong.",
            remedy="find out which system writes these rows, and whether their time can be had",
        )  # fmt: skip
    moments, counts = np.unique(log.times, return_counts=True)
    crowded = moments[(counts >= max(MOMENT * len(log), 20)) & (moments % DAY != 0) & (moments >= EARLIEST)]
    at = np.flatnonzero(np.isin(log.times, crowded)) if len(crowded) else np.zeros(0, np.int64)
    of = np.searchsorted(crowded, log.times[at])
    users = np.bincount(np.unique(of * log.n_users + log.users[at]) // log.n_users, minlength=len(crowded))
    events = at[users[of] >= MOMENT_USERS]
    if len(events):
        yield event_fault(
            data, "one-moment", "events of many users at one moment, as an import or a backfill writes them", events,
            effect="They did not happen together. A cut by time puts all of them on one side.",
            remedy="remove these rows, or give them their time",
        )  # fmt: skip


def _clocks(data: Data) -> Iterator[Fault]:
    """Yield days and types of events whose hours are those of the others, some hours earlier or later."""
    for name, groups in (("clock-jump", displaced_days(data.log)), ("shifted-event-type", displaced_types(data.log))):
        if groups:
            found = "; ".join(f"events {group.name} happen {group.hours} than the others" for group in groups)
            yield event_fault(
                data, name, f"{found}, as by another time zone or a clock that was set",
                np.logical_or.reduce([group.events for group in groups]),
                effect="The order of events across the change is wrong, and so are hours and pauses as features; sessions by idle time break.",
                remedy="find out when the clock or its time zone was changed, and write all times as UTC",
            )  # fmt: skip
