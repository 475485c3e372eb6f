"""An estimate of how long a whole benchmark takes, from the pace of its epochs and blocks.

What is measured is extrapolated: the epochs and blocks that remain of a phase, the other seeds of a model that has run. What
early stopping decides is a range, from the fewest epochs to `max_epochs`, with a likely end between. A model
that has not begun counts with the shortest evaluation measured so far in the lower bound and has no upper bound. What is likely
is guessed for networks, from the pace of the others in proportion to the work of an epoch. Beside networks, a model that does not train
in epochs is likely to take as long as those that have run; without networks nothing is guessed.
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
PATIENCES, CHOSEN_SHARE = 3, 0.8
"""After how many times its fewest epochs early stopping is likely to end a training: after 1.8 to 5.4 times where it was measured; and
after which share of a number of epochs that an experiment sets: .53 to 1 in examples/sequential.toml."""
PATIENCE_SHARE = 0.1
"""The patience that the data choose, as a share of the epochs that they choose."""


@dataclass(frozen=True)
class Span:
    """Seconds that something takes.

    Attributes:
        low: The lower bound.
        likely: What it is likely to take; None if nothing is known to guess from.
        high: The upper bound; None if there is none.
    """

    low: float
    likely: float | None
    high: float | None

    @classmethod
    def exactly(cls, seconds: float) -> Span:
        """Return the span of a measured time."""
        return cls(seconds, seconds, seconds)

    def __add__(self, other: Span) -> Span:
        """Return the span of one thing after another."""
        return Span(self.low + other.low, _sum(self.likely, other.likely), _sum(self.high, other.high))


def _sum(first: float | None, second: float | None) -> float | None:
    """Return the sum of two times, None if one is unknown."""
    return None if first is None or second is None else first + second


@dataclass(frozen=True)
class Estimate:
    """The estimated duration of a whole benchmark in seconds, from its start to its end.

    Attributes:
        low: The lower bound.
        high: The upper bound; None while a model has no measurement.
        likely: What is likely; None while nothing is known to guess from.
        unknown: The models without a measurement.
        trains_all: The model and the number of epochs that `high` assumes, or an empty text if it assumes none.
    """

    low: float
    high: float | None
    likely: float | None = None
    unknown: tuple[str, ...] = ()
    trains_all: str = ""

    def __str__(self) -> str:
        """Describe the estimate in a line of text."""
        if self.high is None:
            more = len(self.unknown) - NAMES
            names = ", ".join(self.unknown[:NAMES]) + (f" and {more} more" if more > 0 else "")
            least = f"at least {_duration(self.low)}"
            start = f"{least} in all" if self.likely is None else f"about {_duration(self.likely)} in all, {least}"
            return start + (f" (not measured yet: {names})" if names else "")
        if self.high <= CLOSE * self.low:
            return f"about {_duration(self.high)} in all"
        likely = "" if self.likely is None else f"about {_duration(self.likely)} in all, "
        condition = f" ({_duration(self.high)} if {self.trains_all})" if self.trains_all else ""
        return f"{likely}{_duration(self.low)} to {_duration(self.high)}{'' if likely else ' in all'}{condition}"


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
        _paces: Seconds per work of an epoch, by label.
    """

    plan: Plan
    begun: float
    _durations: dict[str, list[float]] = field(default_factory=dict)
    _paces: dict[str, float] = field(default_factory=dict)
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
        if name == "fit" and run.pace is not None and run.plan.work:
            self._paces[run.plan.label] = run.pace / run.plan.work
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
        run = self._current
        known = {label: Span.exactly(fmean(seconds)) for label, seconds in self._durations.items()}
        whole, trains_all, unknown = Span.exactly(now - self.begun), "", dict[str, None]()
        if run is not None:
            if run.pace is None:
                return None
            left = self._remaining(run, run.pace, now)
            whole += left
            known.setdefault(run.plan.label, self._of_other_seeds(run, left, now))
            if left.high is None:
                unknown[run.plan.label] = None
            if run.name == "fit" and run.plan.epochs is not None and run.plan.patience is not None:
                trains_all = f"{run.plan.label} trains all {run.total} epochs"
        for other in self._pending:
            if other.label in known:
                whole += known[other.label]
                continue
            first = other.label not in unknown
            unknown[other.label] = None
            whole += Span(min(self._evaluations, default=0.0), self._guess(other, searches=first), None)
        return Estimate(whole.low, whole.high, whole.likely, tuple(unknown), trains_all)

    def _of_other_seeds(self, run: _CurrentRun, left: Span, now: float) -> Span:
        """Return the seconds of another seed of the current run, which shares its search."""
        if run.name == "tune":
            search = (run.pace or 0.0) * (run.total - run.done)
            return Span(left.low - search, _sum(left.likely, -search), _sum(left.high, -search))
        return Span.exactly(now - run.begun) + left

    def _guess(self, plan: PlannedRun, *, searches: bool) -> float | None:
        """Return the likely seconds of a run whose model has not begun, from those of others; None if there are none.

        Args:
            plan: The run.
            searches: Whether its settings are searched first; the seeds of a model share a search.
        """
        if not self._paces or (plan.epochs is not None and plan.work is None):
            return None
        evaluation = min(self._evaluations, default=0.0)
        if plan.epochs is None or plan.work is None:
            others = [fmean(self._durations[run.label]) for run in self.plan.runs if self._is_measured(run)]
            training = whole = fmean(others) if others else evaluation
        else:
            pace, epochs = fmean(self._paces.values()) * plan.work, _likely_epochs(plan, plan.epochs)
            training, whole = pace * epochs, pace * _likely_epochs_of_all(plan, epochs) + evaluation
        search = 0.0 if plan.trials is None else plan.trials * training
        search = search if plan.minutes is None else 60 * plan.minutes
        return whole + (search if searches else 0.0)

    def _is_measured(self, run: PlannedRun) -> bool:
        """Return whether a run of a model that does not train in epochs has been measured."""
        return run.epochs is None and run.label in self._durations

    def _remaining(self, run: _CurrentRun, pace: float, now: float) -> Span:
        """Return the seconds that remain of the current run."""
        plan, left = run.plan, run.total - run.done
        shortest, longest = min(self._evaluations, default=0.0), max(self._evaluations, default=0.0)
        if run.name == "tune":  # the fit with the best settings takes about as long as a trial
            fit = pace * max(plan.fits or 1, 1) if plan.minutes is None else self._guess(plan, searches=False)
            low = pace * left + (pace if plan.minutes is None else 0.0)
            return Span(low, _sum(pace * left, fit), None if plan.minutes is not None or plan.fits is None else low)
        if run.name != "fit":
            rest = max(pace * left, shortest - (now - run.last_fit))
            return Span(rest, rest, None if plan.fits is None else rest)
        limit = float("inf") if run.seconds_left is None else run.seconds_left
        if plan.fits == 0:
            return Span(pace * left + shortest, pace * left + longest, pace * left + longest)
        steps = min(max(plan.fewest_epochs - run.done, 0), left) if run.trainings == 1 else left
        low = min(pace * steps, limit) + shortest
        again = max((plan.fits or 1) - run.trainings, 0)
        one_more = min(pace * run.total, plan.time_limit or float("inf"))
        likely_end = max(_likely_epochs(plan, run.total), run.done + steps) if run.trainings == 1 else run.total
        likely_refit = min(pace * _epochs_before_patience(plan, likely_end), one_more)
        likely = min(pace * (likely_end - run.done), limit) + again * likely_refit + shortest
        if plan.fits is None:
            return Span(low, likely, None)
        high = min(pace * left, limit) + again * one_more + longest
        return Span(low + again * min(pace, one_more), likely, high)


def _likely_epochs(plan: PlannedRun, epochs: int) -> float:
    """Return after how many of at most `epochs` epochs the first training of a run is likely to end."""
    if plan.patience is None:
        return epochs
    likely = PATIENCES * _fewest_epochs(plan, epochs) if plan.more_on_small_data else CHOSEN_SHARE * epochs
    return min(max(likely, plan.fewest_epochs), epochs)


def _fewest_epochs(plan: PlannedRun, epochs: float) -> float:
    """Return after how many epochs early stopping can end a training of at most `epochs` epochs."""
    by_data = PATIENCE_SHARE * epochs + 1 if plan.more_patience_on_small_data else 0.0
    return max(plan.fewest_epochs, by_data)


def _epochs_before_patience(plan: PlannedRun, trained: float) -> float:
    """Return the epoch that was the best if early stopping ended a training after `trained` epochs; a refit trains as many."""
    return trained if plan.patience is None else max(trained - (plan.fewest_epochs - 1), 1)


def _likely_epochs_of_all(plan: PlannedRun, epochs: float) -> float:
    """Return the likely epochs of all trainings of a run whose first one takes `epochs`."""
    return epochs + max((plan.fits or 1) - 1, 0) * _epochs_before_patience(plan, epochs)


def _duration(seconds: float) -> str:
    """Format a duration for people: seconds, minutes or hours."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return str(timedelta(minutes=round(seconds / 60)))[:-3] + " h"
