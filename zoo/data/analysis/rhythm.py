"""When events happen: hours, weekdays, weeks, sessions by idle time, and items that come and go."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zoo.data.analysis.distributions import Distribution
from zoo.data.interactions import Interactions

DAY, HOUR, IDLE = 86_400_000, 3_600_000, 1_800_000
"""Milliseconds of a day, of an hour, and of the pause that ends a session (the usual 30 minutes of web analytics)."""
MOST_BINS = 400
"""Days are counted in weeks if there are more."""


@dataclass(frozen=True)
class Rhythm:
    """When events happen, in UTC.

    Attributes:
        hours: Events by hour of the day, 24.
        weekdays: Events by day of the week from Monday, 7.
        bin_days: The days of a bin of `events`.
        start: The date on which the first bin begins.
        events: Events per bin, over the whole span.
        trend: Events of the last quarter of the span, divided by those of the first.
    """

    hours: tuple[int, ...]
    weekdays: tuple[int, ...]
    bin_days: int
    start: str
    events: tuple[int, ...]
    trend: float


@dataclass(frozen=True)
class Sessions:
    """Sessions that a pause of 30 minutes ends.

    Attributes:
        count: Their number.
        single: The share of sessions with one event.
        events: Events per session.
        minutes: The median duration of the sessions with several events, in minutes.
    """

    count: int
    single: float
    events: Distribution
    minutes: float


@dataclass(frozen=True)
class Turnover:
    """Items that come and go, by calendar month.

    Attributes:
        months: The months, such as `2024-05`.
        active: Items with an event in the month.
        first: Items whose first event is in the month.
        last: Items whose last event is in the month.
    """

    months: tuple[str, ...]
    active: tuple[int, ...]
    first: tuple[int, ...]
    last: tuple[int, ...]


def measure_rhythm(log: Interactions) -> Rhythm | None:
    """Return when events happen; None without timestamps."""
    if log.clock != "timestamp" or not len(log):
        return None
    days = log.times // DAY
    first, last = _usual_days(log)
    width = 1 if last - first < MOST_BINS else 7 * max(1, int((last - first) // (7 * MOST_BINS)))
    inside = (days >= first) & (days <= last)
    events = np.bincount((days[inside] - first) // width, minlength=int((last - first) // width) + 1)
    quarter = max((last - first + 1) // 4, 1)
    begin, end = np.count_nonzero(inside & (days < first + quarter)), np.count_nonzero(inside & (days > last - quarter))
    return Rhythm(
        tuple(map(int, np.bincount(log.times % DAY // HOUR, minlength=24))),
        tuple(map(int, np.bincount((days + 3) % 7, minlength=7))),  # 1970-01-01 was a Thursday
        width,
        str(np.datetime64(int(first), "D")),
        tuple(map(int, events)),
        int(end) / max(int(begin), 1),
    )


def measure_sessions(log: Interactions) -> Sessions | None:
    """Return the sessions by idle time; None without timestamps or if times are days."""
    if log.clock != "timestamp" or not len(log) or float(np.mean(log.times % DAY == 0)) > 0.95:
        return None
    new = np.ones(len(log), np.bool_)
    new[1:] = np.diff(log.times) > IDLE
    new[log.offsets[:-1][log.lengths > 0]] = True
    starts = np.flatnonzero(new)
    ends = np.append(starts[1:], len(log)) - 1
    sizes = ends - starts + 1
    minutes = (log.times[ends] - log.times[starts])[sizes > 1] / 60_000
    return Sessions(
        len(starts),
        float(np.mean(sizes == 1)),
        Distribution.of(sizes),
        float(np.median(minutes)) if len(minutes) else 0.0,
    )


def measure_turnover(log: Interactions) -> Turnover | None:
    """Return the items that come and go; None without timestamps."""
    if log.clock != "timestamp" or not len(log):
        return None
    low, high = _usual_days(log)
    inside = (log.times >= low * DAY) & (log.times < (high + 1) * DAY)
    months = log.times[inside].astype("M8[ms]").astype("M8[M]").astype(np.int64)
    items = log.items[inside].astype(np.int64)
    start, n = int(months.min()), int(months.max() - months.min()) + 1
    at = np.sort((months - start) * (log.n_items + 1) + items)  # a sort is faster here than the hashes of np.unique
    at = at[np.diff(at, prepend=-1) != 0]
    month, item = at // (log.n_items + 1), at % (log.n_items + 1)
    first = month[np.unique(item, return_index=True)[1]]
    last = month[len(item) - 1 - np.unique(item[::-1], return_index=True)[1]]
    counted = [tuple(map(int, np.bincount(values, minlength=n))) for values in (month, first, last)]
    return Turnover(tuple(map(str, np.arange(start, start + n).astype("M8[M]"))), *counted)


def _usual_days(log: Interactions) -> tuple[int, int]:
    """Return the first and the last day, without the few days of stray times far away (epoch zero, years to come)."""
    days = np.sort(log.times // DAY)
    cut = int(0.01 * len(days))
    low, high = int(days[cut]), int(days[len(days) - 1 - cut])
    margin = max((high - low) // 2, 31)
    first, last = np.searchsorted(days, low - margin), np.searchsorted(days, high + margin, side="right") - 1
    return int(days[first]), int(days[last])
