"""Check 1: test events that happened at the same moment as events of their history."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo.config.split_settings import Given, StrongGeneralisation
from zoo.data.checks.checked_task import CheckedTask
from zoo.data.checks.finding import Check, Evidence, count_of
from zoo.data.units import number_moments

LIMIT = 0.01
"""Share of the test users from which on this is reported."""


def find(checked: CheckedTask) -> Evidence | None:
    """Return the share of users with a test event that has mates at the same moment in its history."""
    log, split = checked.log, checked.task.split
    if log.clock == "file-order" or isinstance(split, StrongGeneralisation):
        return None
    moments = number_moments(log)
    if not len(log) or moments[-1] == len(log) - 1:
        return None
    divided = checked.beside_history(moments, int(moments[-1]) + 1)
    if log.ties == "file" and split.targets == "first":
        divided |= _first_by_file_order(checked, moments)
    users = checked.count_users(divided)
    if not users or users < LIMIT * checked.n_test_users:
        return None
    example = int(np.flatnonzero(divided)[0])
    mates = int(np.count_nonzero(moments == moments[example]))
    found = (
        f"The split divides moments: {count_of(users, checked.n_test_users)} users with test events have one at the same "
        f"moment as an event of its history. For example, user {checked.user_id(example)} has {mates} events at "
        f"{checked.format_time(example)}."
    )
    if log.ties == "file":
        return Evidence(found, '[data] ties = "together"')
    if not isinstance(split, Given):  # two baskets at one time: the columns order them
        return None
    return Evidence(
        found,
        f'[split] policy = "temporal", or give all events of a moment the same value in the column {split.column!r}',
    )


def _first_by_file_order(checked: CheckedTask, moments: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return the first target of each user if other targets happened at the same moment, `[N]`."""
    events = np.flatnonzero(checked.is_target)
    first = events[np.diff(checked.users[events], prepend=-1) > 0]
    per_moment = np.bincount(moments[events], minlength=int(moments[-1]) + 1)
    found = np.zeros(len(moments), np.bool_)
    found[first[per_moment[moments[first]] > 1]] = True
    return found


CHECK = Check(
    1,
    "ties",
    "test events at the same moment as events of their history",
    "Within a moment, the order of the rows in the file decides which event is tested. If the file is sorted by item, popularity or "
    "rating, a model gains or loses by this order alone: on ml-100k it moves `popular` from .04 to .16 hit@10.",
    find,
)
