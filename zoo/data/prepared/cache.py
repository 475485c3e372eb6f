"""The folder in which prepared logs are kept, and its limit.

`ZOO_CACHE` names the folder, `~/.cache/shopzoo` by default, and `ZOO_CACHE_GIB` its limit, 100 by default. Beyond the limit, the
logs that were not opened for the longest time are removed.
"""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from zoo.data.prepared.folder import MANIFEST, Prepared, read_manifest
from zoo.errors import ConfigError

FOLDER_VARIABLE, LIMIT_VARIABLE, DEFAULT_GIB = "ZOO_CACHE", "ZOO_CACHE_GIB", 100.0


def cache_folder() -> Path:
    """Return the folder of the prepared logs."""
    named = os.environ.get(FOLDER_VARIABLE)
    base = Path(named).expanduser() if named else Path.home() / ".cache" / "shopzoo"
    return base / "prepared"


def cached_logs() -> list[Prepared]:
    """Return the prepared logs, the one that was opened last first."""
    return sorted(_whole(cache_folder()), key=_opened_at, reverse=True)


def mark_opened(prepared: Prepared) -> None:
    """Note that a log is in use now."""
    with suppress(OSError):  # a cache that cannot be written can still be read
        os.utime(prepared.folder / MANIFEST)


def enforce_limit(newest: Path) -> None:
    """Remove the logs that were not opened for the longest time while all together exceed the limit, except the newest.

    Raises:
        ConfigError: `ZOO_CACHE_GIB` is not a number.
    """
    kept, limit = 0, limit_bytes()
    for prepared in sorted(cached_logs(), key=lambda found: found.folder != newest):
        kept += prepared.size
        if kept > limit and prepared.folder != newest:
            shutil.rmtree(prepared.folder, ignore_errors=True)


def clear_cache() -> tuple[int, int]:
    """Remove all prepared logs, and return how many they were and their bytes."""
    found = cached_logs()
    for prepared in found:
        shutil.rmtree(prepared.folder)
    return len(found), sum(prepared.size for prepared in found)


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


def _whole(folder: Path) -> Iterator[Prepared]:
    """Yield the whole logs of a folder."""
    for path in folder.iterdir() if folder.is_dir() else ():
        prepared = read_manifest(path) if path.is_dir() and not path.name.startswith(".") else None
        if prepared is not None:
            yield prepared


def _opened_at(prepared: Prepared) -> int:
    try:
        return (prepared.folder / MANIFEST).stat().st_mtime_ns
    except OSError:  # another process has just removed it
        return 0
