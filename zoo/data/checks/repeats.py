"""Check 4: repeated rows among the targets while seen items may be recommended."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo.data.checks.checked_task import CheckedTask
from zoo.data.checks.finding import Check, Evidence, count_of
from zoo.data.event_types import event_codes
from zoo.data.units import number_moments

LIMIT = 0.02
"""Share of the target events from which on this is reported."""
CLOSE = 1_000
"""Milliseconds between an event and its copy, if the log has timestamps."""
RATIO = 3.0
"""Without timestamps: repeats of the previous event, divided by repeats of the event before it. Customers who return to an item also
do so after another one; rows that are written twice are not."""


def find(checked: CheckedTask) -> Evidence | None:
    """Return the share of target events that copy an event of their history."""
    if checked.task.exclude_seen is True:
        return None
    targets = int(np.count_nonzero(checked.is_target))
    copies = _copies(checked)
    if isinstance(checked.task.exclude_seen, list):  # the copy marks its item as seen, so that it is not a target
        copies &= ~np.isin(
            checked.log.events,
            event_codes(checked.task.exclude_seen, checked.log.event_names, "evaluate.exclude_seen"),
        )
    n = int(np.count_nonzero(copies))
    if not n or n < LIMIT * targets:
        return None
    timed = checked.log.clock == "timestamp"
    if not timed and n < RATIO * np.count_nonzero(_repeats(checked, 2)):
        return None
    event = int(np.flatnonzero(copies)[0])
    found = (
        f"{count_of(n, targets)} target events are copies of an event of their history: the same user, item and event type, "
        f"{'less than a second apart' if timed else 'one row after the other'}. For example, user {checked.user_id(event)} has "
        f"item {checked.item_id(event)} twice, the second time at {checked.format_time(event)}."
    )
    exact = timed or checked.log.clock == "file-order"
    drop = '[data] duplicates = "drop-exact"' if exact else '[data] duplicates = "last"'
    return Evidence(found, f"{drop}, or [evaluate] exclude_seen = true")


def _copies(checked: CheckedTask) -> NDArray[np.bool_]:
    """Return the targets that copy an event of their history, `[N]`."""
    log = checked.log
    copies = _repeats(checked, 1)
    if log.clock != "timestamp":
        return copies
    copies[1:] &= log.times[1:] - log.times[:-1] <= CLOSE
    moment = number_moments(log)
    at = np.flatnonzero(
        np.bincount(moment)[moment] > 1
    )  # events with mates at the same moment, which need not be neighbours
    if len(at):
        width = len(log.event_names) * (log.n_items + 1)
        key = moment[at] * width + log.events[at].astype(np.int64) * (log.n_items + 1) + log.items[at]
        group = np.full(len(log), -1, np.int64)
        pairs, group[at] = np.unique(key, return_inverse=True)
        copies |= checked.beside_history(group, len(pairs))
    return copies


def _repeats(checked: CheckedTask, back: int) -> NDArray[np.bool_]:
    """Return the targets that repeat the event `back` places before, if this is in their history, `[N]`."""
    log, users = checked.log, checked.users
    same = (users[back:] == users[:-back]) & (log.items[back:] == log.items[:-back])
    same &= log.events[back:] == log.events[:-back]
    before = checked.known[:-back].copy()
    if checked.asks_within:
        steps = checked.task.units.steps
        before |= checked.is_target[:-back] & (steps[:-back] < steps[back:])
    repeats = np.zeros(len(log), np.bool_)
    repeats[back:] = same & before & checked.is_target[back:]
    return repeats


CHECK = Check(
    4,
    "repeats",
    "rows that occur twice, while seen items may be recommended",
    "The copy in the history names the target. A model that recommends what the user had last (`personal-popular`, `transition-graph`) "
    "gains what no customer bought: doubling each last event lifts `personal-popular` from .00 to .14.",
    find,
)
