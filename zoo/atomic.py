"""Write files and folders atomically: to a temporary path first, then renamed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def write_atomically(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the folder of a file, creating the folder if needed, and rename it to the file at the end.

    After an error the temporary file is removed and an existing file is unchanged. The error propagates to the caller.

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
    """Yield an empty temporary folder next to a folder and rename it at the end, as `write_atomically` does for a file.

    Args:
        path: The folder; a symbolic link is followed.
        replace: Whether to replace an existing folder. If false, an existing folder that is not empty is an error.

    Raises:
        OSError: The folder cannot be written, or exists and `replace` is false.
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
        if old.exists() and not place.exists():  # restore the old folder, also after Ctrl-C
            old.rename(place)
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _temporary(path: Path, mark: str = "") -> Path:
    """Return a hidden path next to another, unique to this process."""
    return path.with_name(f".{path.name}.{mark}{os.getpid()}")
