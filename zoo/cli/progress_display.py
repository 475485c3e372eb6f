"""Show the progress of a benchmark or a fit: bars on a terminal, occasional lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress
from rich.text import Text

from zoo.benchmark.forecast import Forecast
from zoo.benchmark.progress import Progress
from zoo.benchmark.tables.check_report import format_finding
from zoo.benchmark.tables.comparison_tables import seconds
from zoo.benchmark.tuning.report import format_search
from zoo.cli.output import console
from zoo.data.checks.finding import Finding, open_findings
from zoo.text_safety import show, show_lines

if TYPE_CHECKING:
    from pathlib import Path

    from zoo.benchmark.plan import Plan
    from zoo.benchmark.results_folder.row import Row

SILENCE = 30.0
"""Minimum seconds between progress lines of a run without a terminal."""
FORECAST_SILENCE = 600.0
"""Minimum seconds between two printed estimates of the whole duration."""


class NotedBars(RichProgress):
    """Progress bars with a line of text below."""

    note = ""

    def get_renderables(self) -> Iterable[RenderableType]:
        """Yield the bars, and the note if there is one."""
        yield from super().get_renderables()
        if self.note:
            yield Text(self.note, style="dim", overflow="ellipsis", no_wrap=True)


class Bars(Progress):
    """Two bars: the runs, and the phase of the current run with a note below. Without a terminal, lines instead."""

    _forecast: Forecast | None
    _forecast_at: float | None

    def __init__(self, bars: NotedBars, clock: Callable[[], float] = time.monotonic) -> None:
        self._bars, self._clock = bars, clock
        self._runs = bars.add_task("reading data", total=None)
        self._phase = bars.add_task("", total=None, visible=False)
        self._label = self._name = ""
        self._again = dict[str, str]()
        self._at_once = False
        self.logs: Path | None = None
        self._done = self._of = self._at = 0
        self._since = 0, clock()
        self._begun, self._forecast, self._forecast_at, self._measured = clock(), None, None, False
        self._guessed = False
        self._last = self._said = clock()

    def reading(self) -> None:
        """Print that the data are being read, if there is no bar."""
        if not self._bars.console.is_terminal:
            self._bars.console.print("reading data ...")

    def loaded(self, runs: int) -> None:
        """Show the number of runs."""
        self._of = runs
        self._bars.update(self._runs, description="runs", total=runs)

    def checked(self, findings: Sequence[Finding]) -> None:
        """Print the findings that are not accepted."""
        for finding in open_findings(findings):
            self._bars.console.print(format_finding(finding), style="yellow", markup=False, soft_wrap=True)

    def planned(self, plan: Plan) -> None:
        """Print the plan, and begin to estimate the whole duration of runs that are done one after the other."""
        for line in plan.lines():
            self._bars.console.print(line, markup=False, soft_wrap=True)
        self._at_once = plan.at_once
        if not plan.at_once:
            self._forecast = Forecast(plan, self._begun)

    def differs(self, note: str) -> None:
        """Print in what earlier runs of the folder differ."""
        if note:
            self._bars.console.print(note, style="yellow", markup=False, soft_wrap=True)

    def started(self, label: str, seed: int | None, *, again: str) -> None:
        """Show which run begins."""
        if self._forecast is not None:
            self._forecast.started(label, seed, self._clock())
        self._label = _run_name(label, seed)
        self._again[self._label] = again
        if self._at_once:  # a phase would be that of one of several runs
            return
        self._last = self._said = self._clock()
        self._begin("fit")
        if not self._bars.console.is_terminal:
            self._say("fit ...", place=self._done + 1)

    def waiting(self, holder: str) -> None:
        """Print which process this one waits for."""
        self._bars.console.print(f"waiting for {holder} ...", markup=False, soft_wrap=True)

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
        """Show progress, note and the remaining time: at most, since a training may end early and a time limit bounds it."""
        now = self._clock()
        if name != self._name or done < self._at:
            self._begin(name)
        if not self._at:  # the epochs before a resumed training took no time in this run
            self._since = (0, self._last) if done == 1 and not resumed else (done, now)
        self._at, self._last = done, now
        if resumed:
            self._say(note, place=self._done + 1)
        self._estimate(name, done, total, now, resumed=resumed, seconds_left=seconds_left)
        steps, elapsed = done - self._since[0], now - self._since[1]
        pace = elapsed / steps * (total - done) if steps else None
        bounds = [bound for bound in (pace, seconds_left) if bound is not None]
        bound = "about" if name == "tune" else "at most"  # the trials of a search differ
        left = f"{bound} {_duration(min(bounds))} left" if bounds and done < total else ""
        self._bars.note = ", ".join(filter(None, (left, note)))
        self._bars.update(self._phase, completed=done, total=total)
        if not self._bars.console.is_terminal and now - self._said >= SILENCE:
            self._said = now
            parts = (f"{name} {done}/{total} in {_duration(elapsed)}", left, note)
            self._say(", ".join(filter(None, parts)), place=self._done + 1)

    def searched(self, search: dict[str, Any]) -> None:
        """Print what a search found."""
        self._say(f"tuned, {format_search(search)}", place=self._done + 1)

    def finished(self, row: Row, *, resumed: bool) -> None:
        """Print how a run ended, or that it was already finished."""
        self._done += 1
        self._label = _run_name(row.label, row.seed)
        again = self._again.pop(self._label, "")
        first = self._forecast is not None and not resumed and not self._measured
        if self._forecast is not None and not resumed:
            self._forecast.finished(self._clock())
            self._measured = True
        if row.error:
            self._say(f"failed: {row.error}", style="red")
        elif resumed:
            self._say("already finished", style="dim")
        elif again or not self._bars.console.is_terminal:
            why = f", repeated because of a change: {again}" if again else ""
            self._say(f"fitted in {seconds(row.fit_seconds)} s{why}")
        for note in row.notes if not resumed else ():
            self._say(f"note: {note}", style="yellow")
        self._bars.advance(self._runs)
        if first and self._done < self._of:  # what comes after the fits is measured from now on
            self._tell_estimate(self._clock(), again=True)
        self._bars.note = ""
        self._bars.update(self._phase, visible=False)

    def warned(self, text: str) -> None:
        """Print what failed beside the run."""
        self._bars.console.print(show_lines(text), style="yellow", markup=False, soft_wrap=True)

    def report_logs(self, folder: Path) -> None:
        """Remember the folder of the logs, to print it at the end."""
        self.logs = folder

    def _estimate(self, name: str, done: int, total: int, now: float, **more: Any) -> None:
        """Show the estimate of the whole duration: on the bar of the runs, and as a line now and then."""
        if self._forecast is None:
            return
        self._forecast.phase(name, done, total, now, **more)
        self._tell_estimate(now)

    def _tell_estimate(self, now: float, *, again: bool = False) -> None:
        """Show the estimate, if there is one.

        Its line is printed now and then, when a likely duration is known for the first time, and with `again` in any case.
        """
        estimate = None if self._forecast is None else self._forecast.estimate(now)
        if estimate is None:
            return
        self._bars.update(self._runs, description=f"runs, {estimate}")
        guessed, self._guessed = self._guessed, self._guessed or estimate.likely is not None
        if (
            again
            or self._forecast_at is None
            or self._guessed > guessed
            or (not self._bars.console.is_terminal and now - self._forecast_at >= FORECAST_SILENCE)
        ):
            self._forecast_at = now
            self._bars.console.print(f"estimate: {estimate}", markup=False, soft_wrap=True)

    def _begin(self, name: str) -> None:
        """Show an empty bar for a phase; a model that is fitted twice shows `fit` twice."""
        self._name, self._at = name, 0
        self._bars.note = ""
        self._bars.remove_task(self._phase)  # resetting a bar would keep its total
        self._phase = self._bars.add_task(f"{escape(show(self._label))}: {name}", total=None)

    def _say(self, text: str, *, place: int | None = None, style: str | None = None) -> None:
        """Print a line about the current run."""
        at = f"{place or self._done}/{self._of} {self._label}"
        self._bars.console.print(show_lines(f"{at}: {text}"), markup=False, style=style, soft_wrap=True)


@contextmanager
def bars() -> Iterator[Bars]:
    """Show progress on stderr inside the context, and remove the bars at the end."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    out = console(stderr=True)
    shown = NotedBars(*columns, console=out, transient=True, disable=not out.is_terminal)
    with shown if out.is_terminal else nullcontext():  # before rich 15, bars that are disabled end with an empty line
        yield Bars(shown)


def _run_name(label: str, seed: int | None) -> str:
    """Return the name of a run."""
    return label if seed is None else f"{label}, seed {seed}"


def _duration(value: float) -> str:
    """Format a duration as hours, minutes and seconds."""
    return str(timedelta(seconds=round(value)))
