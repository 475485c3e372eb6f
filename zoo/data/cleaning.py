"""Apply the cleaners of `[data] clean` to a log, and count what they remove."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from zoo.config.chosen import Chosen
from zoo.config.experiment import DataSettings
from zoo.config.lookup import Lookup
from zoo.config.split_settings import Split, Temporal
from zoo.data.added_columns import AddedColumns
from zoo.data.catalogue import Catalogue
from zoo.data.cleaner import Cleaned, UncleanLog
from zoo.data.dataset import Notes, Tables
from zoo.data.interactions import Interactions
from zoo.data.moments import moment_of_cut
from zoo.data.schema import MappedTable, ids
from zoo.data.units import unit_ends
from zoo.errors import ConfigError, DataError, ZooError
from zoo.registry.plugin import describe_error
from zoo.registry.registry import default_registry


@dataclass(frozen=True, eq=False)
class Removal:
    """Events that a cleaner removed.

    Attributes:
        rows: Their rows in the event table, ascending.
        cleaner: The name of the cleaner.
        reason: Why.
    """

    rows: NDArray[np.int64]
    cleaner: str
    reason: str


@dataclass(frozen=True, eq=False)
class CleanLog:
    """A log after the cleaners.

    Attributes:
        log: The remaining events; items have the numbers that replace theirs.
        items: The number that replaces each provisional item number, `[I]`.
        removals: What was removed, in the order of the cleaners.
        moments: The cuts of the split that bounded what the cleaners learned from, UTC milliseconds; empty without cleaners,
            or if the split does not cut by time.
    """

    log: Interactions
    items: NDArray[np.int32]
    removals: tuple[Removal, ...] = ()
    moments: tuple[int, ...] = ()


def find_cleaners(settings: DataSettings) -> tuple[Chosen, ...]:
    """Return the cleaners of `[data]` among the installed plugins.

    Raises:
        ConfigError: A name or parameter is wrong.
    """
    if not settings.clean:
        return ()
    lookup = Lookup(default_registry(), Path())
    found = lookup.many("cleaner", settings.clean, "data.clean")
    if lookup.problems:
        raise ConfigError("\n".join(lookup.problems))
    return found


def find_moments(log: Interactions, split: Split | None) -> tuple[int, ...]:
    """Return the cuts of a temporal split, UTC milliseconds; empty if the split does not cut by time.

    A share is the time at that share of the events before cleaning, for cleaners and for the split: what cleaners remove
    must not move a cut into the events from which they learned.
    """
    if not isinstance(split, Temporal) or log.clock != "timestamp" or not len(log):
        return ()
    times = unit_ends(log, split.unit)
    return tuple(moment_of_cut(times, cut) for cut in split.cuts)


def log_catalogue(tables: Tables, settings: DataSettings, item_ids: pa.Array) -> Catalogue:
    """Return the columns of the items of a log, in provisional numbers; those of items that the item table lacks are null.

    Args:
        tables: The tables.
        settings: The settings of `[data]`.
        item_ids: The item ids of the log, `[I - 1]`.
    """
    padded = pa.concat_arrays([pa.nulls(1, pa.string()), item_ids])
    bare = Catalogue(padded, Catalogue.bare(len(item_ids)).table)
    if tables.items is None:
        return bare
    source = MappedTable.of(
        tables.items, settings.item_columns, "data.item_columns", tables.items_from, tables.items_place
    )
    source.require("item_id")
    table = source.select(source.column_names)
    found = ids(source, table.column("item_id"), "item_id")
    row_of_id = np.zeros(len(found.unique) + 1, np.int64)
    row_of_id[found.codes[::-1]] = np.arange(len(found.codes))[::-1]  # of several rows, the first
    at = pc.index_in(padded, found.unique)
    rows = pc.if_else(at.is_valid(), pa.array(row_of_id[at.fill_null(0).to_numpy(zero_copy_only=False)]), None)
    others = table.drop_columns(["item_id"])
    return Catalogue(padded, others.take(rows)) if others.num_columns else bare


def clean_log(
    log: Interactions,
    tables: Tables,
    settings: DataSettings,
    ids_of: tuple[pa.Array, pa.Array],
    notes: Notes,
    *,
    cleaners: Sequence[Chosen] | None,
    split: Split | None,
) -> CleanLog:
    """Return a log after the cleaners of `[data]`; `ids_of` are its user and item ids, see `zoo.data.log.read_data`."""
    chosen = find_cleaners(settings) if cleaners is None else cleaners
    users, items = ids_of
    if not chosen:
        return CleanLog(log, np.arange(len(items) + 1, dtype=np.int32))
    moments = find_moments(log, split)
    unclean = UncleanLog(
        log,
        log_catalogue(tables, settings, items),
        users,
        moments[-1] if moments else None,
        "event" if split is None else split.unit,
    )
    return replace(apply_cleaners(unclean, chosen, notes), moments=moments)


def apply_cleaners(data: UncleanLog, cleaners: Sequence[Chosen], notes: Notes) -> CleanLog:
    """Remove, replace and add what the cleaners say, in their order; each reads what the ones before it left.

    Args:
        data: The log. Its further columns must be known (`log.source`).
        cleaners: The cleaners.
        notes: Counts of what was removed and replaced are added to it.

    Raises:
        DataError: A cleaner cannot read the log, fails, or returns something else than the contract says.
    """
    log, items, removals = data.log, np.arange(len(data.catalogue), dtype=np.int32), list[Removal]()
    for cleaner in cleaners:
        unclean = replace(data, log=log)
        found = _ask(cleaner, unclean)
        check_cleaned(found, unclean, cleaner.origin)
        left = np.ones(len(log), np.bool_)
        for flag in found.flags:
            new = flag.events & left
            left &= ~flag.events
            name = f"left out: cleaner {cleaner.name}, {flag.reason}"
            notes[name] = int(notes.get(name, 0)) + int(np.count_nonzero(new))
            if log.rows is not None and new.any():
                removals.append(Removal(np.sort(log.rows[new]), cleaner.name, flag.reason))
        if found.items is not None:
            numbers = found.items.astype(np.int32)
            replaced = int(np.count_nonzero(numbers != np.arange(len(numbers))))
            notes[f"items replaced: cleaner {cleaner.name}, {found.items_reason}"] = replaced
            log, items = replace(log, items=numbers[log.items]), numbers[items]
        for name, column in found.columns.items():
            log = _with_column(log, name, pa.array(column))
            notes[f"column {name}"] = f"of the cleaner {cleaner.name}"
        notes |= {f"cleaner {cleaner.name}: {what}": int(count) for what, count in found.remarks.items()}
        log = log if left.all() else log.where(left)
    return CleanLog(log, items, tuple(removals))


def _ask(cleaner: Chosen, data: UncleanLog) -> Cleaned:
    """Return what a cleaner found.

    Raises:
        DataError: It failed.
    """
    try:
        found: Cleaned = cleaner.build().clean(data)
    except ZooError:
        raise
    except (Exception, SystemExit) as error:  # a plugin may raise anything
        raise DataError(
            f"{cleaner.origin}: `clean` failed: {describe_error(error)}. Correct the plugin or its parameters, or leave it "
            "out of data.clean."
        ) from error
    return found


def check_cleaned(found: Cleaned, data: UncleanLog, origin: str) -> None:
    """Check what a cleaner returned.

    Raises:
        DataError: It is not what the contract says; the message names the cleaner.
    """
    if not isinstance(found, Cleaned):
        raise DataError(f"{origin}: `clean` returned {type(found).__name__}, expected zoo.api.Cleaned.")
    n, n_items = len(data.log), len(data.catalogue)
    for flag in found.flags:
        events = flag.events
        if not (isinstance(events, np.ndarray) and events.dtype == np.bool_ and events.shape == (n,)):
            raise DataError(
                f"{origin}: the flag {flag.reason!r} has {_describe(events)}, expected a boolean for each of {n:,} events."
            )
        if not flag.reason.strip():
            raise DataError(f"{origin}: a flag has no reason, expected a few words for the report.")
    if found.items is not None:
        items = found.items
        if not (isinstance(items, np.ndarray) and items.dtype.kind in "iu" and items.shape == (n_items,)):
            raise DataError(
                f"{origin}: `items` is {_describe(items)}, expected an item number for each of {n_items:,} numbers."
            )
        if items[0] != 0 or (n_items > 1 and (items[1:].min() < 1 or items.max() >= n_items)):
            raise DataError(f"{origin}: `items` has numbers outside 1 to {n_items - 1:,}, or entry 0 is not 0.")
        if (items[items] != items).any():
            first = int(np.argmax(items[items] != items))
            raise DataError(f"{origin}: `items` replaces item {first} by an item that is replaced itself.")
    for name, column in found.columns.items():
        if len(column) != n:
            raise DataError(f"{origin}: the column {name!r} has {len(column):,} values, expected {n:,}, one per event.")
        if data.has_column(name):
            raise DataError(
                f"{origin}: the log has a column {name!r} already. Leave the cleaner out, or give the column another name "
                "in the file."
            )


def _describe(value: object) -> str:
    """Return the type and shape of a value, for messages."""
    return f"{value.dtype} {list(value.shape)}" if isinstance(value, np.ndarray) else type(value).__name__


def _with_column(log: Interactions, name: str, column: pa.Array) -> Interactions:
    """Return a log with a further column, which is null in the rows of the table that are not in the log."""
    if log.source is None or log.rows is None:
        source, rows = AddedColumns(pa.table({}), {name: column}), np.arange(len(log))
        return replace(log, source=source, rows=rows)
    some = log.source.column_names[0]
    at = np.full(log.source.select([some]).num_rows, -1, np.int64)
    at[log.rows] = np.arange(len(log))
    values = column.take(pa.array(at, mask=at < 0))
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    return replace(log, source=AddedColumns(log.source, {name: values}))
