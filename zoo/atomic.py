"""Write files and folders atomically: to a temporary path first, then renamed."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path

from zoo.exchange_folders import exchange_folders

OLD = ".old"
"""The end of the name of a folder that is being replaced."""


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
    """Yield an empty temporary folder next to a folder; at the end it takes the folder's place, complete and on the disk.

    An existing folder is replaced in one step where the system can exchange two folders. Elsewhere it is renamed first; if the
    process is killed at that moment, `heal_folder` brings it back. What killed processes left is removed.

    Args:
        path: The folder; a symbolic link is followed.
        replace: Whether to replace an existing folder. If false, an existing folder that is not empty is an error.

    Raises:
        OSError: The folder cannot be written, or exists and `replace` is false.
    """
    place = path.resolve()
    heal_folder(place)
    remove_leftovers(place.parent, place.name)
    temporary = _temporary(place)
    old = temporary.with_name(f"{temporary.name}{OLD}")
    try:
        temporary.mkdir(parents=True)
        yield temporary
        _flush(temporary)
        if not (replace and place.exists()):
            temporary.rename(place)
        elif not exchange_folders(temporary, place):
            place.rename(old)
            temporary.rename(place)
    finally:
        if old.exists() and not place.exists():  # restore the old folder, also after Ctrl-C
            old.rename(place)
        shutil.rmtree(temporary, ignore_errors=True)  # the folder that was replaced, if it was exchanged
        shutil.rmtree(old, ignore_errors=True)


def heal_folder(path: Path) -> None:
    """Bring a folder back that a process was replacing when it was killed; do nothing in any other case.

    Raises:
        OSError: The folder cannot be renamed.
    """
    place = path.resolve()
    if not place.exists():
        for left in _find_leftovers(place.parent, place.name):
            if left.name.endswith(OLD):
                left.rename(place)
                return


def remove_leftovers(folder: Path, name: str | None = None) -> None:
    """Remove what killed processes of this machine were writing into a folder.

    Args:
        folder: The folder.
        name: Only what was to become the file or folder of this name. If None, everything, also in folders below, except folders
            that `heal_folder` can bring back.
    """
    for path in _find_leftovers(folder, name):
        if name is not None or not path.name.endswith(OLD):
            with suppress(OSError):
                path.unlink() if not path.is_dir() or path.is_symlink() else shutil.rmtree(path)


def _find_leftovers(folder: Path, name: str | None) -> list[Path]:
    """Return the temporary files and folders in a folder whose processes have ended; of any name, and below too, if it is None."""
    pattern = re.compile(rf"\.{'.+' if name is None else re.escape(_shorten(name))}\.(\d{{1,10}})(?:{re.escape(OLD)})?")
    found = folder.rglob(".*.*") if name is None else folder.glob(".*.*")
    matches = [(path, pattern.fullmatch(path.name)) for path in found]
    return [path for path, match in matches if match and not _is_running(int(match[1]))]


def _is_running(process: int) -> bool:
    """Return whether a process of this machine runs, as far as can be seen."""
    if os.name != "posix":  # signal 0 would end it
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # of another user, or no id
        return True
    return True


def _flush(folder: Path) -> None:
    """Write the files of a folder tree to the disk, so that a power failure cannot leave a renamed folder empty."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb+") as file:
                os.fsync(file.fileno())


_LONGEST = 150
"""Bytes of a name that a temporary name repeats: file systems allow 255."""


def _temporary(path: Path) -> Path:
    """Return a hidden path next to another, unique to this process."""
    return path.with_name(f".{_shorten(path.name)}.{os.getpid()}")


def _shorten(name: str) -> str:
    """Return a name, or for a long one its beginning and its hash."""
    encoded = name.encode("utf-8", "surrogateescape")
    if len(encoded) <= _LONGEST:
        return name
    return f"{encoded[:_LONGEST].decode('utf-8', 'ignore')}-{blake2b(encoded, digest_size=8).hexdigest()}"
