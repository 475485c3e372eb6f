"""`zoo.bench` and `zoo.fit`: on an experiment file, or on models and a log that are at hand in Python."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, NoReturn

import numpy as np

from zoo.artifacts.artifact import Artifact
from zoo.benchmark.executors.choose import choose_executor
from zoo.benchmark.executors.local import Local
from zoo.benchmark.fit_model import fit as fit_experiment
from zoo.benchmark.progress import Progress
from zoo.benchmark.python.experiment import experiment_on
from zoo.benchmark.result import BenchmarkResult
from zoo.benchmark.runner import RunOptions, run_experiment
from zoo.config.formatting import format_toml
from zoo.config.load import resolve_experiment
from zoo.config.resolved import ResolvedExperiment
from zoo.config.resolved_base import BaseResolvedExperiment
from zoo.config.split_settings import LeaveLastOut, Split, Temporal
from zoo.data.frames import is_frame
from zoo.data.item_values import items_with_values
from zoo.data.loaded import FRAME
from zoo.data.log import Data
from zoo.data.parts import Parts
from zoo.data.task import Task
from zoo.data.units import find_units
from zoo.errors import ConfigError


def bench(
    models: Any,
    log: Data | str | Path | None = None,
    *,
    split: Split | Mapping[str, Any] | None = None,
    metrics: Sequence[str | Mapping[str, Any]] | None = None,
    evaluate: Mapping[str, Any] | None = None,
    train: Mapping[str, Any] | None = None,
    references: bool | None = None,
    tune: Mapping[str, Any] | None = None,
    out: str | Path | None = None,
    overrides: Sequence[str] = (),
    plugins: Iterable[str | Path] = (),
    progress: Progress | None = None,
    keep_artifacts: bool = False,
    wait: bool = False,
    isolate: bool = False,
    memory: float | None = None,
    time: float | None = None,
    executor: str | None = None,
    address: str | None = None,
) -> BenchmarkResult:
    """Compare models on a log, or run an experiment file.

        log = zoo.read_log(orders, user_id="customer", item_id="sku", timestamp="date")
        zoo.bench({"als": zoo.load("als"), "ease": zoo.load("ease", l2=500.0)}, log, metrics=["ndcg@10"])
        zoo.bench("experiment.toml", out="runs/experiment")

    Args:
        models: The models by label, or a list of models: names (`"als"`), components (`zoo.load("als", factors=64)`), pipelines,
            or tables with the keys of `[[model]]` (`{"predictor": "als", "filters": ["available"]}`). Without a log: an
            experiment file, its content as a dictionary, or an experiment that `load_experiment` returned.
        log: What `zoo.read_log` returned. For an experiment, the folder of its results may stand here instead of in `out`.
        split: The split policy, such as `zoo.Temporal(cuts=[0.8, 0.9])`; the default of an experiment file by default.
        metrics: The metrics, such as `["ndcg@10", "coverage@10"]`.
        evaluate: Other keys of `[evaluate]`: `exclude_seen`, `target_events`, `eligible`, ...
        train: Keys of `[train]`: `seeds`, `max_epochs`, ...
        references: Whether plain models are added as reference rows; true by default, as in a file.
        tune: The budget to tune each model on the validation part, such as `{"trials": 30}` or `{"minutes": 20}`; for an
            experiment file, it replaces the budgets of the file, also those of single models. Needs `pip install "shopzoo[tune]"`.
        out: The folder of the results. Runs that are finished there are skipped. For a log, by default a temporary folder that
            is removed with the result; for an experiment, `runs/<name of the file>`.
        overrides: `"path=value"`, applied to an experiment file before it is checked.
        plugins: Python files to load as plugins in addition to the installed ones.
        progress: Receives the progress of the benchmark.
        keep_artifacts: Whether to save the artifact of each run in `runs/KEY/`.
        wait: Whether to wait for another process that runs a benchmark in the same folder, instead of raising an error.
        isolate: Whether to run each row in a process of its own, so that one that ends its process fails alone. A log must come
            from files, which each process reads.
        memory: With `isolate`, the most memory that each process of a run may allocate, in GiB.
        time: With `isolate`, the most minutes of a run.
        executor: Where runs happen: `"local"`, `"processes=2"`, `"ray"` or another installed executor. A log must come from files
            that the processes see.
        address: The address of the cluster of an executor, such as `"auto"`.

    Returns:
        The table, with `to_pandas()`, `to_polars()` and `to_arrow()`. The result is the store of its runs too: it has `rows()`,
        `lists(row)`, `manifest()`, and in `folder` the path of its files.

    Raises:
        ZooError: A model, the log, a setting or the folder cannot be used. A model that fails does not raise: its row has the
            error.
    """
    plugins = list(plugins)
    chosen = choose_executor(plugins, executor, isolate=isolate, memory=memory, minutes=time, address=address)
    options = RunOptions(progress or Progress(), keep_artifacts, wait, chosen)
    own = {"split": split, "metrics": metrics, "evaluate": evaluate, "train": train, "references": references}
    if not isinstance(log, Data):
        _refuse_unread("bench", log, own)
        _refuse_without_log(models)
        if log is not None and out is not None:
            _refuse("bench", f"two folders for the results, {str(log)!r} and out={str(out)!r}. Pass one of them.")
        folder = log if log is not None else out
        if folder is None:
            folder = default_folder(models)
        overrides = [*overrides, *(f"tune.{key}={format_toml(value)}" for key, value in (tune or {}).items())]
        run_experiment(resolve_experiment(models, overrides, plugins), folder, options)
        return BenchmarkResult(folder)
    _refuse_experiment("bench", models, overrides)
    own |= {"references": True if references is None else references, "tune": tune}
    experiment = experiment_on(log, models, plugins=plugins, **own)  # type: ignore[arg-type]
    if not isinstance(chosen, Local) and experiment.source.component.spec is FRAME:
        raise ConfigError(
            "zoo.bench: isolate, executor, memory and time need data that the process of a run can read, and this log comes from "
            "data frames, which only this process has. Write them to Parquet files and give their paths to zoo.read_log, or leave "
            "the options out."
        )
    result = BenchmarkResult(mkdtemp(prefix="zoo-bench-") if out is None else out, temporary=out is None)
    run_experiment(experiment, result.folder, options)
    return result


def default_folder(experiment: Any) -> Path:
    """Return the folder of an experiment's results if none is given: `runs/<name of the file>`."""
    return Path("runs") / (Path(experiment).stem if isinstance(experiment, str | Path) else "experiment")


def fit(
    model: Any,
    log: Data | str | None = None,
    *,
    split: Split | Mapping[str, Any] | None = None,
    evaluate: Mapping[str, Any] | None = None,
    train: Mapping[str, Any] | None = None,
    out: str | Path | None = None,
    overrides: Sequence[str] = (),
    plugins: Iterable[str | Path] = (),
    seed: int | None = None,
    all_events: bool | None = None,
    histories: bool = True,
    progress: Progress | None = None,
    wait: bool = False,
) -> Artifact:
    """Fit one model on a log, or one model of an experiment, and return its artifact.

        shop = zoo.fit("ease", log)
        shop.recommend(users=["u1", "u2"], k=10).to_pandas()
        artifact = zoo.fit("experiment.toml", "als", out="artifacts/als")

    On a log without a split, the model is fitted on all events. A network then chooses its number of epochs on the
    default split first. With a split, and for an experiment, it is fitted as in `zoo.bench`: on all events before the test
    part. If torchrun or SLURM started several processes, they train networks together, and only the first one saves.

    Args:
        model: A name (`"ease"`), a component (`zoo.load("ease", l2=500.0)`), a pipeline, or a table with the keys of
            `[[model]]`. Without a log: an experiment file, its content as a dictionary, or a loaded experiment.
        log: What `zoo.read_log` returned. For an experiment: the label of the model, optional if there is only one.
        split: The split policy, if the model is not to see the test events.
        evaluate: Keys of `[evaluate]` that rule what is recommended: `exclude_seen`, `eligible`, `fallback`, `candidates`.
        train: Keys of `[train]`.
        out: The folder to save the artifact in; an existing artifact is replaced. Until it is complete, checkpoints
            are stored beside it in `OUT.training/`, and the same call resumes from them. None saves nothing.
        overrides: `"path=value"`, applied to an experiment file before it is checked.
        plugins: Python files to load as plugins in addition to the installed ones.
        seed: The seed; the first of `train.seeds` by default.
        all_events: Whether the final fit includes the test events: for production, not for evaluation. By default true for a
            log without a split, else false.
        histories: Whether the saved artifact contains the users' histories; without them, each query must include one.
        progress: Receives the progress of the fit.
        wait: Whether to wait for another process that fits to the same folder, instead of raising an error.

    Raises:
        ConfigError: The model or a setting is invalid, or the experiment has no such model.
        DataError: The data are missing or invalid.
        ArtifactError: `out` exists and is not an artifact, or cannot be written.
        ResultsError: Another process fits to `out`.
    """
    options: dict[str, Any] = {"out": out, "seed": seed, "histories": histories, "progress": progress, "wait": wait}
    if not isinstance(log, Data):
        _refuse_unread("fit", log, {"split": split, "evaluate": evaluate, "train": train})
        return fit_experiment(model, log, overrides=overrides, plugins=plugins, all_events=bool(all_events), **options)
    _refuse_experiment("fit", model, overrides)
    whole = split is None and all_events is not False
    if split is None:
        split = Temporal() if log.log.clock == "timestamp" else LeaveLastOut()
    tables = {"split": split, "evaluate": evaluate, "train": train}
    experiment = experiment_on(log, model, plugins=plugins, **tables)  # type: ignore[arg-type]
    if len(experiment.models) > 1:
        raise ConfigError(f"fit: found {len(experiment.models)} models, expected one. zoo.bench compares several.")
    chosen = experiment.models[0]
    learns = chosen.trains_in_epochs or any(part.capabilities.trainable for part in chosen.rankers)
    if learns or not whole:
        return fit_experiment(experiment, None, all_events=whole if all_events is None else all_events, **options)
    return fit_experiment(experiment, None, task=_whole_task(experiment, log), all_events=True, **options)


def _whole_task(experiment: ResolvedExperiment, log: Data) -> Task:
    """Return the task of a model that needs no held-out events, with all events of a log for training."""
    settings = experiment.experiment
    units = find_units(log.log, "event")
    return Task(
        units.log,
        log.catalogue,
        log.user_ids,
        settings.split,
        settings.evaluate,
        refit=True,
        units=units,
        parts=Parts(np.zeros(len(units.log), np.uint8), ()),
        eligible=items_with_values(log.catalogue, settings.evaluate.eligible, "evaluate.eligible"),
        notes=dict(log.notes),
        users=log.users,
    )


def _refuse_unread(call: str, log: object, own: Mapping[str, Any]) -> None:
    """Refuse a data frame in place of a log, and settings of Python for an experiment, which has its own.

    Raises:
        ConfigError: There is one.
    """
    if log is not None and not isinstance(log, str | Path):
        what = f"a {type(log).__name__}" if is_frame(log) else f"{log!r}"[:80]
        raise ConfigError(
            f"{call}: the log is {what}, expected what zoo.read_log returned: zoo.{call}(..., zoo.read_log(...))."
        )
    given = [name for name, value in own.items() if value is not None]
    if given:
        raise ConfigError(
            f"{call}: {', '.join(given)} belong to a call with a log, and no log was given. Pass the log that zoo.read_log "
            "returned as the second argument; an experiment is changed by overrides=[...]."
        )


def _refuse_without_log(models: Any) -> None:
    """Refuse models in place of an experiment.

    Raises:
        ConfigError: There is no table of an experiment among the keys.
    """
    if isinstance(models, list | tuple) or (isinstance(models, dict) and not {"data", "model", "models"} & set(models)):
        raise ConfigError(
            "bench: found models and no log. Pass the log that zoo.read_log returned: zoo.bench(models, log); or give an "
            "experiment file."
        )


def _refuse_experiment(call: str, models: object, overrides: Sequence[str]) -> None:
    """Refuse an experiment together with a log, which has its own data.

    Raises:
        ConfigError: There are both.
    """
    is_file = isinstance(models, Path) or (isinstance(models, str) and models.endswith(".toml"))
    if is_file or isinstance(models, BaseResolvedExperiment):
        _refuse(call, "an experiment and a log, which is one source of data too many. Leave one of them out.")
    if overrides:
        _refuse(
            call, "overrides, which change an experiment file, and a log. Pass split, evaluate and train as tables."
        )


def _refuse(call: str, problem: str) -> NoReturn:
    """Raise an error about the arguments of a call."""
    raise ConfigError(f"{call}: found {problem}")
