"""Build the event log from tables: map, sort, filter and number. Everything that is removed is counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from zoo.config.chosen import Chosen
from zoo.config.experiment import DataSettings
from zoo.config.split_settings import UNIT_COLUMNS, Split
from zoo.data.catalogue import Catalogue
from zoo.data.cleaning import CleanLog, clean_log
from zoo.data.clock import choose_clock, parse_times
from zoo.data.dataset import Notes, Tables
from zoo.data.event_types import event_codes, event_weights, read_event_types
from zoo.data.filtering import end_log, filter_log, sample_users
from zoo.data.ids_of_tables import build_catalogue, build_users, read_ids
from zoo.data.interactions import Interactions, tied_with_previous
from zoo.data.log_summary import format_events
from zoo.data.schema import MappedTable
from zoo.data.units import order_ties
from zoo.data.user_table import UserTable
from zoo.errors import DataError


@dataclass(frozen=True, eq=False, repr=False)
class Data:
    """An event log with its catalogue, as read by the settings of `[data]`.

    Attributes:
        log: The events after filtering.
        catalogue: The items of the log and of the item table.
        user_ids: The user ids as in the data, in the order of the log's rows, `[U]`.
        notes: Counts of removed rows, and other remarks for reports.
        settings: The settings of `[data]` that `read_log` used; None for data that were read in another way.
        moments: The cuts of a temporal split in the log before its cleaners, UTC milliseconds; empty without cleaners.
        users: The columns of the users; None without a user table.
    """

    log: Interactions
    catalogue: Catalogue
    user_ids: pa.Array
    notes: Notes
    settings: DataSettings | None = None
    moments: tuple[int, ...] = ()
    users: UserTable | None = None

    def __repr__(self) -> str:
        """Return the size of the log, its time range and its notes."""
        noted = [f"{name}: {value}" for name, value in self.notes.items() if name not in ("events", "users", "items")]
        return f"Data({'; '.join([format_events(self.log), *noted])})"


@dataclass(frozen=True, eq=False)
class UnfilteredLog:
    """A log before it is filtered.

    Attributes:
        log: The events, with provisional item numbers.
        user_ids: The user ids in the order of the log's rows.
        item_ids: The item ids in the order of the provisional numbers, from 1.
        notes: Counts of the rows that were left out.
    """

    log: Interactions
    user_ids: pa.Array
    item_ids: pa.Array
    notes: Notes


BuildLog = Callable[[MappedTable, DataSettings], UnfilteredLog]
"""Builds a log from the table of the events."""


@dataclass(frozen=True, eq=False)
class ReadEvents:
    """The events of a table after the cleaners, before further filters and before items are numbered.

    Attributes:
        table: The event table.
        clean: The log with provisional item numbers, and what the cleaners removed.
        users: The user ids, in the order of the log's rows, `[U]`.
        items: The item ids, in the order of their provisional numbers from 1, `[I - 1]`.
        notes: Counts of removed rows.
    """

    table: MappedTable
    clean: CleanLog
    users: pa.Array
    items: pa.Array
    notes: Notes


def read_data(
    tables: Tables,
    settings: DataSettings,
    *,
    sessions_as_users: bool = False,
    cleaners: Sequence[Chosen] | None = None,
    split: Split | None = None,
    build_log: BuildLog | None = None,
) -> Data:
    """Build an event log and a catalogue from tables.

    Args:
        tables: The events and, optionally, the items and the users.
        settings: The settings of `[data]`.
        sessions_as_users: Whether the sessions are the users if the events have no `user_id`.
        cleaners: The cleaners of `[data]`; by default they are looked up among the installed plugins.
        split: The policy, whose last cut in time bounds what cleaners learn from.
        build_log: Builds the log before it is filtered; in memory by default.

    Raises:
        DataError: The tables do not fit; the message names file, column, row and value.
    """
    read = read_events(
        tables, settings, sessions_as_users=sessions_as_users, cleaners=cleaners, split=split, build_log=build_log
    )
    log, users, items, notes, origin = read.clean.log, read.users, read.items, read.notes, read.table.origin
    if settings.duplicates != "keep":  # the order of copies decides which one remains
        log = order_ties(log, columns=tuple(UNIT_COLUMNS.values()))
    log = filter_log(log, settings, notes)
    if not len(log):
        counted = "; ".join(f"{name}: {value}" for name, value in notes.items() if isinstance(value, int) and value)
        raise DataError(
            f"{origin}: no event is left ({counted}). Relax data.events, data.until, data.clean, data.k_core "
            "or data.null_ids (in Python, the keywords of `read_log`)."
        )
    present = log.lengths > 0
    log = replace(log, offsets=np.concatenate([[0], np.cumsum(log.lengths[present])]))
    replaced = items.filter(pa.array(read.clean.items[1:] != np.arange(1, len(items) + 1)))
    logged = items.take(pa.array(np.flatnonzero(log.known[1:])))
    vocabulary, catalogue = build_catalogue(tables, settings, logged, notes, replaced)
    number = np.concatenate([[0], vocabulary.numbers(items)]).astype(np.int32)
    if not np.array_equal(number, np.arange(len(number))):
        log = replace(log, items=number[log.items])
    log = order_ties(replace(log, n_items=len(vocabulary) - 1))
    notes |= {"events": len(log), "users": log.n_users, "items": log.n_items}
    notes["items without an event"] = log.n_items - int(np.count_nonzero(log.known))
    if log.clock != "file-order":
        notes["events at the same time as the one before"] = int(np.count_nonzero(tied_with_previous(log)))
    user_ids = users.filter(pa.array(present))
    user_table = build_users(tables, settings, user_ids, notes)
    notes = {name: v for name, v in notes.items() if v}
    return Data(log, catalogue, user_ids, notes, moments=read.clean.moments, users=user_table)


def read_events(
    tables: Tables,
    settings: DataSettings,
    *,
    sessions_as_users: bool = False,
    cleaners: Sequence[Chosen] | None = None,
    split: Split | None = None,
    build_log: BuildLog | None = None,
) -> ReadEvents:
    """Read the events of tables and apply the cleaners; the arguments and errors are those of `read_data`."""
    events = map_events(tables, settings, sessions_as_users=sessions_as_users)
    built = (build_log or build_in_memory)(events, settings)
    log, users, items, notes = built.log, built.user_ids, built.item_ids, built.notes
    if sessions_as_users and "session_id" in events.names and events.names["user_id"] == events.names["session_id"]:
        notes["users are"] = "sessions"
    log = sample_users(end_log(log, settings, notes), users, settings, notes)
    clean = clean_log(log, tables, settings, (users, items), notes, cleaners=cleaners, split=split)
    return ReadEvents(events, clean, users, items, notes)


def map_events(tables: Tables, settings: DataSettings, *, sessions_as_users: bool = False) -> MappedTable:
    """Return the table of the events under its canonical column names.

    Args:
        tables: The tables.
        settings: The settings of `[data]`.
        sessions_as_users: Whether the sessions are the users if the events have no `user_id`.

    Raises:
        DataError: The mapping does not fit the table.
    """
    events = MappedTable.of(
        tables.interactions, settings.columns, "data.columns", tables.interactions_from, tables.interactions_place
    )
    if "user_id" in events.names or "session_id" not in events.names:
        return events
    if not sessions_as_users:
        try:
            events.require("user_id")
        except DataError as error:
            raise DataError(
                f'{error} If the sessions have no users, split.unit = "session" makes each session a user.'
            ) from None
    return replace(events, names={"user_id": events.names["session_id"], **events.names})


def build_in_memory(events: MappedTable, settings: DataSettings) -> UnfilteredLog:
    """Build a log that fits into memory.

    Raises:
        DataError: The table does not fit; the message names file, column, row and value.
    """
    for name in ("user_id", "item_id"):
        events.require(name)
    clock = choose_clock(events, settings.time)
    needed = ["user_id", "item_id", *([] if clock == "file-order" else [clock])]
    table = events.select([*needed, *(["event"] if "event" in events.names else [])])
    if not table.num_rows:
        raise DataError(f"{events.origin}: the table has no rows, expected one row per event. Choose another file.")
    notes: Notes = {"rows": table.num_rows}
    users, items = read_ids(events, table, ["user_id", "item_id"], settings, notes)
    times = parse_times(events, None if clock == "file-order" else table.column(clock), clock)
    notes["times read as"] = times.read_as
    codes, event_names = read_event_types(events, table, settings)
    weights = event_weights(event_names, settings.event_weights)
    del table
    kept = (users.codes >= 0) & (items.codes >= 0)
    wanted = np.ones(len(event_names), np.bool_)
    if settings.events is not None:
        wanted[:] = False
        wanted[event_codes(settings.events, event_names, "data.events")] = True
        by_type = np.bincount(codes[kept], minlength=len(event_names))
        notes |= {
            f"left out: event {n!r}": int(c) for n, c, w in zip(event_names, by_type, wanted, strict=True) if not w
        }
        kept &= wanted[codes]
    rows = None if kept.all() else np.flatnonzero(kept)
    recoded = (np.cumsum(wanted) - 1).astype(np.uint8)
    log = Interactions.from_arrays(
        _take_rows(users.codes, rows),
        _take_rows(items.codes, rows) + np.int32(1),
        None if times.values is None else _take_rows(times.values, rows),
        n_items=len(items.unique),
        n_users=len(users.unique),
        events=recoded[_take_rows(codes, rows)],
        event_names=[n for n, w in zip(event_names, wanted, strict=True) if w],
        event_weights=[float(v) for v in weights[wanted]],
        clock=clock,
        source=events,
        ties=settings.ties,
    )
    if rows is not None and log.rows is not None:
        log = replace(log, rows=rows[log.rows])
    return UnfilteredLog(log, users.unique, items.unique, notes)


def _take_rows(values: NDArray[Any], rows: NDArray[np.int64] | None) -> NDArray[Any]:
    """Return the values of the given rows, or `values` itself if `rows` is None."""
    return values if rows is None else values[rows]
