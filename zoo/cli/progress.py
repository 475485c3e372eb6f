"""Progress bars of a benchmark: the runs, and what the current one is doing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress

from zoo.benchmark.progress import Progress
from zoo.benchmark.tables import seconds
from zoo.cli.output import console

if TYPE_CHECKING:
    from zoo.benchmark.store import Row
    from zoo.data.task import Task


class Bars(Progress):
    """Two bars: the runs, and the phase of the current one. Where there is no terminal, a line for each run instead."""

    def __init__(self, bars: RichProgress) -> None:
        self._bars = bars
        self._runs = bars.add_task("reading data", total=None)
        self._phase = bars.add_task("", total=None, visible=False)
        self._label = ""
        self._again = False
        self._done = self._of = 0

    def loaded(self, task: Task, runs: int) -> None:
        """Show how many runs there are."""
        self._of = runs
        self._bars.update(self._runs, description="runs", total=runs)

    def started(self, label: str, seed: int | None, *, again: bool) -> None:
        """Show which run begins, and say where it was made before."""
        self._again = again
        self._label = label if seed is None else f"{label}, seed {seed}"
        self._bars.reset(self._phase, total=None, description=f"{self._label}: fit", visible=True)

    def phase(self, name: str, done: int, total: int) -> None:
        """Show how far it is."""
        self._bars.update(self._phase, description=f"{self._label}: {name}", completed=done, total=total)

    def finished(self, row: Row, *, resumed: bool) -> None:
        """Say how a run ended, and show the next."""
        self._done += 1
        out, place = self._bars.console, f"{self._done}/{self._of} {self._label}"
        if row.error:
            out.print(f"{place}: failed: {row.error}", markup=False, style="red")
        elif resumed:
            out.print(f"{place}: was finished before", markup=False, style="dim")
        elif self._again or not out.is_terminal:
            why = ", made again: the model, the settings or the code changed" if self._again else ""
            out.print(f"{place}: fitted in {seconds(row.fit_seconds)} s{why}", markup=False)
        self._bars.advance(self._runs)
        self._bars.update(self._phase, visible=False)


@contextmanager
def bars() -> Iterator[Bars]:
    """Show progress on stderr while a benchmark runs, and leave nothing of it behind."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    out = console(stderr=True)
    with RichProgress(*columns, console=out, transient=True, disable=not out.is_terminal) as shown:
        yield Bars(shown)
