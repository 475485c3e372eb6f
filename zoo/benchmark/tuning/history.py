"""The history of a search in a journal of Optuna, and the next point: a function of the history and the seed.

The journal has one line for each finished trial, written in one step. An unfinished trial leaves nothing in it, so that a
killed search continues as if it had not been interrupted: the sampler of each trial is made anew, with a seed of its own,
from the trials of the journal. `optuna-dashboard` and `optuna.load_study` read the journal.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from hashlib import blake2b
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState, create_trial

from zoo.benchmark.tuning.pruning import CurvePruner
from zoo.benchmark.tuning.quiet import quiet
from zoo.benchmark.tuning.trial import Trial
from zoo.config.model_space import ModelSpace, Point, value_in
from zoo.errors import ResultsError
from zoo.search_space import Choice, Space

STUDY = "search"


class History:
    """The finished trials of a search, and the sampler of the next one."""

    def __init__(self, file: Path, space: ModelSpace, *, seed: int, higher_is_better: bool) -> None:
        """Open the journal of a search, which may have trials already.

        Args:
            file: The journal.
            space: The search space.
            seed: The seed of the search.
            higher_is_better: Whether higher values of the metric are better.

        Raises:
            ResultsError: The journal is damaged.
        """
        self._space, self._seed, self._file = space, seed, file
        self._direction = "maximize" if higher_is_better else "minimize"
        file.parent.mkdir(parents=True, exist_ok=True)
        _drop_unfinished_line(file)
        with quiet(), self._refusing_damage():
            # One process at a time searches in a folder, which is locked.
            storage = JournalStorage(JournalFileBackend(str(file), lock_obj=_NoLock()))
            self._study = optuna.create_study(
                storage=storage, study_name=STUDY, direction=self._direction, load_if_exists=True
            )

    def trials(self) -> list[Trial]:
        """Return the finished trials.

        Raises:
            ResultsError: The journal is damaged.
        """
        with self._refusing_damage():
            return [_read(trial) for trial in self._study.get_trials(deepcopy=False)]

    def ask(self) -> dict[str, Any]:
        """Return the point of the next trial: the first is that of the file, the others are drawn by TPE."""
        finished = self._study.get_trials(deepcopy=False)
        if not finished:
            return self._space.first_point()
        with quiet():
            sampler = TPESampler(seed=_seed_of(self._seed, len(finished)), constant_liar=False)
            study = optuna.create_study(sampler=sampler, direction=self._direction)
            study.add_trials(map(self._as_sampled, finished))
            trial = study.ask()

            def draw(name: str, space: Space) -> Any:
                if isinstance(space, Choice):
                    labels = list(map(_label, space.values))
                    return space.values[labels.index(trial.suggest_categorical(name, labels))]
                if space.whole:
                    return trial.suggest_int(name, int(space.low), int(space.high), log=space.log)
                return trial.suggest_float(name, space.low, space.high, log=space.log)

            return self._space.draw(draw)

    def pruner(self) -> CurvePruner | None:
        """Return what prunes the next trial; None for the first, which always completes."""
        return CurvePruner.of(found) if (found := self.trials()) else None

    def tell(self, trial: Trial) -> None:
        """Add a finished trial.

        Raises:
            ResultsError: The journal cannot be written.
        """
        params, distributions = _describe(self._space, trial.params)
        attributes = {key: value for key, value in trial.as_json().items() if key not in ("number", "value", "curve")}
        frozen = create_trial(
            state=_state_of(trial),
            value=trial.value,
            params=params,
            distributions=distributions,
            user_attrs=attributes,
            intermediate_values=dict(trial.curve),
        )
        try:
            self._study.add_trial(frozen)
        except OSError as error:
            raise ResultsError(
                f"{self._file} cannot be written: {error.strerror or error}. Finished trials are kept: free some space, "
                "then run the same command again to resume."
            ) from error

    def _as_sampled(self, trial: FrozenTrial) -> FrozenTrial:
        """Return a trial as the sampler takes it: of pruned trials it compares the curves, in the direction of the metric."""
        if self._direction == "maximize" or trial.state != TrialState.PRUNED:
            return trial
        flipped = copy(trial)  # a monitor is better if it is higher
        flipped.intermediate_values = {epoch: -value for epoch, value in trial.intermediate_values.items()}
        return flipped

    @contextmanager
    def _refusing_damage(self) -> Iterator[None]:
        """Name the journal if it cannot be read.

        Raises:
            ResultsError: It is damaged.
        """
        try:
            yield
        except (ValueError, LookupError, TypeError, AttributeError, AssertionError) as error:
            raise ResultsError(
                f"{self._file} cannot be read: {error}. Remove the file to repeat the search."
            ) from error


class _NoLock:
    """In place of Optuna's lock, which a killed process would leave behind."""

    def acquire(self) -> bool:
        """Do nothing."""
        return True

    def release(self) -> None:
        """Do nothing."""


def _seed_of(seed: int, number: int) -> int:
    """Return the seed of the sampler of a trial, 32 bits."""
    return int.from_bytes(blake2b(f"{seed}/{number}".encode(), digest_size=4).digest(), "big")


def _drop_unfinished_line(file: Path) -> None:
    """Remove the last line of a journal if a killed process did not finish it."""
    if not file.exists():
        return
    content = file.read_bytes()
    if (end := content.rfind(b"\n") + 1) < len(content):
        os.truncate(file, end)


def _describe(space: ModelSpace, point: Point) -> tuple[dict[str, Any], dict[str, BaseDistribution]]:
    """Return the values and distributions of a point for Optuna."""
    params: dict[str, Any] = {}
    distributions: dict[str, BaseDistribution] = {}
    value_of = value_in(point)

    def draw(name: str, space: Space) -> Any:
        value = value_of(name, space)
        params[name] = _label(value) if isinstance(space, Choice) else value
        distributions[name] = _distribution(space)
        return value

    space.draw(draw)
    return params, distributions


def _distribution(space: Space) -> BaseDistribution:
    """Return the distribution of a space."""
    if isinstance(space, Choice):
        return CategoricalDistribution(list(map(_label, space.values)))
    if space.whole:
        return IntDistribution(int(space.low), int(space.high), log=space.log)
    return FloatDistribution(space.low, space.high, log=space.log)


def _label(value: Any) -> str:
    """Return the text of a listed value, since Optuna stores no lists and takes true for 1."""
    return json.dumps(value)


def _state_of(trial: Trial) -> TrialState:
    """Return how a trial ended in the terms of Optuna; one that repeats another ended like it."""
    if trial.state == "failed":
        return TrialState.FAIL
    return TrialState.PRUNED if trial.value is None else TrialState.COMPLETE


def _read(trial: FrozenTrial) -> Trial:
    """Return a trial of the journal."""
    curve = tuple(sorted(trial.intermediate_values.items()))
    return Trial(number=trial.number, value=trial.value, curve=curve, **trial.user_attrs)
