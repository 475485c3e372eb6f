"""Progress events of a benchmark."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zoo.benchmark.plan import Plan
from zoo.benchmark.results_folder.row import Row
from zoo.data.checks.finding import Finding


class Progress:
    """Receives the progress events of a benchmark; this base class ignores them."""

    def reading(self) -> None:
        """The experiment is valid; reading the data begins."""

    def waiting(self, holder: str) -> None:
        """Another process holds the folder; this one waits for it."""

    def loaded(self, runs: int) -> None:
        """The data are read and split; `runs` runs follow."""

    def checked(self, findings: Sequence[Finding]) -> None:
        """The task was checked; nothing is fitted yet."""

    def planned(self, plan: Plan) -> None:
        """The runs are known; follows `loaded` in a benchmark."""

    def differs(self, note: str) -> None:
        """Earlier runs in the folder had other threads or libraries; `note` says whether they count, and is empty if there are none."""

    def started(self, label: str, seed: int | None, *, again: str) -> None:
        """A run begins. `again` is empty, or what changed since a run of this name that the folder has: settings, code, threads."""

    def phase(
        self,
        name: str,
        done: int,
        total: int,
        note: str = "",
        *,
        resumed: bool = False,
        seconds_left: float | None = None,
    ) -> None:
        """A run completed `done` of `total` steps of a phase (`fit`, `recommend`, `rank`); `note` is a status message.

        `resumed` is true for the first event of a training that resumes from a checkpoint. `seconds_left` is passed only
        for a training with a `time_limit`: the seconds until the limit ends it.
        """

    def searched(self, search: dict[str, Any]) -> None:
        """The search of a run ended; `search` is `Row.tuning`. A search that was finished before is not told again."""

    def finished(self, row: Row, *, resumed: bool) -> None:
        """A run ended, or (`resumed`) was already finished in the folder."""

    def warned(self, text: str) -> None:
        """Something beside the run failed, such as the hook of a tracker."""

    def report_logs(self, folder: Path) -> None:
        """Training loggers wrote files to a folder, which is kept."""
