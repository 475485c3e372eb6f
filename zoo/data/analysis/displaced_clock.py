"""Events whose clock was displaced by some hours: a likelihood ratio over hours of the day.

Gschwandtner, Gärtner, Aigner & Miksch (A taxonomy of dirty time-oriented data, CD-ARES 2012) name displaced clocks and mixed
time zones as defects. They leave each time valid, and only the daily rhythm shows them: the hours of a group of events are
compared with those of all other events, as they are and displaced by 3 to 21 hours. Fewer hours are left out, because daylight
saving time and weekends move the hours of people by as much. A displaced clock lasts for some days, so that the run of days with
the largest ratio is taken (Kulldorff: A spatial scan statistic. Communications in Statistics 26, 1997).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo.data.interactions import Interactions

HOUR = 3_600_000
GAIN = (20.0, 0.35)
"""Logarithm of the likelihood ratio from which on a group is displaced: in all, and per hour of a user. A log of ten years has six
million runs of days, so that chance alone gives 20 once in a hundred reports."""
EVENLY = 0.1
"""Share of the events that may happen at any hour, so that single events at unusual hours are no evidence."""
LEAST = 3
"""Hours below which a displacement is left out."""
PART = 2
"""Days up to which a run may be an incomplete day."""
RUNS = 3
"""The most runs of days that are reported."""


@dataclass(frozen=True, eq=False)
class Displaced:
    """Events with a displaced clock.

    Attributes:
        events: Which events they are, `[N]` bool.
        name: The days or the type of events, in a phrase.
        hours: By how much, in a phrase: `5 hours later`.
    """

    events: NDArray[np.bool_]
    name: str
    hours: str


def displaced_days(log: Interactions) -> list[Displaced]:
    """Return runs of days (UTC) whose clock was displaced."""
    days, group = np.unique(log.times // (24 * HOUR), return_inverse=True)
    counts = _hours_of_users(log, group, len(days))
    gains, found = _gains(counts), list[Displaced]()
    for _ in range(RUNS):
        shift, first, last = _best_run(gains)
        run = slice(first, last + 1)
        own, usual = counts[run].sum(axis=0), counts.sum(axis=0)
        if not _is_displaced(gains[shift, run].sum(), own, usual, may_be_part=last - first < PART):
            break
        gains[:, run] = -np.inf
        ends = days[[first, last]].astype("M8[D]")
        name = f"on {ends[0]}" if first == last else f"from {ends[0]} to {ends[1]}"
        found.append(Displaced((group >= first) & (group <= last), name, _format_hours(shift)))
    return found


def displaced_types(log: Interactions) -> list[Displaced]:
    """Return types of events whose clock is displaced against that of the other types; never the most frequent one."""
    n = len(log.event_names)
    counts = _hours_of_users(log, log.events.astype(np.int64), n)
    gains, usual = _gains(counts), counts.sum(axis=0)
    return [
        Displaced(log.events == code, f"of type {log.event_names[code]}", _format_hours(int(gains[:, code].argmax())))
        for code in range(n)
        if code != counts.sum(axis=1).argmax()
        and _is_displaced(gains[:, code].max(), counts[code], usual, may_be_part=True)
    ]


def _is_displaced(gain: float, own: NDArray[np.float64], usual: NDArray[np.float64], *, may_be_part: bool) -> bool:
    """Return whether a displacement explains the hours of some events better than nothing, or a part of a day, does.

    Args:
        gain: The logarithm of the likelihood ratio of the displacement.
        own: The hours of these events, `[24]`.
        usual: Those of all events, `[24]`.
        may_be_part: Whether the events may be usual ones of a part of the day: of the last day, or before an outage.
    """
    total, rest = own.sum(), usual - own
    if not total or total > rest.sum():
        return False
    if may_be_part:
        hours = np.flatnonzero(own)
        inside = (EVENLY / 24 + (1 - EVENLY) * rest / rest.sum())[hours[0] : hours[-1] + 1]
        gain += float(total * np.log(inside.sum()))
    return bool(gain >= max(GAIN[0], GAIN[1] * total))


def _hours_of_users(log: Interactions, group: NDArray[np.int64], n: int) -> NDArray[np.float64]:
    """Return the hours of the day of each group, `[G, 24]`: an hour counts once for a user, who has many events in it."""
    hours, users = log.times // HOUR, log.users
    new = np.ones(len(log), np.bool_)
    new[1:] = (np.diff(users) != 0) | (np.diff(hours) != 0) | (np.diff(group) != 0)
    return np.bincount(group[new] * 24 + hours[new] % 24, minlength=24 * n).reshape(n, 24).astype(np.float64)


def _gains(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the logarithm of the likelihood ratio of each displacement, from `LEAST` hours on, for each group, `[S, G]`."""
    others = counts.sum(axis=0) - counts
    usual = np.log(EVENLY / 24 + (1 - EVENLY) * others / np.maximum(others.sum(axis=1, keepdims=True), 1))
    shifts = range(LEAST, 24 - LEAST + 1)
    return np.stack([(counts * (np.roll(usual, shift, axis=1) - usual)).sum(axis=1) for shift in shifts])


def _best_run(gains: NDArray[np.float64]) -> tuple[int, int, int]:
    """Return the displacement and the first and last group of the run with the largest sum, given the gains `[S, G]`."""
    sums = np.zeros((len(gains), gains.shape[1] + 1))
    np.cumsum(np.maximum(gains, -1e9), axis=1, out=sums[:, 1:])
    before = np.minimum.accumulate(sums[:, :-1], axis=1)
    shift, last = np.unravel_index(np.argmax(sums[:, 1:] - before), gains.shape)
    return int(shift), int(np.argmin(sums[shift, : last + 1])), int(last)


def _format_hours(shift: int) -> str:
    """Return a displacement, counted from `LEAST`, in a phrase."""
    hours = shift + LEAST
    return f"{hours} hours later" if hours <= 12 else f"{24 - hours} hours earlier"
