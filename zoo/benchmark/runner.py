"""Run a benchmark: fit, evaluate and store each model with each seed. A run that fails is stored as a row with its error."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch

from zoo.artifacts.saving import save_artifact
from zoo.benchmark.changed_runs import describe_change
from zoo.benchmark.comparison import Comparison, open_comparison
from zoo.benchmark.fits.shared_fits import SharedFits
from zoo.benchmark.isolation import Isolation
from zoo.benchmark.library_versions import describe_other_versions
from zoo.benchmark.machine import device_of, machine, versions
from zoo.benchmark.plan import Plan, PlannedRun
from zoo.benchmark.progress import Progress
from zoo.benchmark.results_folder.json_records import refusing_damage
from zoo.benchmark.results_folder.row import Row
from zoo.benchmark.results_folder.store import BenchmarkManifest, Store
from zoo.benchmark.results_folder.user_sample import write_query_facts, write_sample
from zoo.benchmark.runs import Run, plan_runs
from zoo.benchmark.tables.report import markdown
from zoo.benchmark.thread_counts import describe_other_runs, using_threads
from zoo.benchmark.tuning.search import require_optuna, search
from zoo.benchmark.tuning.settings import format_settings_of
from zoo.benchmark.tuning.trials_file import search_folder, write_trials
from zoo.config.resolved import BaseResolvedExperiment, digest
from zoo.config.tuned_model import with_point
from zoo.config.variables import Variables
from zoo.errors import ConfigError, ZooError
from zoo.folder_lock import lock_folder
from zoo.registry.plugin import describe_error
from zoo.stages.process_state import preserve_process_state
from zoo.tracebacks import show_traceback
from zoo.training.checkpoint import forget


@dataclass(frozen=True)
class RunOptions:
    """How an experiment is run; no figure depends on it.

    Attributes:
        progress: Receives the progress of the benchmark.
        keep_artifacts: Whether to save the artifact of each run in `runs/KEY/`; a run without one is repeated.
        wait: Whether to wait for another process that runs a benchmark in the same folder, instead of raising an error.
        isolation: The limits of each run's process; None to run everything in this process.
    """

    progress: Progress = field(default_factory=Progress)
    keep_artifacts: bool = False
    wait: bool = False
    isolation: Isolation | None = None


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
    progress, keep_artifacts, isolation = options.progress, options.keep_artifacts, options.isolation
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
    progress.planned(Plan(tuple(planned), unsearched, experiment.replaced_budgets))
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
    try:
        for run in runs:
            artifact = store.artifact(run.key) if keep_artifacts and not run.reference else None
            row = _finished(run, store, keep_artifacts=keep_artifacts)  # two labels may have the same key
            resumed = row is not None
            if row is None:
                stored = replaced.get((run.model.label, run.seed))
                again = "" if stored is None else _describe_change(stored, run, store.variables)
                progress.started(run.model.label, run.seed, again=again)
                folder = store.folder / "training" / run.key
                if isolation is None:
                    row, lists = run_model(run, comparison, folder, artifact, progress, shared=shared)
                else:
                    row, lists = _run_isolated(
                        run,
                        experiment,
                        isolation,
                        training=folder,
                        results=store.folder,
                        artifact=artifact,
                        progress=progress,
                    )
                store.add(row, lists)
                for problem in experiment.registry.report(store.stored(run.key)):
                    progress.warned(problem)
                if not row.error:  # a failed run is tried again and resumes from its checkpoint
                    forget(folder)
            shared.forget_predictors_of(run)
            progress.finished(replace(row, label=run.model.label), resumed=resumed)
        shared.forget_predictors()  # an interrupted benchmark keeps them to resume
    finally:  # write the report of the finished runs also after Ctrl-C
        write_trials(store.folder, runs, store.variables)
        with (
            refusing_damage(store.folder) if any(rows) else nullcontext()
        ):  # only earlier rows can be of another version
            write_sample(store, comparison.users)
            store.compose(markdown)


def _describe_change(stored: dict[str, Any], run: Run, variables: Variables) -> str:
    """Return what changed since a stored run of the same name; the settings that a search finds are no change."""
    model: dict[str, Any] = stored["model"] if run.search and "model" in stored else variables.hide(run.model.as_json())
    return describe_change(stored, model, run.versions, torch.get_num_threads())


def _finished(run: Run, store: Store, *, keep_artifacts: bool) -> Row | None:
    """Return the row of a run if it is finished, with its artifact if artifacts are kept."""
    if keep_artifacts and not run.reference and not store.artifact(run.key).exists():
        return None
    return store.finished(run.key)


def run_model(
    run: Run,
    comparison: Comparison[Any],
    folder: Path,
    artifact: Path | None,
    progress: Progress,
    *,
    shared: SharedFits,
    explain: Callable[[BaseException], str] = describe_error,
) -> tuple[Row, pa.Table | None]:
    """Return the row and lists of a run, and save its artifact if a folder is given; a model's error is stored in the row.

    Args:
        run: The run.
        comparison: The comparison that measures it.
        folder: Folder for checkpoints and logs of training.
        artifact: The folder of its artifact, or None to save none.
        progress: Receives the progress.
        shared: The fits that it shares with other runs; their folder also has the searches.
        explain: Returns the text of an error.
    """
    common = _describe_run(run)
    origins = [part.origin for part in run.model.parts]
    culprit, notes = f"{'one of ' if len(origins) > 1 else ''}{', '.join(origins)}", list[str]()
    try:
        with preserve_process_state(culprit, notes):
            model = run.model
            if run.search is not None:
                place = search_folder(shared.folder, run.search)
                found = search(
                    model,
                    comparison.trials,
                    seed=run.search_seed,
                    folder=place,
                    progress=progress,
                    cache=shared.of_search(run, place),
                    explain=explain,
                )
                model = with_point(model, found.best.params)
                common |= {"model": model.as_json(), "settings": found.settings, "tuning": found.as_json()}
            measurement = comparison.run_model(
                model, run.seed or 0, folder=folder, progress=progress, cache=shared.of_row(run)
            )
            if artifact is not None and measurement.artifact is not None:
                save_artifact(measurement.artifact(), artifact)
    except (Exception, SystemExit) as error:  # an error of one model must not end the other runs
        show_traceback(error)
        return Row(**common, error=explain(error), notes=notes), None
    row = Row(**common, **measurement.figures())
    return replace(row, notes=[*row.notes, *notes]), measurement.lists


def _run_isolated(
    run: Run,
    experiment: BaseResolvedExperiment,
    isolation: Isolation,
    **places: Any,
) -> tuple[Row, pa.Table | None]:
    """Return the row and lists of a run in a process of its own; how that process ended is stored in the row."""
    try:
        return isolation.run(experiment, run.key, **places)
    except (
        ZooError,
        OSError,
        pa.ArrowException,
    ) as error:  # the machine has no process, pipe or disk left for this row
        return Row(**_describe_run(run), error=describe_error(error)), None


def _describe_run(run: Run) -> dict[str, Any]:
    """Return the fields of a row that are known before the run."""
    return {
        "key": run.key,
        "label": run.model.label,
        "seed": run.seed,
        "model": run.model.as_json(),
        "settings": format_settings_of(run.model),
        "reads_time": any(part.capabilities.needs_time for part in run.model.parts),
        "versions": {**versions(), **run.versions},
        "machine": machine(),
    }
