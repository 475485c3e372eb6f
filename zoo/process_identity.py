"""Identify a process beyond its number, which containers and long-running machines use again."""

from __future__ import annotations

import os
import socket
import sys
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path

ENDED_STATES = ("Z", "X")
"""States of a Linux process that has ended and still has a number, because its parent has not read its exit status."""


@dataclass(frozen=True)
class ProcessIdentity:
    """A process of a machine.

    Attributes:
        machine: A hash of the boot and the PID namespace on Linux, of the host name elsewhere. Within it a number means one process.
        pid: The number of the process.
        start: When it started, in ticks since the boot on Linux, in milliseconds since 1970 elsewhere; 0 if it is unknown.
    """

    machine: str
    pid: int
    start: int

    @classmethod
    def of_this_process(cls) -> ProcessIdentity:
        """Describe this process."""
        return _identity(os.getpid())  # a forked process has another one

    def has_ended(self) -> bool | None:
        """Return whether the process has ended; None if it belongs to another machine or PID namespace."""
        if self.machine != _machine():
            return None
        start = _start(self.pid)
        return start is None or (0 not in (start, self.start) and start != self.start)


@cache
def _identity(pid: int) -> ProcessIdentity:
    return ProcessIdentity(_machine(), pid, _start(pid) or 0)


@cache
def _machine() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        name = f"{boot} {os.stat('/proc/self/ns/pid').st_ino}"
    except OSError:
        name = socket.gethostname()
    return blake2b(name.encode(), digest_size=6).hexdigest()


def _start(pid: int) -> int | None:
    """Return when a process started; 0 if that cannot be read, None if it has ended."""
    if sys.platform != "linux":
        return _start_elsewhere(pid)
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return None
    except OSError:  # of another user
        pass
    try:
        if os.readlink("/proc/self") != str(os.getpid()):  # /proc shows the numbers of another namespace
            return 0
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return None if fields[0] in ENDED_STATES else int(fields[19])
    except (OSError, ValueError, IndexError):  # hidden from this user
        return 0


def _start_elsewhere(pid: int) -> int | None:
    """Return when a process started, on macOS and Windows."""
    import psutil

    try:
        return int(psutil.Process(pid).create_time() * 1000)
    except psutil.NoSuchProcess:
        return None
    except psutil.Error:  # of another user
        return 0
