"""What was read, in a few facts: events, users, items, the time range, and the rows that were left out."""

from __future__ import annotations

import numpy as np

from zoo.data.dataset import Notes
from zoo.data.filtering import find_exact_copies
from zoo.data.interactions import Interactions

LEFT_OUT = "left out: "
"""The start of the notes that count removed rows."""


def format_events(log: Interactions) -> str:
    """Return the size of a log: `1,500 events, 250 users, 300 items; 6 events per user (median); 2024-01-01T... to ...`."""
    return "; ".join(filter(None, [format_size(log), _format_median(log), format_period(log)]))


def format_size(log: Interactions) -> str:
    """Return the numbers of events, users and items."""
    return f"{len(log):,} events, {log.n_users:,} users, {log.n_items:,} items"


def format_period(log: Interactions) -> str:
    """Return the times of the first and the last event, in UTC; empty if the log has only an order."""
    if log.clock != "timestamp" or not len(log):
        return ""
    first, last = (np.datetime64(int(time), "ms").astype("M8[s]") for time in (log.times.min(), log.times.max()))
    return f"{first}Z to {last}Z"


def summarise_log(log: Interactions, notes: Notes) -> list[tuple[str, str]]:
    """Return what was read as pairs of a title and a text.

    Args:
        log: The log.
        notes: The notes from reading it.
    """
    if period := format_period(log):
        time = f"{period} (read as {notes['times read as']})" if "times read as" in notes else period
    else:
        time = f"none: the events are {'in the order of their rows' if log.clock == 'file-order' else 'ordered by position'}"
    summary = [
        ("rows", _format_count(notes.get("rows", len(log)))),
        ("events", f"{format_size(log)}; {_format_median(log)}"),
        ("time", time),
        ("left out", ", ".join(_left_out(notes)) or "nothing"),
    ]
    if log.clock == "timestamp" and (copies := int(np.count_nonzero(find_exact_copies(log)))):
        drop = '[data] duplicates = "drop-exact" drops them'
        summary.append(("copies", f"exact copies of another event, which are kept: {copies:,}; {drop}"))
    return summary


def _format_median(log: Interactions) -> str:
    """Return the median number of events per user."""
    return f"{np.median(log.lengths):g} events per user (median)" if log.n_users else ""


def _left_out(notes: Notes) -> list[str]:
    """Return the removed rows, by reason."""
    return [
        f"{name.removeprefix(LEFT_OUT)}: {_format_count(value)}"
        for name, value in notes.items()
        if name.startswith(LEFT_OUT) and value
    ]


def _format_count(value: int | str) -> str:
    """Return a number of rows."""
    return f"{value:,}" if isinstance(value, int) else value
