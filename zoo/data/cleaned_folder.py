"""Write cleaned data: the rows that remain, the rows that were removed with cleaner and reason, and a report."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from zoo.atomic import write_folder_atomically
from zoo.config.experiment import DataSettings
from zoo.data.bounded_parquet import format_bytes
from zoo.data.dataset import Tables
from zoo.data.fingerprint import fingerprint_table
from zoo.data.ids_of_tables import map_users
from zoo.data.log import ReadEvents
from zoo.data.moments import format_moment
from zoo.data.schema import MappedTable, ids
from zoo.errors import DataError
from zoo.text_safety import show
from zoo.version import __version__

CLEANED = "cleaned.json"
"""What `zoo data describe` reads."""
BY_SETTINGS = ("[data]", "no id, or left out by data.events or data.until")
"""Cleaner and reason of the rows that the settings of `[data]` remove before the cleaners."""

LEAST = 2**20
"""Bytes that a message about a full disk asks for at least."""


def write_cleaned(
    read: ReadEvents, tables: Tables, settings: DataSettings, out: Path, about: Mapping[str, Any] | None = None
) -> dict[str, int]:
    """Write the tables of cleaned data, `report.md` and `cleaned.json` to a new folder, which is complete or absent.

    The tables are `interactions.parquet`, `rejected.parquet` and, if there are any, `items.parquet` and `users.parquet`. Rows keep the
    order of the source, and columns their canonical names.

    Args:
        read: The events after the cleaners.
        tables: The tables that were cleaned.
        settings: The settings of `[data]`.
        out: The folder.
        about: Source, settings and cleaners, as JSON, for `cleaned.json`.

    Returns:
        The number of rows of each Parquet file.

    Raises:
        DataError: A column cannot be read, or the folder cannot be written.
    """
    written = _cleaned_tables(read, tables, settings)
    counts = {name: table.num_rows for name, table in written.items()}
    try:
        with write_folder_atomically(out, replace=False) as folder:
            for name, table in written.items():
                pq.write_table(table, folder / f"{name}.parquet")
            (folder / "report.md").write_text(_report(read, counts), encoding="utf-8")
            facts = {**(about or {}), **_facts(read, written)}
            (folder / CLEANED).write_text(json.dumps(facts, indent=1), encoding="utf-8")
    except OSError as error:
        raise DataError(_explain(out, sum(table.nbytes for table in written.values()), error)) from error
    return counts


def _explain(out: Path, needed: int, error: OSError) -> str:
    """Return the message about a folder that cannot be written."""
    reason = os.strerror(error.errno) if error.errno else str(error).rstrip(".")
    there = next(path for path in (out.absolute(), *out.absolute().parents) if path.exists())
    return (
        f"--out: {out} cannot be written: {reason}. It needs up to {format_bytes(max(needed, LEAST))} of disk, and "
        f"{format_bytes(shutil.disk_usage(there).free)} are free. Free space on its disk, or choose another folder."
    )


def _report(read: ReadEvents, counts: dict[str, int]) -> str:
    """Return the text of `report.md`."""
    lines = [f"| {show(str(name))} | {value:,} |" if isinstance(value, int) else f"| {show(name)} | {show(value)} |" for name, value in read.notes.items()]  # fmt: skip
    files = [f"- `{name}.parquet`: {count:,} rows" for name, count in counts.items()]
    return "\n".join(["# Cleaned data", "", *files, "", "| what | count |", "| --- | ---: |", *lines, ""])


def _facts(read: ReadEvents, written: Mapping[str, pa.Table]) -> dict[str, Any]:
    """Return what `zoo data describe` shows of cleaned data, as JSON."""
    return {
        "format": 1,
        "version": __version__,
        "cuts": [format_moment(moment) for moment in read.clean.moments],
        "rows": {name: table.num_rows for name, table in written.items()},
        "fingerprints": {name: fingerprint_table(table) for name, table in written.items()},
        "notes": read.notes,
    }


def _cleaned_tables(read: ReadEvents, tables: Tables, settings: DataSettings) -> dict[str, pa.Table]:
    """Return the tables to write by the names of their files."""
    log = read.clean.log
    assert log.rows is not None
    assert log.source is not None
    own = {*tables.interactions.column_names, *settings.columns}  # `user_id` may be a second name of the sessions
    source = log.source.select([name for name in log.source.column_names if name != "user_id" or name in own])
    kept = np.sort(log.rows)
    rows = [removal.rows for removal in read.clean.removals]
    seen = np.concatenate([kept, *rows])
    others = np.setdiff1d(np.arange(source.num_rows), seen)
    labels = [(r.cleaner, r.reason) for r in read.clean.removals] + [BY_SETTINGS]
    sizes = [*map(len, rows), len(others)]
    rejected = source.take(pa.array(np.concatenate([*rows, others])))
    for at, name in enumerate(("cleaner", "reason")):
        values = np.repeat(np.array([label[at] for label in labels], object), sizes)
        rejected = rejected.append_column(name, pa.array(values, pa.string()))
    written = {"interactions": _with_replaced_items(source.take(pa.array(kept)), read), "rejected": rejected}
    if tables.items is not None:
        written["items"] = _kept_items(tables, settings, read)
    if tables.users is not None:
        users = map_users(tables, settings)
        written["users"] = users.select(users.column_names)
    return written


def _with_replaced_items(table: pa.Table, read: ReadEvents) -> pa.Table:
    """Return the remaining rows, by row of the source, with the ids of the items that replace others."""
    log, numbers = read.clean.log, read.clean.items
    if (numbers == np.arange(len(numbers))).all() or log.rows is None:
        return table
    in_file = log.items[np.argsort(log.rows)]
    column = read.items.take(pa.array(in_file - 1))
    return table.set_column(table.column_names.index("item_id"), "item_id", column)


def _kept_items(tables: Tables, settings: DataSettings, read: ReadEvents) -> pa.Table:
    """Return the item table without the items that others replace."""
    assert tables.items is not None
    items = MappedTable.of(tables.items, settings.item_columns, "data.item_columns", tables.items_from, tables.items_place)  # fmt: skip
    table = items.select(items.column_names)
    replaced = read.items.filter(pa.array(read.clean.items[1:] != np.arange(1, len(read.items) + 1)))
    if not len(replaced):
        return table
    found = ids(items, table.column("item_id"), "item_id")
    gone = pc.is_in(found.unique, replaced).to_numpy(zero_copy_only=False)
    return table.filter(pa.array(~np.append(gone, False)[found.codes]))  # a row without an id has the code -1
