"""An estimate of how long a whole benchmark takes, from the pace of its epochs and blocks.

What is measured is extrapolated: the epochs and blocks that remain of a phase, the other seeds of a model that has run. What
early stopping decides is a range: from the fewest epochs to `max_epochs`. A model that has not begun is not guessed: it
counts with the shortest evaluation measured so far, and the estimate is then a lower bound that names these models.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from statistics import fmean

from zoo.benchmark.plan import Plan, PlannedRun

CLOSE = 1.25
"""A range whose ends differ by less than this factor is shown as one value."""
NAMES = 3
"""Number of models without a measurement that the text names."""


@dataclass(frozen=True)
class Estimate:
    """The estimated duration of a whole benchmark in seconds, from its start to its end.

    Attributes:
        low: The lower bound.
        high: The upper bound; None while a model has no measurement.
        unknown: The models without a measurement.
        trains_all: The model and the number of epochs that `high` assumes, or an empty text if it assumes none.
    """

    low: float
    high: float | None
    unknown: tuple[str, ...] = ()
    trains_all: str = ""

    def __str__(self) -> str:
        """Describe the estimate in a line of text."""
        if self.high is None:
            more = len(self.unknown) - NAMES
            names = ", ".join(self.unknown[:NAMES]) + (f" and {more} more" if more > 0 else "")
            return f"at least {_duration(self.low)} in all" + (f" (not measured yet: {names})" if names else "")
        if self.high <= CLOSE * self.low:
            return f"about {_duration(self.high)} in all"
        condition = f" ({_duration(self.high)} if {self.trains_all})" if self.trains_all else ""
        return f"{_duration(self.low)} to {_duration(self.high)} in all{condition}"


@dataclass
class _CurrentRun:
    """Where the current run stands; times are those of the caller's clock.

    Attributes:
        plan: The run.
        begun: When it began.
        last: When the last event came.
        last_fit: When the last event of a fit came.
        name: The phase.
        done: The steps of the phase that are complete.
        total: All steps of the phase.
        since: A step of the phase and when it was complete; the pace is measured from there.
        trainings: Number of fits that have begun.
        pace: Seconds per step of the phase, or None before the first step.
        seconds_left: The seconds until a time limit, or None.
    """

    plan: PlannedRun
    begun: float
    last: float
    last_fit: float
    name: str = ""
    done: int = 0
    total: int = 0
    since: tuple[int, float] = (0, 0.0)
    trainings: int = 0
    pace: float | None = None
    seconds_left: float | None = None


@dataclass
class Forecast:
    """Collects the progress events of a benchmark and estimates its duration.

    Every method takes the current time, so that the arithmetic does not depend on a clock.

    Attributes:
        plan: The runs.
        begun: When the benchmark began.
    """

    plan: Plan
    begun: float
    _durations: dict[str, list[float]] = field(default_factory=dict)
    _evaluations: list[float] = field(default_factory=list)
    _pending: list[PlannedRun] = field(default_factory=list)
    _current: _CurrentRun | None = None

    def __post_init__(self) -> None:
        """Take the durations of the finished runs."""
        self._pending = self.plan.to_do
        for run in self.plan.runs:
            if run.seconds is not None:
                self._durations.setdefault(run.label, []).append(run.seconds)

    def started(self, label: str, seed: int | None, now: float) -> None:
        """Note that a run begins."""
        run = next((r for r in self._pending if (r.label, r.seed) == (label, seed)), PlannedRun(label, seed))
        self._pending = [r for r in self._pending if r is not run]
        self._current = _CurrentRun(run, now, now, now)

    def phase(
        self, name: str, done: int, total: int, now: float, *, resumed: bool = False, seconds_left: float | None = None
    ) -> None:
        """Note that `done` of `total` steps of a phase are complete."""
        run = self._current
        if run is None:
            return
        is_new = name != run.name or done < run.done or run.done == run.total
        if is_new:
            run.since, run.pace = (0, run.last), None
            run.trainings += name == "fit"
        if resumed:
            run.since = (done, now)
        if steps := done - run.since[0]:
            run.pace = (now - run.since[1]) / steps
        run.name, run.done, run.total, run.seconds_left, run.last = name, done, total, seconds_left, now
        run.last_fit = now if name == "fit" else run.last_fit
        if name == "tune":  # the other seeds share the search, so it is no part of the duration of a run
            run.begun = run.last_fit = now

    def finished(self, now: float) -> None:
        """Note that the current run ended."""
        if self._current is not None:
            run, self._current = self._current, None
            self._durations.setdefault(run.plan.label, []).append(now - run.begun)
            self._evaluations.append(now - run.last_fit)

    def estimate(self, now: float) -> Estimate | None:
        """Estimate the whole duration; None before the first epoch or block of a run."""
        run, elapsed = self._current, now - self.begun
        known: dict[str, tuple[float, float | None]] = {n: (fmean(s), fmean(s)) for n, s in self._durations.items()}
        bounds: list[tuple[float, float | None]] = [(elapsed, elapsed)]
        trains_all, unknown = "", dict[str, None]()
        if run is not None:
            if run.pace is None:
                return None
            low, high = self._remaining(run, run.pace, now)
            bounds.append((low, high))
            spent = now - run.begun
            known.setdefault(run.plan.label, (spent + low, None if high is None else spent + high))
            if high is None:
                unknown[run.plan.label] = None
            if run.name == "fit" and run.plan.epochs is not None and run.plan.patience is not None:
                trains_all = f"{run.plan.label} trains all {run.total} epochs"
        shortest = min(self._evaluations, default=0.0)
        for other in self._pending:
            if other.label not in known:
                unknown[other.label] = None
            bounds.append(known.get(other.label, (shortest, None)))
        uppers = [high for _, high in bounds if high is not None]
        whole = sum(uppers) if len(uppers) == len(bounds) else None
        return Estimate(sum(low for low, _ in bounds), whole, tuple(unknown), trains_all)

    def _remaining(self, run: _CurrentRun, pace: float, now: float) -> tuple[float, float | None]:
        """Return the bounds of the seconds that remain of the current run; the upper one is None if unknown."""
        plan, left = run.plan, run.total - run.done
        shortest, longest = min(self._evaluations, default=0.0), max(self._evaluations, default=0.0)
        if run.name != "fit":
            rest = max(pace * left, shortest - (now - run.last_fit))
            if run.name == "tune":
                rest += pace  # the fit with the best settings takes about as long as a trial
            return rest, None if plan.fits is None else rest
        limit = float("inf") if run.seconds_left is None else run.seconds_left
        if plan.fits == 0:
            return pace * left + shortest, pace * left + longest
        steps = min(max(plan.fewest_epochs - run.done, 0), left) if run.trainings == 1 else left
        low = min(pace * steps, limit) + shortest
        if plan.fits is None:
            return low, None
        again = max(plan.fits - run.trainings, 0)
        one_more = min(pace * run.total, plan.time_limit or float("inf"))
        high = min(pace * left, limit) + again * one_more + longest
        return low + again * min(pace, one_more), high


def _duration(seconds: float) -> str:
    """Format a duration for people: seconds, minutes or hours."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return str(timedelta(minutes=round(seconds / 60)))[:-3] + " h"
