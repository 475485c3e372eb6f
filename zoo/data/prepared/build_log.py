"""Build the log of large files out of core, for `zoo.data.log`."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from zoo.config.experiment import DataSettings
from zoo.data.dataset import Notes
from zoo.data.event_types import event_codes, event_weights, refuse_event_settings
from zoo.data.files import FileTable
from zoo.data.log import UnfilteredLog, build_in_memory
from zoo.data.prepared.event_parts import EventParts, MixedParts
from zoo.data.prepared.sort_log import LogSorter, Rows
from zoo.data.schema import MappedTable
from zoo.machine_memory import available_memory

MOST_MEMORY, MEMORY_SHARE = 3 * 2**30, 0.4
"""The bytes that sorting may use, and the share of those that are available."""
MOST_TYPES = 256
"""The largest number of event types."""


@dataclass(frozen=True)
class OutOfCore:
    """Builds a log whose columns are files in a folder.

    Attributes:
        files: The files of the events.
        folder: The folder.
    """

    files: FileTable
    folder: Path

    def __call__(self, events: MappedTable, settings: DataSettings) -> UnfilteredLog:
        """Build the log; that of `build_in_memory`, event for event, but with the item numbers of the vocabulary.

        A table without a clock, with parts of different types, or with an error that only the whole table explains is read in
        memory.

        Raises:
            DataError: The table does not fit; the message names file, column, row and value.
        """
        if settings.time == "file-order":
            return build_in_memory(events, settings)
        parts = EventParts.of(events, self.files, settings.time)
        if "event" not in events.names:
            refuse_event_settings(events, settings)
        memory = int(min(MOST_MEMORY, MEMORY_SHARE * available_memory()))
        try:
            with LogSorter(parts, self.folder, memory, os.cpu_count() or 1) as sorter:
                if _must_be_explained(sorter.rows, settings):
                    return build_in_memory(events, settings)
                return _sort(sorter, parts, events, settings)
        except MixedParts:
            return build_in_memory(events, settings)


def _must_be_explained(rows: Rows, settings: DataSettings) -> bool:
    """Return whether the rows cannot be used as they are, so that reading them in memory raises the error."""
    lacks_ids = settings.null_ids == "error" and any(rows.without.values())
    return not rows.count or lacks_ids or None in rows.by_event or len(rows.by_event) > MOST_TYPES


def _sort(sorter: LogSorter, parts: EventParts, events: MappedTable, settings: DataSettings) -> UnfilteredLog:
    """Return the sorted log with its notes."""
    rows, names = sorter.rows, sorted(name for name in sorter.rows.by_event if name is not None)
    kept = list(names)
    if settings.events is not None:
        event_codes(settings.events, names, "data.events")
        kept = [name for name in names if name in settings.events]
    weights = dict(zip(names, event_weights(names, settings.event_weights), strict=True))
    notes: Notes = {"rows": rows.count}
    notes |= {f"left out: rows of {events.origin} without {name}": count for name, count in rows.without.items()}
    notes["times read as"] = parts.read_as
    notes |= {f"left out: event {name!r}": rows.by_event[name] for name in names if name not in kept}
    found = sorter.sort(kept, parts.clock, settings.ties, settings.salt)
    log = replace(found.log, event_weights=np.array([weights[name] for name in kept], np.float32), source=events)
    return UnfilteredLog(log, found.user_ids, found.item_ids, notes)
