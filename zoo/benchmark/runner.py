"""Each model and seed in turn: fit, recommend, evaluate, measure, keep; a run that fails is a row and the rest go on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch

from zoo.artifacts.saving import save_artifact
from zoo.benchmark.feature_cache import FeatureCache
from zoo.benchmark.judge import Judge, device_of, measured
from zoo.benchmark.machine import machine, sources_of, versions
from zoo.benchmark.progress import Progress
from zoo.benchmark.rank_judge import RankJudge, ranked
from zoo.benchmark.report import markdown
from zoo.benchmark.store import Manifest, Row, Store
from zoo.config.load import resolve_experiment
from zoo.config.resolved import (
    AnyExperiment,
    AnyModel,
    ResolvedModel,
    ResolvedRankExperiment,
    ResolvedRankModel,
    digest,
)
from zoo.errors import ConfigError
from zoo.registry.plugin import described
from zoo.training.checkpoint import forget


@dataclass(frozen=True)
class Run:
    """A model with a seed, the key under which its row is kept, and the versions of the core and of its plugins."""

    model: AnyModel
    seed: int | None
    key: str
    versions: dict[str, str]


def bench(
    file: str | Path | dict[str, Any] | AnyExperiment,
    out: str | Path | None = None,
    *,
    overrides: Sequence[str] = (),
    plugins: Iterable[str | Path] = (),
    progress: Progress | None = None,
    keep_artifacts: bool = False,
) -> Store:
    """Run every model of an experiment and keep what came out.

    Args:
        file: An experiment file, its content as a dictionary, or an experiment already resolved.
        out: The folder of the results; `runs/<name of the file>` by default. Finished runs in it are not made again.
        overrides: `"path=value"`, applied before the file is checked.
        plugins: Python files to take as plugins beside what is installed.
        progress: Told what is going on.
        keep_artifacts: Whether each run's fitted pipeline is kept, in `runs/KEY/`; a run that lacks it is made again.

    Returns:
        The store: `.rows()`, `.manifest()`, and files in its folder.

    Raises:
        ZooError: The experiment, its data or the folder cannot be used. A model that fails raises nothing: its row says why.
    """
    experiment = resolve_experiment(file, overrides, plugins)
    progress = progress or Progress()
    store = Store(out or Path("runs") / (Path(file).stem if isinstance(file, str | Path) else "experiment"))
    if experiment.experiment.train.threads:
        torch.set_num_threads(experiment.experiment.train.threads)
    device = device_of(experiment.experiment.train.device)
    progress.reading()
    judge = _judge(experiment, device)
    if keep_artifacts and isinstance(judge, RankJudge):
        raise ConfigError("--keep-artifacts keeps what recommends to users, and rankers alone do not. Leave it out.")
    description = judge.description
    runs = _runs(experiment, description)
    listed = [{"label": run.model.label, "seed": run.seed, "key": run.key} for run in runs]
    store.open(
        Manifest(
            digest(description), description, judge.notes, judge.metrics, experiment.as_json(), listed, judge.starts
        )
    )
    replaced = store.replaced()
    progress.loaded(len(runs))
    features = FeatureCache(store.folder / "features")
    try:
        for run in runs:
            artifact = store.artifact(run.key) if keep_artifacts else None
            row = None if artifact and not artifact.exists() else store.finished(run.key)
            resumed = row is not None
            if row is None:
                progress.started(run.model.label, run.seed, again=(run.model.label, run.seed) in replaced)
                folder = store.folder / "training" / run.key
                row, lists = _made(run, judge, folder, artifact, progress, features=features)
                store.add(row, lists)
                if not row.error:  # a run that failed is tried again, and then goes on
                    forget(folder)
            progress.finished(replace(row, label=run.model.label), resumed=resumed)
    finally:  # what is finished makes a table also when Ctrl-C ends the rest
        store.compose(markdown)
    return store


def _judge(experiment: AnyExperiment, device: torch.device) -> Judge | RankJudge:
    """Read an experiment's data, and return what its models are held against."""
    if isinstance(experiment, ResolvedRankExperiment):
        return RankJudge(experiment, device)
    return Judge.of(experiment, device)


def _runs(experiment: AnyExperiment, description: dict[str, Any]) -> list[Run]:
    """Return every run of an experiment; a model that no seed touches runs once."""
    runs = []
    train = experiment.experiment.train
    measured_with = {
        "bootstrap": experiment.experiment.evaluate.bootstrap, "device": train.device, "threads": train.threads,
    }  # fmt: skip
    for model in experiment.models:
        sources = sources_of(*model.parts, *model.monitors, *experiment.metrics, *experiment.metric_features)
        seeds: list[int | None] = [None] if model.deterministic else list(train.seeds)
        for seed in seeds:
            identity = {
                "task": description, "model": model.as_json(), "versions": sources, "seed": seed, **measured_with,
            }  # fmt: skip
            runs.append(Run(model, seed, digest(identity), sources))
    return runs


def _made(
    run: Run,
    judge: Judge | RankJudge,
    folder: Path,
    artifact: Path | None,
    progress: Progress,
    *,
    features: FeatureCache,
) -> tuple[Row, pa.Table | None]:
    """Return a run's row and lists, and keep its artifact where it has a place; an error of the model's becomes the row."""
    common: dict[str, Any] = {
        "key": run.key,
        "label": run.model.label,
        "seed": run.seed,
        "model": run.model.as_json(),
        "reads_time": any(part.capabilities.needs_time for part in run.model.parts),
        "versions": {**versions(), **run.versions},
        "machine": machine(),
    }
    try:
        if isinstance(judge, RankJudge):
            assert isinstance(run.model, ResolvedRankModel)
            figures, lists = ranked(run.model, run.seed or 0, judge, folder, progress, features=features)
        else:
            assert isinstance(run.model, ResolvedModel)
            figures, lists, pipeline = measured(run.model, run.seed or 0, judge, folder, progress, features=features)
            if artifact is not None:
                save_artifact(judge.artifact(pipeline), artifact)
    except (Exception, SystemExit) as error:  # any error of a model's is its own row's, never the others' end
        return Row(**common, error=described(error)), None
    return Row(**common, **figures), lists
