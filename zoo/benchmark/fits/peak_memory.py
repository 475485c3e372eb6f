"""The peak memory of a block of code in this process."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from zoo.benchmark.machine import MIB


def _no_memory() -> float:
    return 0.0


def _no_reset() -> None:
    return None


@dataclass
class PeakMemory:
    """Peak memory of this process, in MiB.

    Attributes:
        mib: The peak, complete when the block has ended.
        read: Returns the peak since the last reset.
        reset: Forgets the peak so far, where the system can.
    """

    mib: float = 0.0
    read: Callable[[], float] = _no_memory
    reset: Callable[[], None] = _no_reset

    def so_far(self) -> float:
        """Return the peak since the start of the block."""
        self.raise_to(self.read())
        return self.mib

    def raise_to(self, mib: float) -> None:
        """Count a peak that was measured elsewhere."""
        self.mib = max(self.mib, mib)

    @contextmanager
    def part(self) -> Iterator[PeakMemory]:
        """Measure the peak of a part of the block by itself, where the system can forget what came before."""
        self.so_far()
        self.reset()
        part = PeakMemory(read=self.read, reset=self.reset)
        try:
            yield part
        finally:
            self.raise_to(part.so_far())

    @contextmanager
    def ignored(self) -> Iterator[None]:
        """Do not count what a block of code needs, where the system can forget it."""
        self.so_far()
        try:
            yield
        finally:
            self.reset()


@contextmanager
def peak_memory() -> Iterator[PeakMemory]:
    """Measure the peak resident memory of a block of code.

    On Linux the kernel's high-water mark is reset at the start. If that is not allowed, a thread samples the resident
    size every 10 ms. On other systems the result is the peak since the process started.
    """
    if _reset_high_water_mark():
        peak = PeakMemory(read=lambda: _status_mib("VmHWM"), reset=_forget)
        yield peak
    elif Path("/proc/self/status").exists():
        with _sampled() as peak:
            yield peak
    else:
        peak = PeakMemory(read=lambda: _peak_since_start() / MIB)
        yield peak
    peak.so_far()


@contextmanager
def _sampled() -> Iterator[PeakMemory]:
    """Measure the peak of the resident size in a thread that reads it every 10 ms."""
    done, largest = threading.Event(), [0.0]

    def watch() -> None:
        while not done.wait(0.01):
            largest[0] = max(largest[0], _status_mib("VmRSS"))

    def reset() -> None:
        largest[0] = 0.0

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield PeakMemory(read=lambda: largest[0], reset=reset)
    finally:
        done.set()
        thread.join()


def _peak_since_start() -> int:
    """Return the peak resident memory since the process started, in bytes, on a system other than Linux."""
    try:
        import resource
    except ImportError:  # Windows
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _forget() -> None:
    _reset_high_water_mark()


def _reset_high_water_mark() -> bool:
    """Reset the kernel's peak memory of this process; return whether it succeeded."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return False
    return _status_mib("VmHWM") <= _status_mib("VmRSS") + 64


def _status_mib(key: str) -> float:
    """Return a size from `/proc/self/status`, in MiB."""
    for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) / 1024
    return 0.0
