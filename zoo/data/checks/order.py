"""Check 6: a split by order on rows that are not in the order of time."""

from __future__ import annotations

import numpy as np

from zoo.config.split_settings import LeaveLastOut
from zoo.data.checks.checked_task import CheckedTask
from zoo.data.checks.finding import Check, Evidence, count_of

SORTED = 0.9
"""Share of the users whose items ascend from which on the rows are taken for sorted by item."""
LONG = 5
"""Events of the users that are counted; a shorter history ascends by chance."""
FEWEST_USERS = 20
"""Number of such users that are needed."""


def find(checked: CheckedTask) -> Evidence | None:
    """Return the share of users whose events are sorted by item id, if the split reads their order."""
    log, split = checked.log, checked.task.split
    if log.clock == "timestamp" or not (isinstance(split, LeaveLastOut) or split_reads_order(checked)):
        return None
    long = log.lengths >= LONG
    if np.count_nonzero(long) < FEWEST_USERS:
        return None
    rank = _order_of_ids(checked)
    falls = np.zeros(len(log), np.bool_)
    falls[1:] = (rank[log.items[1:]] < rank[log.items[:-1]]) & (checked.users[1:] == checked.users[:-1])
    ascending = np.bincount(checked.users[falls], minlength=log.n_users) == 0
    n, users = int(np.count_nonzero(ascending & long)), int(np.count_nonzero(long))
    if n < SORTED * users:
        return None
    example = int(log.offsets[int(np.flatnonzero(ascending & long)[0])])
    found = (
        f"The rows are sorted by item, not by time: the items of {count_of(n, users)} users with {LONG} or more events ascend "
        f"by id, for example those of user {checked.user_id(example)}."
    )
    return Evidence(
        found, '[data] columns = { timestamp = ... } if there are times, else [split] policy = "strong-generalisation"'
    )


def split_reads_order(checked: CheckedTask) -> bool:
    """Return whether the targets of a query depend on the order of a user's events."""
    targets = getattr(checked.task.split, "targets", "all")
    return targets in ("first", "each")


def _order_of_ids(checked: CheckedTask) -> np.ndarray:
    """Return the place of each item in the order of the ids, `[I]`: by number if all ids are numbers, else by text."""
    ids = checked.task.catalogue.ids[1:].to_pylist()
    keys = np.array([int(i) for i in ids]) if all(i.isdecimal() for i in ids) else np.array(ids)
    rank = np.zeros(len(ids) + 1, np.int64)
    rank[1 + np.argsort(keys, kind="stable")] = np.arange(len(ids))
    return rank


CHECK = Check(
    6,
    "order",
    "a split by order on rows that are not in the order of time",
    "The last event of a user is then the item with the largest id, the same few items for many users. Models that favour these items "
    "(`popular`, networks over sequences) gain, and no model is tested on what customers did next.",
    find,
)
