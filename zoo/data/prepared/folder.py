"""The folder of a prepared log: its columns as files that are mapped into memory, and a manifest that is written last."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from zoo.data.catalogue import Catalogue
from zoo.data.interactions import Interactions
from zoo.data.log import Data
from zoo.data.numbered_table import NumberedTable
from zoo.data.prepared.sort_log import COLUMNS, file_type, open_columns
from zoo.data.schema import MappedTable
from zoo.data.user_table import UserTable
from zoo.version import __version__

FORMAT = 1
"""The version of the layout; a folder of another version is prepared again."""
MANIFEST, USERS, ITEMS, OFFSETS = "manifest.json", "users.arrow", "items.arrow", "offsets.bin"
USER_COLUMNS = "user_columns.arrow"
"""The columns of a user table; a log without one has no such file."""
ID, COLUMN = "item_id", "column "
"""The column of the ids, and the prefix of the names of the others."""


@dataclass(frozen=True)
class Prepared:
    """What the manifest of a folder says.

    Attributes:
        folder: The folder.
        identity: The files and settings that it was prepared from.
        sizes: The size of each of its files in bytes, by name.
        log: The properties of the log that are no arrays.
        notes: Counts of the rows that were left out.
        version: The version of the core that prepared it; empty for one before it was noted.
    """

    folder: Path
    identity: dict[str, Any]
    sizes: dict[str, int]
    log: dict[str, Any]
    notes: dict[str, int | str]
    version: str = ""

    @property
    def size(self) -> int:
        """Return its size in bytes."""
        return sum(self.sizes.values())


def read_manifest(folder: Path) -> Prepared | None:
    """Return what a folder holds, or None if it is not whole or of another version."""
    try:
        found = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if found.pop("format") != FORMAT:
            return None
        prepared = Prepared(folder, **found)
        whole = all((folder / name).stat().st_size == size for name, size in prepared.sizes.items())
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return prepared if whole else None


def write_prepared(data: Data, folder: Path, identity: dict[str, Any]) -> None:
    """Write a log with its catalogue into a folder. Columns that are files of this folder already stay as they are.

    Raises:
        OSError: The folder is full or cannot be written.
    """
    log = data.log
    rows = np.arange(len(log)) if log.rows is None else log.rows
    columns: list[NDArray[Any]] = [log.items, log.times, log.events, rows]
    for name, values in zip(COLUMNS, columns, strict=True):
        if not (isinstance(values, np.memmap) and Path(values.filename or "").parent == folder):
            _write_array(folder / f"{name}.bin", values, file_type(name))
    _write_array(folder / OFFSETS, log.offsets, np.dtype("<i8"))
    _write_table(folder / USERS, pa.table({"user_id": data.user_ids}))
    _write_table(folder / ITEMS, _prefixed(data.catalogue))
    if data.users is not None:
        _write_table(folder / USER_COLUMNS, _prefixed(data.users))
    manifest = {
        "format": FORMAT,
        "identity": identity,
        "sizes": {path.name: path.stat().st_size for path in sorted(folder.iterdir())},
        "log": {
            "events": len(log),
            "n_items": log.n_items,
            "event_names": log.event_names,
            "event_weights": [float(weight) for weight in log.event_weights],
            "clock": log.clock,
            "ties": log.ties,
        },
        "notes": data.notes,
        "version": __version__,
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")


def open_prepared(prepared: Prepared, events: MappedTable) -> Data:
    """Return the data of a folder; its columns are read from the disk when they are needed.

    Args:
        prepared: What the folder holds.
        events: The table with the further columns.
    """
    folder, facts = prepared.folder, prepared.log
    log_items, times, codes, rows = open_columns(folder, facts["events"])
    log = Interactions(
        np.memmap(folder / OFFSETS, "<i8", "r"),
        log_items,
        times,
        codes,
        facts["n_items"],
        tuple(facts["event_names"]),
        np.array(facts["event_weights"], np.float32),
        facts["clock"],
        events,
        rows,
        facts["ties"],
    )
    user_ids = _whole(_open_table(folder / USERS)["user_id"])
    users = UserTable(*_unprefixed(folder / USER_COLUMNS)) if USER_COLUMNS in prepared.sizes else None
    return Data(log, Catalogue(*_unprefixed(folder / ITEMS)), user_ids, dict(prepared.notes), users=users)


def _prefixed(table: NumberedTable) -> pa.Table:
    """Return the ids and the columns of a table, so that no column has the name of the ids."""
    return pa.table({ID: table.ids, **{f"{COLUMN}{name}": table.table[name] for name in table.columns}})


def _unprefixed(path: Path) -> tuple[pa.Array, pa.Table]:
    """Return the ids and the columns of a file."""
    table = _open_table(path)
    names = table.column_names[1:]
    return _whole(table[ID]), table.select(names).rename_columns([name.removeprefix(COLUMN) for name in names])


def _write_array(path: Path, values: NDArray[Any], kind: np.dtype[Any]) -> None:
    """Write an array beside its place and rename it, since a mapped file may have the same name."""
    beside = path.with_suffix(".new")
    np.ascontiguousarray(values, kind).tofile(beside)
    beside.replace(path)


def _write_table(path: Path, table: pa.Table) -> None:
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def _open_table(path: Path) -> pa.Table:
    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()


def _whole(column: pa.ChunkedArray) -> pa.Array:
    """Return a column as one array, without a copy where it is one already."""
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
