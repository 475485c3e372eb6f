"""A lock for a folder, so that two processes do not write the same results.

The operating system holds the lock and releases it when the process ends, however it ends: a lock cannot become stale.
Where a file system has no flock, filelock falls back to a marker file, which a killed process may leave behind.
A small file beside it says who holds it, for messages.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from zoo.atomic import write_atomically
from zoo.errors import ResultsError

LOCK, HOLDER = ".lock", ".lock.json"
"""The locked file, and the file that describes the process that holds the lock."""

POLL_SECONDS = 0.5
"""How often a waiting process tries again."""


@dataclass(frozen=True)
class Holder:
    """The process that holds a lock.

    Attributes:
        pid: The id of the process.
        host: The name of its machine.
        since: When it took the lock, in ISO format with time zone.
    """

    pid: int
    host: str
    since: str

    @classmethod
    def of_this_process(cls) -> Holder:
        """Describe this process."""
        return cls(os.getpid(), socket.gethostname(), datetime.now(UTC).isoformat(timespec="seconds"))

    def __str__(self) -> str:
        """Describe the holder in a message."""
        since = datetime.fromisoformat(self.since)
        return f"process {self.pid} on {self.host} (since {since:%Y-%m-%d %H:%M:%S} UTC)"


@contextmanager
def lock_folder(
    folder: Path, *, wait: bool = False, waiting: Callable[[str], None] = lambda holder: None
) -> Iterator[None]:
    """Hold the lock of a folder, which is created if needed; an empty folder is removed at the end.

    Args:
        folder: The folder to write to.
        wait: Whether to wait until another process releases the lock.
        waiting: Receives the holder of the lock, once, before waiting for it.

    Raises:
        ResultsError: Another process holds the lock and `wait` is false, or the folder cannot be written.
    """
    lock = _acquire(folder, waiting if wait else None)
    try:
        with suppress(OSError), write_atomically(folder / HOLDER) as file:  # for messages only: the lock is held
            file.write_text(json.dumps(asdict(Holder.of_this_process())), encoding="utf-8")
        yield
    finally:
        with suppress(OSError):
            (folder / HOLDER).unlink(missing_ok=True)
            (folder / LOCK).unlink(missing_ok=True)  # a process that waits notices this, and takes a new file
        lock.release()
        with suppress(OSError):
            folder.rmdir()  # only if it is empty


def _acquire(folder: Path, waiting: Callable[[str], None] | None) -> BaseFileLock:
    """Acquire the lock of a folder.

    Raises:
        ResultsError: Another process holds the lock and `waiting` is None, or the folder cannot be written.
    """
    has_waited = False
    while True:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(folder / LOCK)
            lock.acquire(timeout=POLL_SECONDS if has_waited else 0)
        except Timeout:
            if waiting is None:
                raise ResultsError(
                    f"{folder} is in use by {_read_holder(folder)}. Wait for it with --wait (in Python, wait=True), stop it, or "
                    "choose another folder."
                ) from None
            if not has_waited:
                waiting(_read_holder(folder))
            has_waited = True
        except OSError as error:
            if _was_removed(error):
                continue
            raise ResultsError(
                f"{folder} cannot be written: {error.strerror or error}. Choose another folder, or correct its permissions."
            ) from error
        else:
            return lock


def _was_removed(error: OSError) -> bool:
    """Return whether an error says only that the holder has just removed the folder, which was empty."""
    if isinstance(error, FileNotFoundError):
        return True
    # mkdir(exist_ok=True) looks for the folder once more after it exists already: a file or a broken link is still there.
    return isinstance(error, FileExistsError) and (Path(error.filename).is_dir() or not os.path.lexists(error.filename))


def is_lock_file(path: Path) -> bool:
    """Return whether a file belongs to the lock of its folder."""
    return path.name == LOCK or path.name.startswith((HOLDER, f".{HOLDER}."))


def _read_holder(folder: Path) -> str:
    """Describe the holder of a lock."""
    try:
        return str(Holder(**json.loads((folder / HOLDER).read_text(encoding="utf-8"))))
    except (OSError, ValueError, TypeError):  # it has just taken the lock, or could not write
        return "another process"
