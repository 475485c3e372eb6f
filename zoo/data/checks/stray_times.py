"""Check 11: a few events years away from all others."""

from __future__ import annotations

import numpy as np

from zoo.data.checks.checked_task import CheckedTask
from zoo.data.checks.finding import Check, Evidence, count_of

MIDDLE = (0.01, 0.99)
"""Quantiles of the times between which events are taken for ordinary."""
SPANS = 3
"""An event is stray if it is further from the ordinary ones than this many times their span, and than a year."""
DAY = 86_400_000
YEAR = 365 * DAY


def find(checked: CheckedTask) -> Evidence | None:
    """Return the number of events whose times are far from those of all others."""
    log = checked.log
    if log.clock != "timestamp" or not len(log):
        return None
    low, high = (int(share * (len(log) - 1)) for share in MIDDLE)
    ranks = [max(low, min(1, len(log) - 2)), high]  # in a short log too, the first event is none of the ordinary ones
    first, last = (int(time) for time in np.partition(log.times, ranks)[ranks])
    distance = max(SPANS * (last - first), YEAR)
    early, late = log.times < first - distance, log.times > last + distance
    stray = early | late
    if not stray.any():
        return None
    ordinary = log.times[~stray]
    event = int(np.flatnonzero(stray)[0])
    found = (
        f"{count_of(int(np.count_nonzero(stray)), len(log))} events are years away from the others, which run from "
        f"{_day(int(ordinary.min()))} to {_day(int(ordinary.max()))}. For example, user {checked.user_id(event)} has item "
        f"{checked.item_id(event)} at {checked.format_time(event)}."
    )
    remedies = []
    if late.any():
        after = _day(int(ordinary.max()) + DAY)
        remedies.append(f'[data] until = "{after}" drops the late ones ({np.count_nonzero(late):,})')
    if early.any():
        remedies.append(
            f"correct or remove the early ones ({np.count_nonzero(early):,}) in the file; a date in 1970 is often a missing "
            "time that was written as 0"
        )
    return Evidence(found, "; ".join(remedies))


def _day(time: int) -> str:
    """Return the date of a time."""
    return str(np.datetime64(time, "ms").astype("M8[D]"))


CHECK = Check(
    11,
    "stray-times",
    "a few events years away from all others",
    "An event with a date in the future is always in the test part of a `temporal` split and the last event of its user, and what is "
    "counted back from the last event, such as the default time of recommendations, starts there. An event with a date in the past "
    "is always in training, as the first of its user.",
    find,
)
