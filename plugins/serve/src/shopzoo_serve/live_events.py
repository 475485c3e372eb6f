"""The events that a server receives: the latest of each user in memory, and an append-only log on disk that a restart reads back.

A line of the log is a JSON array of user, item, time and event type. A line that a killed process left without its end is removed, and its
events were never acknowledged. The log is written anew when most of its lines are of events that are no longer held.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple

from filelock import FileLock, Timeout

from zoo.api import ConfigError, RequestEvent

Fsync = Literal["always", "never"]
LOG = "events.jsonl"
SLACK = 10_000
"""Lines that the log may have beyond twice the events that are held, before it is written anew."""
RETRY_SECONDS = 5.0
"""How long to wait before a log that could not be written is tried again."""


class LiveEvent(NamedTuple):
    """An event of a user."""

    user_id: str
    item_id: str
    time: int
    event: str | None

    @property
    def line(self) -> bytes:
        """Return the line of the log."""
        return json.dumps(self, separators=(",", ":")).encode() + b"\n"


class LiveEvents:
    """The latest events of each user.

    Args:
        folder: Where the log is; None holds the events in memory only.
        fsync: Whether an event is on the disk (`always`), or with the operating system (`never`), before it is acknowledged.
        per_user: The most events of a user that are held, the latest ones.
        most: The most events that are held; those of the users who came longest ago go first.

    Raises:
        ConfigError: Another server uses the folder, or it cannot be used.
    """

    def __init__(
        self, folder: Path | None, *, fsync: Fsync = "always", per_user: int = 500, most: int = 1_000_000
    ) -> None:
        self._fsync, self._per_user, self._most = fsync, per_user, most
        self._users: OrderedDict[str, list[LiveEvent]] = OrderedDict()
        self._guard = threading.Lock()
        self._n = self._lines = 0
        self._file: BinaryIO | None = None
        self._retry_at = 0.0
        self.problem = ""
        self._path = None if folder is None else folder / LOG
        if folder is not None:
            self._open(folder)

    def __len__(self) -> int:
        """Return the number of events that are held."""
        return self._n

    def of(self, user_id: str) -> list[RequestEvent]:
        """Return the events of a user in the order in which they came."""
        with self._guard:
            return [RequestEvent(event.item_id, event.time, event.event) for event in self._users.get(user_id, ())]

    def append(self, batches: Sequence[Sequence[LiveEvent]]) -> list[bool]:
        """Log the events of several requests with one write, then hold them; return for each request whether it is logged.

        If the log cannot be written, the events are held all the same, and `problem` says why.
        """
        events = [event for batch in batches for event in batch]
        logged = self._write(events)
        self._hold(events)
        if self.problem and not logged:
            logged = self._recover()
        elif self._file is not None and self._lines > 2 * self._n + SLACK:
            self._recover()
        return [logged] * len(batches)

    def close(self) -> None:
        """Close the log."""
        if self._file is not None:
            self._file.close()
            self._lock.release()

    def _open(self, folder: Path) -> None:
        """Read the log back, and open it to append."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(folder / "lock", thread_local=False)
            self._lock.acquire(timeout=0)
        except Timeout:
            raise ConfigError(f"{folder} is used by another server. Give each server a --state of its own.") from None
        except OSError as error:
            raise ConfigError(f"{folder} cannot hold the events ({error}). Give another folder with --state.") from None
        assert self._path is not None
        self._file = self._path.open("ab+")
        self._file.seek(0)
        end = 0
        for line in self._file:
            if not line.endswith(b"\n"):
                break
            end += len(line)
            if (event := _read(line)) is not None:
                self._hold([event])
            self._lines += 1
        self._file.truncate(end)

    def _hold(self, events: Sequence[LiveEvent]) -> None:
        """Add events, and drop the oldest beyond the bounds."""
        with self._guard:
            for event in events:
                held = self._users.setdefault(event.user_id, [])
                self._users.move_to_end(event.user_id)
                held.append(event)
                self._n += 1
                if len(held) > self._per_user:
                    del held[0]
                    self._n -= 1
            while self._n > self._most:
                _, oldest = self._users.popitem(last=False)
                self._n -= len(oldest)

    def _write(self, events: Sequence[LiveEvent]) -> bool:
        """Append events to the log; return whether they are there."""
        if self._file is None:
            return False
        if self.problem:  # lines are missing: it is written anew, not continued
            return False
        end = self._file.seek(0, os.SEEK_END)
        try:
            self._file.write(b"".join(event.line for event in events))
            self._sync(self._file)
        except OSError as error:
            self.problem = f"the log of events cannot be written ({error}): events are held in memory only"
            self._retry_at = time.monotonic() + RETRY_SECONDS
            self._drop_rest(end)
            return False
        self._lines += len(events)
        return True

    def _drop_rest(self, end: int) -> None:
        """Remove the part of a write that failed, and what Python still holds of it."""
        assert self._file is not None
        assert self._path is not None
        with suppress(OSError):
            self._file.close()  # writes its buffer, which fails again
        with suppress(OSError):
            os.truncate(self._path, end)
        with suppress(OSError):
            self._file = self._path.open("ab+")

    def _recover(self) -> bool:
        """Write the log anew with the events that are held; return whether it was written."""
        if self._path is None or time.monotonic() < self._retry_at:
            return False
        with self._guard:
            events = [event for held in self._users.values() for event in held]
        fresh = self._path.with_suffix(".new")
        try:
            with fresh.open("wb") as file:
                file.writelines(event.line for event in events)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path)
            descriptor = os.open(self._path.parent, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            old, self._file = self._file, self._path.open("ab+")
        except OSError:  # a log that is only too long goes on as it is
            self._retry_at = time.monotonic() + RETRY_SECONDS
            with suppress(OSError):
                fresh.unlink()
            return False
        if old is not None:
            with suppress(OSError):
                old.close()
        self._lines, self.problem = len(events), ""
        return True

    def _sync(self, file: BinaryIO) -> None:
        """Give what was written to the operating system, and to the disk if the policy says so."""
        file.flush()
        if self._fsync == "always":
            os.fsync(file.fileno())


def _read(line: bytes) -> LiveEvent | None:
    """Return the event of a line; None for a damaged one."""
    try:
        found: Any = json.loads(line)
        user, item, moment, event = found
    except ValueError:
        return None
    good = isinstance(user, str) and isinstance(item, str) and type(moment) is int
    return LiveEvent(user, item, moment, event) if good and isinstance(event, str | None) else None
