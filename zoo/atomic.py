"""Write files and folders atomically: to a temporary path first, then renamed."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
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
        remove_leftovers(path.parent, path.name)
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


def remove_leftovers(folder: Path, name: str | None = None) -> None:
    """Remove what killed processes of this machine were writing into a folder.

    Args:
        folder: The folder.
        name: Only what was to become the file or folder of this name; everything, also in folders below, if None.
    """
    begin = None if name is None else f".{_shorten(name)}."
    found = folder.rglob(".*.*") if name is None else folder.glob(".*.*")
    for path in [path for path in found if begin is None or path.name.startswith(begin)]:
        left = _LEFTOVER.fullmatch(path.name)
        if left is not None and not _is_running(int(left[1])):
            with suppress(OSError):
                path.unlink() if not path.is_dir() or path.is_symlink() else shutil.rmtree(path)


_LEFTOVER = re.compile(r"\..+\.(\d{1,10})")
"""A temporary file or folder, and the process that wrote it."""
_LONGEST = 150
"""Bytes of a name that a temporary name repeats: file systems allow 255."""


def _temporary(path: Path, mark: str = "") -> Path:
    """Return a hidden path next to another, unique to this process."""
    return path.with_name(f".{_shorten(path.name)}.{mark}{os.getpid()}")


def _shorten(name: str) -> str:
    """Return a name, or for a long one its beginning and its hash."""
    encoded = name.encode("utf-8", "surrogateescape")
    if len(encoded) <= _LONGEST:
        return name
    return f"{encoded[:_LONGEST].decode('utf-8', 'ignore')}-{blake2b(encoded, digest_size=8).hexdigest()}"


def _is_running(process: int) -> bool:
    """Return whether a process of this machine runs, as far as can be seen."""
    if os.name == "nt":  # signal 0 would end it
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True
