"""What a benchmark tells whoever watches it."""

from __future__ import annotations

from pathlib import Path

from zoo.benchmark.store import Row


class Progress:
    """Told what a benchmark is doing; this one does nothing with it."""

    def reading(self) -> None:
        """The experiment is in order; its data are read next."""

    def loaded(self, runs: int) -> None:
        """The data are read and split; so many runs follow."""

    def started(self, label: str, seed: int | None, *, again: bool) -> None:
        """A run begins; `again` where one of its name is kept that something else made."""

    def phase(self, name: str, done: int, total: int, note: str = "", *, resumed: bool = False) -> None:
        """A run is at `done` of `total` of a phase (`fit`, `recommend`, `rank`); `note` says how it goes.

        `resumed` marks the first report of a training that resumes from a checkpoint.
        """

    def finished(self, row: Row, *, resumed: bool) -> None:
        """A run ended; or, without having begun, was found finished in the folder."""

    def logs_kept(self, folder: Path) -> None:
        """Loggers wrote files of a training to a folder, which stays."""
