"""Write files and folders atomically: to a temporary path first, then renamed."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from threading import Lock

from zoo.exchange_folders import exchange_folders
from zoo.process_identity import ProcessIdentity

OLD = ".old"
"""The end of the name of a folder that is being replaced."""


@contextmanager
def write_atomically(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the folder of a file, creating the folder if needed, and rename it to the file at the end.

    After an error the temporary file is removed and an existing file is unchanged. The error propagates to the caller. After a
    power failure the file is the one before or the new one, complete; the rename itself is not waited for.

    Raises:
        OSError: The file cannot be written.
    """
    with _temporary(path) as temporary:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(path.parent, path.name)
        try:
            yield temporary
            _sync(temporary)
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
    with _temporary(place) as temporary:
        old = temporary.with_name(f"{temporary.name}{OLD}")
        try:
            temporary.mkdir(parents=True)
            yield temporary
            _flush(temporary)
            with _REPLACEMENT:
                _put_in_place(temporary, place, old, replace=replace)
            _sync(place.parent)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)  # the folder that was replaced, if it was exchanged
            shutil.rmtree(old, ignore_errors=True)


_REPLACEMENT = Lock()
"""Held by the thread that replaces a folder, so that those of one process take turns."""


def _put_in_place(temporary: Path, place: Path, old: Path, *, replace: bool) -> None:
    """Give a temporary folder the name of its place.

    Raises:
        OSError: It cannot be renamed, or the place is taken and `replace` is false.
    """
    if not replace or not place.exists():
        try:
            temporary.rename(place)
        except OSError:
            if not replace or not place.exists():
                raise  # else another process has just written it
        else:
            return
    if not exchange_folders(temporary, place):
        try:
            place.rename(old)
            temporary.rename(place)
        finally:
            if old.exists() and not place.exists():  # restore the old folder, also after Ctrl-C
                old.rename(place)


def heal_folder(path: Path) -> None:
    """Bring a folder back that a process was replacing when it was killed; do nothing in any other case.

    Raises:
        OSError: The folder cannot be renamed.
    """
    place = path.resolve()
    if not place.exists():
        for left in _find_leftovers(place.parent, place.name):
            if left.name.endswith(OLD):
                try:
                    left.rename(place)
                except OSError:
                    if not place.exists():  # else another process has just done the same
                        raise
                return


def remove_leftovers(folder: Path, name: str | None = None) -> None:
    """Remove what killed processes were writing into a folder.

    What a process of another machine or container writes is removed after a day without a change, because it may still run.

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
    """Return the temporary files and folders in a folder that no process writes; of any name, and below too, if it is None."""
    writer = r"([0-9a-f]{12})\.(\d{1,10})\.(\d{1,20})\.([0-9a-f]{12})"
    pattern = re.compile(rf"\.{'.+' if name is None else re.escape(_shorten(name))}\.{writer}(?:{re.escape(OLD)})?")
    found = folder.rglob(".*.*") if name is None else folder.glob(".*.*")
    matches = [(path, pattern.fullmatch(path.name)) for path in found]
    return [path for path, match in matches if match and _is_leftover(path, *match.groups())]


FOREIGN_SECONDS, FOREIGN_OLD_SECONDS = 24 * 3600, 60
"""How long a temporary path of another machine must be unchanged to count as left: one that is written, and a replaced folder.

The processes of another machine or container cannot be seen. A replaced folder exists for the moment between two renames only.
"""


def _is_leftover(path: Path, machine: str, pid: str, start: str, token: str) -> bool:
    """Return whether the writer of a temporary path has ended."""
    writer = ProcessIdentity(machine, int(pid), int(start))
    if writer == ProcessIdentity.of_this_process():
        return token not in _TOKENS
    ended = writer.has_ended()
    if ended is None:
        return _unchanged_seconds(path) > (FOREIGN_OLD_SECONDS if path.name.endswith(OLD) else FOREIGN_SECONDS)
    return ended


def _unchanged_seconds(path: Path) -> float:
    """Return for how long a file or folder tree has not changed, in seconds; 0 if it has just disappeared."""
    try:
        states = [found.lstat() for found in (path, *path.rglob("*"))]
    except OSError:
        return 0.0
    return time.time() - max(max(state.st_mtime, state.st_ctime) for state in states)


def _flush(folder: Path) -> None:
    """Write the files and folders of a folder tree to the disk, so that a power failure cannot leave a renamed folder incomplete."""
    for path in (*folder.rglob("*"), folder):
        _sync(path)


_NO_SYNC = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP)
"""Errors of file systems that cannot write a file to the disk on request."""


def _sync(path: Path) -> None:
    """Write a file, or the names in a folder, to the disk, where the system can.

    Raises:
        OSError: The content cannot be written to the disk.
    """
    if os.name != "posix" and path.is_dir():
        return  # Windows opens no folders
    descriptor = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise
    finally:
        os.close(descriptor)


_LONGEST = 150
"""Bytes of a name that a temporary name repeats: file systems allow 255."""


_TOKENS = set[str]()
"""The temporary paths that this process writes."""


@contextmanager
def _temporary(path: Path) -> Iterator[Path]:
    """Yield a hidden path next to another that no other call uses, in this process or another."""
    writer, token = ProcessIdentity.of_this_process(), secrets.token_hex(6)
    _TOKENS.add(token)
    try:
        yield path.with_name(f".{_shorten(path.name)}.{writer.machine}.{writer.pid}.{writer.start}.{token}")
    finally:
        _TOKENS.discard(token)


def _shorten(name: str) -> str:
    """Return a name, or for a long one its beginning and its hash."""
    encoded = name.encode("utf-8", "surrogateescape")
    if len(encoded) <= _LONGEST:
        return name
    return f"{encoded[:_LONGEST].decode('utf-8', 'ignore')}-{blake2b(encoded, digest_size=8).hexdigest()}"
