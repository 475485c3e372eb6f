"""Open the data of an experiment: a prepared log where there is one, a large source is prepared first, others are read into memory."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from zoo.atomic import write_folder_atomically
from zoo.config.chosen import Chosen
from zoo.config.experiment import DataSettings
from zoo.config.split_settings import Split
from zoo.data.bounded_parquet import format_bytes
from zoo.data.dataset import Tables
from zoo.data.files import FileTable
from zoo.data.log import Data, map_events, read_data
from zoo.data.prepared.build_log import OutOfCore
from zoo.data.prepared.cache import FOLDER_VARIABLE, LOCK, cache_folder, enforce_limit, limit_bytes, mark_opened
from zoo.data.prepared.folder import Prepared, open_prepared, read_manifest, write_prepared
from zoo.errors import ComponentError, DataError, ResultsError
from zoo.folder_lock import lock_folder

LARGE_BYTES = 100 * 2**20
"""Files of events of this size in sum are prepared by every command."""
Tell = Callable[[str], None]


def open_data(
    tables: Tables,
    settings: DataSettings,
    *,
    sessions_as_users: bool = False,
    cleaners: Sequence[Chosen] | None = None,
    split: Split | None = None,
) -> Data:
    """Return the log and the catalogue of tables; see `zoo.data.log.read_data`.

    A log with cleaners depends on the split and is never prepared. Files whose log is in the cache are opened from there. Files of
    100 MiB or more are prepared first, if DuckDB is installed; where the cache cannot be used, a warning says so.

    Raises:
        DataError: The tables do not fit; the message names file, column, row and value.
    """
    source = Source.of(tables, settings, sessions_as_users=sessions_as_users)
    if source is None:
        return read_data(tables, settings, sessions_as_users=sessions_as_users, cleaners=cleaners, split=split)
    try:
        prepared = read_manifest(source.folder)
        if prepared is None and source.events.size >= LARGE_BYTES and find_spec("duckdb") is not None:
            prepared = prepare(source)
        if prepared is not None:
            return source.open(prepared)
    except (CacheError, OSError) as error:  # a full or removed cache: the log can still be read
        warnings.warn(f"The log is read into memory. {error}", stacklevel=2)
    return read_data(tables, settings, sessions_as_users=sessions_as_users)


class CacheError(DataError):
    """The cache cannot be written or read."""


@dataclass(frozen=True, eq=False)
class Source:
    """Files with the settings by which they become a log.

    Attributes:
        tables: The tables.
        events: The files of the events.
        settings: The settings of `[data]`.
        sessions_as_users: Whether the sessions are the users if the events have no `user_id`.
        identity: What the log depends on: the files with size and time of change, and the settings.
    """

    tables: Tables
    events: FileTable
    settings: DataSettings
    sessions_as_users: bool
    identity: dict[str, Any] = field(repr=False)

    @classmethod
    def of(cls, tables: Tables, settings: DataSettings, *, sessions_as_users: bool) -> Source | None:
        """Return the source of tables that are files and have no cleaners, or None for others."""
        if settings.clean:
            return None
        events, items, users = tables.interactions, tables.items, tables.users
        if not isinstance(events, FileTable) or not isinstance(items, FileTable | None):
            return None
        if not isinstance(users, FileTable | None):
            return None
        kept = settings.model_dump(mode="json", exclude={"source", "accept"})
        identity = {
            "interactions": _stamps(events),
            "items": [] if items is None else _stamps(items),
            "settings": kept,
            "sessions_as_users": sessions_as_users,
        }
        if users is not None:
            identity["users"] = _stamps(users)
        return cls(tables, events, settings, sessions_as_users, identity)

    @property
    def folder(self) -> Path:
        """Return the folder of the prepared log."""
        text = json.dumps(self.identity, sort_keys=True)
        return cache_folder() / blake2b(text.encode("utf-8", "surrogateescape"), digest_size=12).hexdigest()

    def open(self, prepared: Prepared) -> Data:
        """Return the data of the prepared log."""
        mark_opened(prepared)
        events = map_events(self.tables, self.settings, sessions_as_users=self.sessions_as_users)
        return open_prepared(prepared, events)


def prepare(source: Source, tell: Tell = lambda text: None) -> Prepared:
    """Prepare a log, unless it is in the cache already; a second process waits for the first.

    Args:
        source: The files and settings.
        tell: Receives who prepares the same log, before waiting for it.

    Raises:
        DataError: The tables do not fit.
        CacheError: The folder of the cache is full, or cannot be written.
        ComponentError: DuckDB is not installed.
    """
    try:
        import duckdb
    except ImportError:
        raise ComponentError(
            'preparing data needs the package DuckDB, which is not installed: pip install "shopzoo[large]"'
        ) from None
    folder = source.folder
    limit_bytes()  # a wrong limit is told before the work
    try:
        with lock_folder(folder.with_name(f"{folder.name}{LOCK}"), wait=True, waiting=tell):
            if read_manifest(folder) is None:
                with write_folder_atomically(folder) as temporary:
                    build_log = OutOfCore(source.events, temporary)
                    data = read_data(
                        source.tables, source.settings, sessions_as_users=source.sessions_as_users, build_log=build_log
                    )
                    write_prepared(data, temporary, source.identity)
                    del data  # some systems rename no folder with mapped files
    except (duckdb.Error, OSError, ResultsError) as error:
        raise CacheError(_explain(folder.parent, source, error)) from error
    enforce_limit(folder)
    prepared = read_manifest(folder)
    if prepared is None:
        raise CacheError(f"{folder}: the prepared log was removed while it was opened. Run the command again.")
    return prepared


def _stamps(files: FileTable) -> list[list[Any]]:
    """Return path, size and time of change of each file, and the delimiter."""
    return [[str(file.absolute()), *files.stamp(file), files.delimiter] for file in files.files]


def _explain(folder: Path, source: Source, error: Exception) -> str:
    """Return the message about a log that could not be prepared."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
    return (
        f"{folder}: the log could not be prepared: {reason}. It needs up to {format_bytes(8 * sum(size for _, size, *_ in source.identity['interactions']))} of disk for a "
        f"while, and {format_bytes(shutil.disk_usage(there).free)} are free. Free space, or name another folder in the environment "
        f"variable {FOLDER_VARIABLE}."
    )
