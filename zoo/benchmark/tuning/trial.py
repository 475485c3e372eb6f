"""A trial of a search: settings, and what they gave."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from zoo.config.model_space import Point
from zoo.config.tune import TuneSettings

State = Literal["complete", "failed", "repeated", "pruned"]
"""How a trial ended.

`repeated`: the settings are those of an earlier trial, whose value it has, and it took no time. `pruned`: its validation curve was
below those of earlier trials, and its training ended early.
"""
Curve = tuple[tuple[int, float], ...]
"""The epoch and the value of each validation of a training."""
ENOUGH_REPEATED = 20
"""A search ends early after so many repeated trials in a row: its space has no further points."""


Prune = Callable[[Sequence[float]], bool]
"""Returns whether to end a training, given the values of its validations so far."""


@dataclass(frozen=True)
class Measured:
    """What a trial gave.

    Attributes:
        value: The metric on the validation part, NaN if no query has a value; None if the training was pruned.
        curve: The validations of the predictor's training.
    """

    value: float | None
    curve: Curve = ()


@dataclass(frozen=True)
class Trial:
    """A finished trial.

    Attributes:
        number: Its number, from 0; trial 0 has the settings of the file, or the nearest values of the space.
        params: The values of the searched parameters, by name.
        state: How it ended.
        value: The metric on the validation part; None if it failed or was pruned.
        seconds: Wall time of fitting and measuring, summed over interruptions.
        error: Why it failed.
        curve: The validations of the predictor's training, of which a model has none that does not train in epochs. Their
            metric is `[train] monitor`, which need not be the metric of the search: so a pruned trial has no value.
    """

    number: int
    params: Point
    state: State
    value: float | None
    seconds: float
    error: str | None = None
    curve: Curve = ()

    def as_json(self) -> dict[str, Any]:
        """Return the trial as JSON."""
        return asdict(self)


def within_budget(trials: Sequence[Trial], settings: TuneSettings) -> tuple[list[Trial], bool]:
    """Return the trials that the budget pays for, and whether the search is over.

    A folder may have more trials than the budget, from an earlier search with a larger one: these do not count.
    """
    paid, seconds, repeated = list[Trial](), 0.0, 0
    for trial in trials:
        paid.append(trial)
        seconds += trial.seconds
        repeated = repeated + 1 if trial.state == "repeated" else 0
        if settings.trials is not None and len(paid) >= settings.trials:
            return paid, True
        if settings.minutes is not None and seconds >= 60 * settings.minutes:
            return paid, True
        if repeated >= ENOUGH_REPEATED:
            return paid, True
    return paid, False


def best_trial(trials: Sequence[Trial], *, higher_is_better: bool) -> Trial | None:
    """Return the trial with the best value, the first of several; None if all failed. A pruned trial has no value."""
    sign = 1.0 if higher_is_better else -1.0
    known = [(sign * trial.value, -trial.number, trial) for trial in trials if trial.value is not None]
    return max(known, key=lambda entry: entry[:2])[2] if known else None


def count_pruned(trials: Sequence[Trial]) -> int:
    """Return how many trials were pruned."""
    return sum(trial.state == "pruned" for trial in trials)
