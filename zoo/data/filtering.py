"""Filters of the event log: an end date, a sample of the users, duplicate removal and the k-core."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from zoo.config.experiment import DataSettings, KCore
from zoo.data.dataset import Notes
from zoo.data.interactions import Interactions, tied_with_previous
from zoo.data.vocabulary import Vocabulary
from zoo.errors import DataError


def end_log(log: Interactions, settings: DataSettings, notes: Notes) -> Interactions:
    """End the log at `until`; count the removed events in `notes`.

    Raises:
        DataError: `until` is set, and the log has no timestamps.
    """
    if settings.until is not None:
        if log.clock != "timestamp":
            raise DataError(
                f"data.until = {settings.until:%Y-%m-%dT%H:%M:%SZ} needs timestamps, and the events are ordered by {log.clock} only. "
                "Remove it, or use a log with timestamps."
            )
        before = len(log)
        log = log.where(log.times < round(settings.until.timestamp() * 1000))
        notes["left out: events from data.until on"] = before - len(log)
    return log


def sample_users(log: Interactions, user_ids: pa.Array, settings: DataSettings, notes: Notes) -> Interactions:
    """Keep the events of at most `sample_users` users; count the removed events in `notes`.

    Args:
        log: The log.
        user_ids: The user ids in the order of its rows, `[U]`.
        settings: The settings of `[data]`.
        notes: Counts of removed events.
    """
    present = log.lengths > 0
    most = settings.sample_users
    if most is None or np.count_nonzero(present) <= most:
        return log
    drawn = Vocabulary.of(user_ids.filter(pa.array(present)), settings.salt).ids[1 : most + 1]
    of_sample = pc.is_in(user_ids, drawn).to_numpy(zero_copy_only=False)
    before = len(log)
    log = log.where(np.repeat(of_sample, log.lengths))
    notes["left out: users outside the sample"] = before - len(log)
    return log


def filter_log(log: Interactions, settings: DataSettings, notes: Notes) -> Interactions:
    """Filter the log by duplicates and k-core; count the removed events in `notes`."""
    if settings.duplicates != "keep":
        before = len(log)
        log = log.where(_drop_duplicates(log, settings.duplicates))
        notes["left out: duplicates"] = before - len(log)
    if settings.k_core != KCore():
        before = len(log)
        log = log.where(_k_core(log, settings.k_core))
        notes["left out: k-core"] = before - len(log)
    return log


def _drop_duplicates(log: Interactions, rule: str) -> NDArray[np.bool_]:
    """Return which events remain after duplicate removal, `[N]`."""
    if rule == "drop-exact":
        return ~find_exact_copies(log)
    pairs = _number_pairs(log)
    kept = np.zeros(len(log), np.bool_)
    if rule == "first":
        kept[np.unique(pairs, return_index=True)[1]] = True
    else:
        kept[len(log) - 1 - np.unique(pairs[::-1], return_index=True)[1]] = True
    return kept


def find_exact_copies(log: Interactions) -> NDArray[np.bool_]:
    """Return which events repeat an earlier one: the same user, item, time and event type, `[N]`."""
    if log.clock == "file-order":
        moments, among = log.users, np.arange(len(log))
    else:  # only events of one moment can be copies, and a log of millions has few of them
        tied = tied_with_previous(log)
        moments, among = np.cumsum(~tied), np.flatnonzero(tied | np.append(tied[1:], False))
    values = [each[among] for each in (log.events, log.items, moments)]
    order = np.lexsort(values)
    copies = np.zeros(len(log), np.bool_)
    copies[among[order[1:]]] = np.logical_and.reduce([np.diff(each[order]) == 0 for each in values])
    return copies


def _number_pairs(log: Interactions) -> NDArray[np.int64]:
    """Return a number for the user and the item of each event, `[N]`."""
    return log.users * (log.n_items + 1) + log.items


def _k_core(log: Interactions, core: KCore) -> NDArray[np.bool_]:
    """Return which events are in the k-core: each user and item has enough events within the result, `[N]`."""
    kept = np.arange(len(log))
    users, items = log.users, log.items
    while True:
        enough = (np.bincount(users, minlength=1)[users] >= core.user) & (
            np.bincount(items, minlength=1)[items] >= core.item
        )
        if enough.all():
            mask = np.zeros(len(log), np.bool_)
            mask[kept] = True
            return mask
        kept, users, items = kept[enough], users[enough], items[enough]
