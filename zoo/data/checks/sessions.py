"""Check 3: sessions that the split divides, and users who are single sessions under leave-last-out."""

from __future__ import annotations

import numpy as np

from zoo.config.split_settings import LeaveLastOut
from zoo.data.checks.baskets import format_unit_remedy, is_reported
from zoo.data.checks.checked_task import CheckedTask
from zoo.data.checks.finding import Check, Evidence, count_of
from zoo.data.checks.unit_columns import SESSION_NAME
from zoo.data.schema import MappedTable

SHORT = 3_600_000
"""Milliseconds within which a single session ends."""
SINGLE = 0.9
"""Share of the users whose events lie within `SHORT` from which on the users are taken for sessions."""


def find(checked: CheckedTask) -> Evidence | None:
    """Return the column whose sessions the split divides for most users, or that the users are sessions."""
    column = next((column for column in checked.divided_columns if column.kind == "session"), None)
    if column is not None and is_reported(checked, column):
        return Evidence(
            f"The column {column.name!r} groups the events of a user to sessions, and the split divides them: for "
            f"{count_of(column.users, checked.n_test_users)} users with test events, the history has events of the session that "
            f"is tested. For example, {column.example}.",
            format_unit_remedy(checked, column),
        )
    split = checked.task.split
    if isinstance(split, LeaveLastOut) and split.unit == "event":
        return _find_single_sessions(checked)
    return None


def _find_single_sessions(checked: CheckedTask) -> Evidence | None:
    """Return that the users of a log are single sessions, by the name of their column or by their times."""
    log = checked.log
    own = log.source.names.get("user_id", "") if isinstance(log.source, MappedTable) else ""
    rows = np.flatnonzero(log.lengths > 1)
    counted = ""
    if log.clock == "timestamp" and len(rows):
        spans = log.times[log.offsets[rows + 1] - 1] - log.times[log.offsets[rows]]
        short = int(np.count_nonzero((spans > 0) & (spans < SHORT)))
        counted = f"the events of {count_of(short, len(rows))} users lie within an hour"
        if short < SINGLE * len(rows) or int(log.times.max() - log.times.min()) < 10 * SHORT:
            return None
    elif not SESSION_NAME.search(own):
        return None
    column = own or "the column of the users"
    parts = '[split] policy = "temporal"' if log.clock == "timestamp" else '[split] policy = "given"'
    return Evidence(
        f"The users seem to be single sessions: {counted or f'user_id is the column {own!r}'}. leave-last-out tests the last "
        f"event of each, and trains on sessions that happened after it.",
        f'[data] columns = {{ session_id = "{column}" }}, without user_id; {parts}, unit = "session"',
    )


CHECK = Check(
    3,
    "sessions",
    "sessions that the split divides, and users who are single sessions under `leave-last-out`",
    "The first half of a session gives the second half away, and later sessions show what is popular at the time of the test: models "
    'that follow the last item gain, and models of a user\'s taste lose. With `unit = "session"`, each event of a test session is '
    "predicted from the events before it.",
    find,
)
