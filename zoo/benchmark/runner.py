"""Run a benchmark: fit, evaluate and store each model with each seed. A run that fails is stored as a row with its error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import torch

from zoo.benchmark.changed_runs import describe_change
from zoo.benchmark.comparison import Comparison, open_comparison
from zoo.benchmark.executors.executor import Executor, FinishedRun, PendingRun
from zoo.benchmark.executors.local import Local
from zoo.benchmark.executors.requests import requests_of
from zoo.benchmark.fits.shared_fits import SharedFits
from zoo.benchmark.library_versions import describe_other_versions
from zoo.benchmark.machine import device_of, versions
from zoo.benchmark.plan import Plan, PlannedRun
from zoo.benchmark.progress import Progress
from zoo.benchmark.results_folder.json_records import refusing_damage
from zoo.benchmark.results_folder.row import Row
from zoo.benchmark.results_folder.store import BenchmarkManifest, Store
from zoo.benchmark.results_folder.user_sample import write_query_facts, write_sample
from zoo.benchmark.run_model import describe_run, run_model
from zoo.benchmark.runs import Run, plan_runs
from zoo.benchmark.tables.report import markdown
from zoo.benchmark.thread_counts import describe_other_runs, using_threads
from zoo.benchmark.tuning.search import require_optuna
from zoo.benchmark.tuning.trials_file import write_trials
from zoo.config.resolved_base import BaseResolvedExperiment, digest
from zoo.config.variables import Variables
from zoo.errors import ConfigError
from zoo.executor_specs import LocalParams
from zoo.folder_lock import lock_folder
from zoo.training.checkpoint import forget


@dataclass(frozen=True)
class RunOptions:
    """How an experiment is run; no figure depends on it.

    Attributes:
        progress: Receives the progress of the benchmark.
        keep_artifacts: Whether to save the artifact of each run in `runs/KEY/`; a run without one is repeated.
        wait: Whether to wait for another process that runs a benchmark in the same folder, instead of raising an error.
        executor: Does the runs.
    """

    progress: Progress = field(default_factory=Progress)
    keep_artifacts: bool = False
    wait: bool = False
    executor: Executor[Any] = field(default_factory=lambda: Local(LocalParams()))


def run_experiment(experiment: BaseResolvedExperiment, folder: str | Path, options: RunOptions) -> None:
    """Run all models of an experiment and store the results in a folder; runs that are finished there are skipped.

    Raises:
        ZooError: The experiment, its data or the folder cannot be used. A model that fails does not raise: its row has the error.
    """
    store = Store(folder, experiment.variables)
    device = device_of(experiment.train.device)
    with (
        using_threads(experiment.train.threads),
        lock_folder(store.folder, wait=options.wait, waiting=options.progress.waiting),
    ):
        _run_all(experiment, device, store, options)


def _run_all(experiment: BaseResolvedExperiment, device: torch.device, store: Store, options: RunOptions) -> None:
    """Read the data, run what is not finished in the folder, and write the report."""
    progress, keep_artifacts = options.progress, options.keep_artifacts
    tuned = any(model.tuning for model in experiment.models)
    if tuned:
        require_optuna()
    progress.reading()
    comparison = open_comparison(experiment, device)
    if tuned:
        comparison.trials  # noqa: B018 (raises before anything is fitted)
    if keep_artifacts and not comparison.has_artifacts:
        raise ConfigError(
            f'--keep-artifacts saves models that recommend to users, and task = "{experiment.task}" has none. Remove the '
            "option."
        )
    description = comparison.description
    runs = plan_runs(experiment, comparison.references, description)
    store.open(
        BenchmarkManifest(
            digest(description),
            description,
            comparison.notes,
            comparison.metrics,
            experiment.as_json(),
            [run.as_json() for run in runs],
            comparison.starts,
            findings=[finding.as_json() for finding in comparison.findings],
            hints=comparison.hints,
        )
    )
    write_query_facts(store, comparison.users)
    replaced = store.replaced()
    rules: dict[str, Any] = {
        "refit": experiment.train.refit,
        "validates": comparison.has_validation,
        "size": comparison.size,
    }
    rows = [_finished(run, store, keep_artifacts=keep_artifacts) for run in runs]
    planned = [PlannedRun.of(run.model, run.seed, row, **rules) for run, row in zip(runs, rows, strict=True)]
    progress.loaded(len(runs))
    progress.checked(comparison.findings)
    unsearched = tuple(model.label for model in experiment.models if model.searches_nothing)
    progress.planned(Plan(tuple(planned), unsearched, experiment.replaced_budgets, options.executor.at_once))
    to_do = [run.key for run, row in zip(runs, rows, strict=True) if row is None]
    differences = (
        describe_other_versions(store.folder, [row for row in rows if row is not None]),
        describe_other_runs(
            store.folder,
            store.thread_counts(),
            to_do,
            lambda n: [run.key for run in plan_runs(experiment, comparison.references, description, n)],
        ),
    )
    progress.differs("\n".join(filter(None, differences)))
    shared = SharedFits.of(store.folder, runs, experiment, device)
    bench = _Bench(experiment, comparison, store, shared, progress, keep_artifacts, replaced)
    try:
        for run, row in zip(runs, rows, strict=True):
            if row is not None:
                progress.finished(replace(row, label=run.model.label), resumed=True)
        unfinished = [run for run, row in zip(runs, rows, strict=True) if row is None]
        with closing(options.executor.run(bench.jobs(unfinished))) as finished:
            for found in finished:
                bench.keep(found, unfinished)
        shared.forget_predictors()  # an interrupted benchmark keeps them to resume
    finally:  # write the report of the finished runs also after Ctrl-C
        write_trials(store.folder, runs, store.variables)
        with (
            refusing_damage(store.folder) if any(rows) else nullcontext()
        ):  # only earlier rows can be of another version
            write_sample(store, comparison.users)
            store.compose(markdown)


@dataclass(frozen=True, eq=False)
class _Bench:
    """A benchmark whose runs an executor does.

    Attributes:
        experiment: The experiment.
        comparison: Its data and rules.
        store: Its folder.
        shared: The fits that its runs share.
        progress: Receives the progress.
        keep_artifacts: Whether the artifact of each run is saved.
        replaced: Earlier rows by label and seed, for what has changed.
    """

    experiment: BaseResolvedExperiment
    comparison: Comparison[Any]
    store: Store
    shared: SharedFits
    progress: Progress
    keep_artifacts: bool
    replaced: Mapping[tuple[str, int | None], dict[str, Any]]

    def jobs(self, runs: Sequence[Run]) -> list[list[PendingRun]]:
        """Return the runs by the fits that they share; of several with the same key, the first."""
        jobs: dict[str, list[PendingRun]] = {}
        first = {run.key: run for run in reversed(runs)}
        for run in [run for run in runs if first[run.key] is run]:
            jobs.setdefault(self.shared.group_of(run), []).append(self._pending(run))
        return list(jobs.values())

    def _pending(self, run: Run) -> PendingRun:
        """Return a run for an executor."""
        artifact = self._artifact(run)
        return PendingRun(
            run.key,
            run.model.label if run.seed is None else f"{run.model.label}, seed {run.seed}",
            run.model.resources,
            torch.get_num_threads(),
            run.model.ranks,
            partial(self._request, run),
            partial(self._started, run),
            self.progress,
            partial(run_model, run, self.comparison, self._training(run), artifact, self.progress, shared=self.shared),
        )

    @cached_property
    def _common_request(self) -> dict[str, Any]:
        """What the requests for all runs have in common, for executors that ask other processes."""
        return requests_of(self.experiment, self.store.folder)

    def _request(self, run: Run) -> dict[str, Any]:
        """Return the request for a run in another process."""
        artifact = self._artifact(run)
        places = {"training": str(self._training(run).absolute()), "artifact": artifact and str(artifact.absolute())}
        return {
            **self._common_request,
            **places,
            "key": run.key,
            "name": [run.model.label, run.seed],
            "versions": {**versions(), **run.versions},
        }

    def _artifact(self, run: Run) -> Path | None:
        """Return where the artifact of a run is saved, if it is."""
        return self.store.artifact(run.key) if self.keep_artifacts and not run.reference else None

    def _training(self, run: Run) -> Path:
        """Return the folder for checkpoints and logs of a run."""
        return self.store.folder / "training" / run.key

    def _started(self, run: Run) -> None:
        """Tell that a run begins."""
        stored = self.replaced.get((run.model.label, run.seed))
        again = "" if stored is None else _describe_change(stored, run, self.store.variables)
        self.progress.started(run.model.label, run.seed, again=again)

    def keep(self, found: FinishedRun, runs: Sequence[Run]) -> None:
        """Store what a run gave, and tell it; also of the runs with the same key."""
        same = [run for run in runs if run.key == found.run.key]
        row = found.row or Row(**describe_run(same[0]), error=found.error or "the executor gave no result.")
        self.store.add(row, found.lists)
        for problem in self.experiment.registry.report(self.store.stored(row.key)):
            self.progress.warned(problem)
        if not row.error:  # a failed run is tried again and resumes from its checkpoint
            forget(self._training(same[0]))
        self.shared.forget_predictors_of(same[0])
        for at, run in enumerate(same):
            self.progress.finished(replace(row, label=run.model.label), resumed=at > 0)


def _describe_change(stored: dict[str, Any], run: Run, variables: Variables) -> str:
    """Return what changed since a stored run of the same name; the settings that a search finds are no change."""
    model: dict[str, Any] = stored["model"] if run.search and "model" in stored else variables.hide(run.model.as_json())
    return describe_change(stored, model, run.versions, torch.get_num_threads())


def _finished(run: Run, store: Store, *, keep_artifacts: bool) -> Row | None:
    """Return the row of a run if it is finished, with its artifact if artifacts are kept."""
    if keep_artifacts and not run.reference and not store.artifact(run.key).exists():
        return None
    return store.finished(run.key)
