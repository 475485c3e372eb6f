"""Pruning: which trainings end early, by their validation curves beside those of the trials before."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import optuna
from optuna.pruners import BasePruner, MedianPruner
from optuna.trial import TrialState, create_trial

from zoo.benchmark.tuning.quiet import quiet
from zoo.benchmark.tuning.trial import Trial

STARTUP_TRIALS = 5
"""Complete trials before the first is pruned: the median of fewer says little."""
WARMUP_VALIDATIONS = 3
"""Validations of a trial before it may be pruned: the first epochs say more about the learning rate than about the end."""


def median_pruner() -> BasePruner:
    """Return the pruner: a trial ends if its best value so far is below the median of those of complete trials."""
    return MedianPruner(STARTUP_TRIALS, WARMUP_VALIDATIONS)


@dataclass(frozen=True)
class CurvePruner:
    """Says whether a training is too poor to go on. A function of plain data, which every process of a training has.

    Attributes:
        complete: The values of the validations of each complete trial.
    """

    complete: tuple[tuple[float, ...], ...]

    @classmethod
    def of(cls, trials: Sequence[Trial]) -> CurvePruner:
        """Return what prunes the trial after these."""
        return cls(tuple(_values(trial) for trial in trials if trial.state == "complete"))

    def __call__(self, values: Sequence[float]) -> bool:
        """Return whether to end a training with these values of its validations; higher is better.

        A complete trial counts with its best value so far, which it keeps after its end: early stopping ended it there.
        """
        finite = [value for value in values if math.isfinite(value)]
        with quiet():
            study = optuna.create_study(direction="maximize", pruner=median_pruner())
            for curve in filter(None, self.complete):
                best = list(accumulate(curve, max))
                best += best[-1:] * (len(finite) - len(best))
                study.add_trial(
                    create_trial(
                        state=TrialState.COMPLETE, value=best[-1], intermediate_values=dict(enumerate(best, 1))
                    )
                )
            trial = study.ask()
            for step, value in enumerate(finite, 1):
                trial.report(value, step)
            return bool(trial.should_prune())


def _values(trial: Trial) -> tuple[float, ...]:
    return tuple(value for _, value in trial.curve if math.isfinite(value))
