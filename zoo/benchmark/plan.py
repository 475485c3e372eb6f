"""The plan of a benchmark: its runs, which of them are finished, and how long each can train."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from zoo.benchmark.results_folder.row import Row
from zoo.config.resolved_base import BaseResolvedModel
from zoo.data_size import DataSize


@dataclass(frozen=True)
class PlannedRun:
    """One run of a benchmark.

    Attributes:
        label: The model's name in tables.
        seed: The seed, or None for a deterministic model.
        seconds: How long the run took if it is finished in the folder, else None.
        epochs: The most epochs of a training; None for a model that does not train in epochs.
        fewest_epochs: The fewest epochs after which early stopping can end the first training.
        fits: The number of trainings in epochs, each of at most `epochs`; None if it depends on the data, 0 if none.
        patience: Validations without improvement that end the first training; None without early stopping.
        time_limit: The limit of a training in seconds, or None.
        more_on_small_data: Whether the data may choose more than `epochs`.
        more_patience_on_small_data: Whether the data may choose more than `patience`.
        search: The search before the model is fitted, in words; empty without one.
        trials: The budget of the search in trials, or None.
        minutes: The budget of the search in minutes, or None.
        work: The multiplications of an epoch, for comparison with other networks; None if unknown.
    """

    label: str
    seed: int | None = None
    seconds: float | None = None
    epochs: int | None = None
    fewest_epochs: int = 0
    fits: int | None = 0
    patience: int | None = None
    time_limit: float | None = None
    more_on_small_data: bool = False
    more_patience_on_small_data: bool = False
    search: str = ""
    trials: int | None = None
    minutes: float | None = None
    work: float | None = None

    @classmethod
    def of(
        cls,
        model: BaseResolvedModel,
        seed: int | None,
        row: Row | None,
        *,
        refit: bool,
        validates: bool,
        size: DataSize | None,
    ) -> PlannedRun:
        """Plan a run.

        Args:
            model: The model.
            seed: The seed.
            row: The row of the run if it is finished.
            refit: Whether models are fitted again on all events before the test part.
            validates: Whether the data have a part for early stopping.
            size: The size of the training log, if there is one.
        """
        speed = 0.0 if row is None else row.recommend_per_second
        seconds = None if row is None else row.fit_seconds + (row.queries / speed if speed else 0.0)
        fits = model.n_trainings(refit=refit and validates)
        search: dict[str, Any] = {}
        if model.tuning:
            settings = model.tuning.settings
            search = {"search": f"{model.tuning.format_budget()} for {model.tuning.metric_name}"}
            search |= {"trials": settings.trials, "minutes": settings.minutes}
        if not model.trains_in_epochs:
            return cls(model.label, seed, seconds, fits=fits, **search)
        train = model.train.filled()
        stops_early = validates and model.n_trainings(refit=True) != 1
        fewest = min(train.validate_every * (1 + train.patience), train.max_epochs) if stops_early else train.max_epochs
        return cls(
            model.label,
            seed,
            seconds,
            train.max_epochs,
            fewest,
            fits,
            train.patience if stops_early else None,
            None if train.time_limit is None else 60 * train.time_limit,
            stops_early and model.train.max_epochs is None,
            stops_early and model.train.patience is None,
            work=model.epoch_work(size) if size else None,
            **search,
        )


@dataclass(frozen=True)
class Plan:
    """The runs of a benchmark, in order.

    Attributes:
        runs: The runs.
        unsearched: The labels of models that would be tuned if they had a parameter to search.
        remarks: What else to say of the plan, a sentence each.
        at_once: Whether several runs are done at the same time.
    """

    runs: tuple[PlannedRun, ...]
    unsearched: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    at_once: bool = False

    @property
    def to_do(self) -> list[PlannedRun]:
        """The runs that are not finished."""
        return [run for run in self.runs if run.seconds is None]

    def lines(self) -> list[str]:
        """Describe the plan: the runs, and the models that train in epochs."""
        models, seeds = (
            _names(run.label for run in self.runs),
            sorted({r.seed for r in self.runs if r.seed is not None}),
        )
        counts = f"{_count(len(self.runs), 'run')} of {_count(len(models), 'model')}"
        finished = len(self.runs) - len(self.to_do)
        state = f"{finished} finished, {len(self.to_do)} to do" if finished else f"{len(self.to_do)} to do"
        seeded = f" (with seed {', '.join(map(str, seeds))} where a model depends on one)" if seeds else ""
        by_training: dict[str, list[str]] = {}
        for run in self.to_do:
            if run.epochs is not None:
                by_training.setdefault(_training(run), []).append(run.label)
        idle = _names(run.label for run in self.to_do if run.label in self.unsearched)
        by_search: dict[str, list[str]] = {}
        for run in self.to_do:
            if run.search:
                by_search.setdefault(run.search, []).append(run.label)
        return [
            f"{counts}: {state}{seeded}",
            *(
                f"{', '.join(_names(labels))}: tuned first on the validation part, {what}"
                for what, labels in by_search.items()
            ),
            *([f"{', '.join(idle)}: not tuned, nothing to search"] if idle else []),
            *self.remarks,
            *(f"{', '.join(_names(labels))}: {what}" for what, labels in by_training.items()),
        ]


def _training(run: PlannedRun) -> str:
    """Describe the trainings of a run."""
    limit = "" if run.time_limit is None else f" and {run.time_limit / 60:g} minutes"
    can_end = run.patience is not None and run.fewest_epochs < (run.epochs or 0)
    early = f", fewer after {_count(run.patience or 0, 'validation')} without improvement" if can_end else ""
    again = "; then trained again on all events before the test part" if run.fits == 2 else ""
    more = " (more on small data)" if run.more_on_small_data else ""
    return f"at most {_count(run.epochs or 0, 'epoch')}{more}{limit}{early}{again}"


def _names(labels: Iterable[str]) -> Sequence[str]:
    """Return distinct labels in order."""
    return list(dict.fromkeys(labels))


def _count(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
