"""Write files and folders atomically: to a temporary path first, then renamed."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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
    _remove_leftovers(place)
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
        for left, pid in _leftovers(place):
            if left.name.endswith(OLD) and not _is_running(pid):
                left.rename(place)
                return


def _remove_leftovers(place: Path) -> None:
    """Remove the temporary folders next to a folder whose processes have ended."""
    for left, pid in _leftovers(place):
        if not _is_running(pid):
            shutil.rmtree(left, ignore_errors=True)


def _leftovers(place: Path) -> list[tuple[Path, int]]:
    """Return the temporary folders next to a folder, each with the id of the process that made it."""
    pattern = re.compile(rf"{re.escape(f'.{place.name}.')}(\d+)(?:{re.escape(OLD)})?")
    near = place.parent.iterdir() if place.parent.is_dir() else ()
    matches = ((path, pattern.fullmatch(path.name)) for path in near)
    return [(path, int(match[1])) for path, match in matches if match and path.is_dir()]


def _is_running(pid: int) -> bool:
    """Return whether a process may still run."""
    if os.name != "posix":
        return True
    try:
        os.kill(pid, 0)  # sends nothing
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):  # of another user, or no id
        return True
    return True


def _flush(folder: Path) -> None:
    """Write the files of a folder tree to the disk, so that a power failure cannot leave a renamed folder empty."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb+") as file:
                os.fsync(file.fileno())


def _temporary(path: Path) -> Path:
    """Return a hidden path next to another, unique to this process."""
    return path.with_name(f".{path.name}.{os.getpid()}")
