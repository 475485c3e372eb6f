"""The folder in which prepared logs are kept, and its limit.

`ZOO_CACHE` names the folder, `~/.cache/shopzoo` by default, and `ZOO_CACHE_GIB` its limit, 100 by default. Beyond the limit, the
logs that were not opened for the longest time are removed.
"""

from __future__ import annotations

import math
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from zoo.atomic import remove_leftovers
from zoo.data.prepared.folder import MANIFEST, Prepared, read_manifest
from zoo.errors import ConfigError

LOCK = ".lock"
"""The end of the name of the folder that locks a log while it is prepared."""
FOLDER_VARIABLE, LIMIT_VARIABLE, DEFAULT_GIB = "ZOO_CACHE", "ZOO_CACHE_GIB", 100.0


def cache_folder() -> Path:
    """Return the folder of the prepared logs."""
    named = os.environ.get(FOLDER_VARIABLE)
    base = Path(named).expanduser() if named else Path.home() / ".cache" / "shopzoo"
    return base / "prepared"


def cached_logs() -> list[Prepared]:
    """Return the prepared logs, the one that was opened last first."""
    entries = sorted(_entries(cache_folder()), key=lambda entry: -entry.opened)
    return [entry.log for entry in entries if entry.log is not None]


def mark_opened(prepared: Prepared) -> None:
    """Note that a log is in use now."""
    with suppress(OSError):  # a cache that cannot be written can still be read
        os.utime(prepared.folder / MANIFEST)


def enforce_limit(newest: Path) -> None:
    """Remove what was not opened for the longest time while all together exceed the limit, except the newest log.

    Logs of another version and damaged ones count too; what killed processes left is removed first.

    Raises:
        ConfigError: `ZOO_CACHE_GIB` is not a number.
    """
    kept, limit = 0, limit_bytes()
    remove_leftovers(cache_folder())
    entries = sorted(_entries(cache_folder()), key=lambda entry: (entry.folder != newest, -entry.opened))
    for entry in entries:
        kept += entry.size
        if kept > limit and entry.folder != newest:
            shutil.rmtree(entry.folder, ignore_errors=True)


def clear_cache() -> tuple[int, int]:
    """Remove all prepared logs, also those of other versions and what killed processes left; return how many and their bytes."""
    remove_leftovers(cache_folder())
    found = _entries(cache_folder())
    for entry in found:
        shutil.rmtree(entry.folder)
    return len(found), sum(entry.size for entry in found)


def limit_bytes() -> float:
    """Return the limit of the cache in bytes.

    Raises:
        ConfigError: `ZOO_CACHE_GIB` is not a number.
    """
    text = os.environ.get(LIMIT_VARIABLE) or str(DEFAULT_GIB)
    try:
        limit = float(text)
    except ValueError:
        limit = math.nan
    if not 0 <= limit < math.inf:
        raise ConfigError(
            f"the environment variable {LIMIT_VARIABLE} is {text!r}, expected a number of GiB such as 100. Correct it."
        )
    return limit * 2**30


@dataclass(frozen=True)
class _Entry:
    """A folder in the cache.

    Attributes:
        folder: The folder.
        log: The prepared log; None if the folder is of another version or damaged.
        size: Its size in bytes.
        opened: When it was opened last, in nanoseconds since 1970.
    """

    folder: Path
    log: Prepared | None
    size: int
    opened: int


def _entries(folder: Path) -> list[_Entry]:
    """Return the folders of a cache, without locks and what is being written."""
    found = []
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name.startswith(".") or path.name.endswith(LOCK) or not path.is_dir():
            continue
        log = read_manifest(path)
        states = [state for file in path.rglob("*") if (state := _state(file)) is not None]
        opened = _state(path / MANIFEST) or _state(path)
        found.append(_Entry(path, log, sum(s.st_size for s in states), opened.st_mtime_ns if opened else 0))
    return found


def _state(path: Path) -> os.stat_result | None:
    """Return the state of a file, or None if another process has just removed it."""
    try:
        return path.stat()
    except OSError:
        return None
