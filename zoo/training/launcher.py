"""What starts the processes of a training on a cluster: an executor of a plugin sets it for the runs that it does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Protocol


class Launcher(Protocol):
    """Starts the processes of a training on a cluster."""

    @property
    def folder(self) -> Path:
        """A folder that all nodes see under this path, for the results of the processes."""

    def launch(self, rank: Callable[[], None], devices: int, nodes: int | None) -> None:
        """Call `rank` in several processes, and wait until all have ended.

        Each process has the environment variables of a process of torchrun: `RANK`, `LOCAL_RANK`, `WORLD_SIZE`, `LOCAL_WORLD_SIZE`,
        `MASTER_ADDR` and `MASTER_PORT`.

        Args:
            rank: Trains as one process; can be pickled.
            devices: The number of processes.
            nodes: The number of machines, with as many processes on each; None where it does not matter.

        Raises:
            ZooError: There is no room for the processes, or one was lost.
            Exception: `rank` raised an error, which it has also written down.
        """


_LAUNCHER: ContextVar[Launcher | None] = ContextVar("launcher", default=None)


def launcher_of_this_run() -> Launcher | None:
    """Return what starts the processes of trainings; None to start them on this machine."""
    return _LAUNCHER.get()


@contextmanager
def launching_by(launcher: Launcher | None) -> Iterator[None]:
    """Let a launcher start the processes of the trainings in a block."""
    token = _LAUNCHER.set(launcher)
    try:
        yield
    finally:
        _LAUNCHER.reset(token)
