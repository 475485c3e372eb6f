"""Files and folders that are written whole or not at all: beside their place first, then renamed into it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def write_atomically(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the folder of a file, which is made if need be, and rename it to the file at the end.

    After an error the temporary file is removed, and a file that was there before stays as it was. Errors are passed on:
    the caller knows what to advise.

    Raises:
        OSError: The file cannot be written.
    """
    temporary = _temporary(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def write_folder_atomically(path: Path, *, replace: bool = True) -> Iterator[Path]:
    """Yield an empty temporary folder beside a folder, and rename it to the folder at the end; else as `write_atomically`.

    Args:
        path: The folder; a symbolic link to one is followed.
        replace: Whether a folder that is there is replaced. If not, one that holds something is an error.

    Raises:
        OSError: The folder cannot be written, or is there and is not to be replaced.
    """
    place = path.resolve()
    temporary, old = _temporary(place), _temporary(place, "old.")
    try:
        temporary.mkdir(parents=True)
        yield temporary
        if replace and place.exists():
            place.rename(old)
        temporary.rename(place)
    finally:
        if old.exists() and not place.exists():  # what was there comes back, also after Ctrl-C
            old.rename(place)
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _temporary(path: Path, mark: str = "") -> Path:
    """Return a hidden path beside another, of this process alone."""
    return path.with_name(f".{path.name}.{mark}{os.getpid()}")
