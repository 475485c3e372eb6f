"""Each model and seed in turn: fit, recommend, evaluate, measure, keep; a run that fails is a row and the rest go on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from zoo.benchmark.machine import machine, peak_memory, source_version, versions
from zoo.benchmark.report import markdown
from zoo.benchmark.store import Manifest, Row, Store
from zoo.config.load import experiment_from, load_experiment
from zoo.config.resolved import ResolvedExperiment, ResolvedModel, digest
from zoo.data.queries import Queries
from zoo.data.task import Task, load_task
from zoo.errors import ConfigError
from zoo.evaluation.evaluator import Evaluation, Evaluator
from zoo.evaluation.metric import Facts
from zoo.pipeline import Pipeline, Rules
from zoo.registry.registry import Registry
from zoo.stages.candidates import Candidates
from zoo.stages.stage import RunContext

SINGLE_QUERIES = 200
"""How many queries are asked one by one for the latency."""


class Progress:
    """Told what a benchmark is doing; this one does nothing with it."""

    def loaded(self, task: Task, runs: int) -> None:
        """The data are read and split; so many runs follow."""

    def started(self, label: str, seed: int | None) -> None:
        """A run begins."""

    def phase(self, name: str, done: int, total: int) -> None:
        """A run is at `done` of `total` of a phase (`fit`, `recommend`)."""

    def finished(self, row: Row, *, resumed: bool) -> None:
        """A run ended, or was found finished in the folder."""


@dataclass(frozen=True)
class Run:
    """A model with a seed, and the key under which its row is kept."""

    model: ResolvedModel
    seed: int | None
    key: str


def bench(
    file: str | Path | dict[str, Any] | ResolvedExperiment,
    out: str | Path | None = None,
    *,
    overrides: Sequence[str] = (),
    plugins: Iterable[str | Path] = (),
    progress: Progress | None = None,
) -> Store:
    """Run every model of an experiment and keep what came out.

    Args:
        file: An experiment file, its content as a dictionary, or an experiment already resolved.
        out: The folder of the results; `runs/<name of the file>` by default. Finished runs in it are not made again.
        overrides: `"path=value"`, applied before the file is checked.
        plugins: Python files to take as plugins beside what is installed.
        progress: Told what is going on.

    Returns:
        The store: `.rows()`, `.manifest()`, and files in its folder.

    Raises:
        ZooError: The experiment, its data or the folder cannot be used. A model that fails raises nothing: its row says why.
    """
    experiment = _experiment(file, overrides, plugins)
    progress = progress or Progress()
    store = Store(out or Path("runs") / (Path(file).stem if isinstance(file, str | Path) else "experiment"))
    if experiment.experiment.train.threads:
        torch.set_num_threads(experiment.experiment.train.threads)
    task = load_task(experiment)
    description = {
        **task.description(),
        "metrics": [m.as_json() for m in experiment.metrics],
        "refit": experiment.experiment.train.refit,
    }
    runs = _runs(experiment, description)
    listed = [{"label": run.model.label, "seed": run.seed, "key": run.key} for run in runs]
    store.open(Manifest(digest(description), description, dict(task.notes), experiment.as_json(), listed))
    judge = Judge(task, experiment)
    progress.loaded(task, len(runs))
    for run in runs:
        progress.started(run.model.label, run.seed)
        row = store.finished(run.key)
        resumed = row is not None
        if row is None:
            row, lists = _made(run, judge, progress)
            store.add(row, lists)
            store.compose(markdown)
        progress.finished(row, resumed=resumed)
    store.compose(markdown)
    return store


def _experiment(file: Any, overrides: Sequence[str], plugins: Iterable[str | Path]) -> ResolvedExperiment:
    """Return the experiment, read and checked where it is not yet."""
    if isinstance(file, ResolvedExperiment):
        return file
    registry = Registry.discover(plugins) if plugins else None
    if isinstance(file, dict):
        return experiment_from(file, overrides=overrides, registry=registry)
    return load_experiment(file, overrides, registry)


def _runs(experiment: ResolvedExperiment, description: dict[str, Any]) -> list[Run]:
    """Return every run of an experiment; a model that no seed touches runs once."""
    runs = []
    for model in experiment.models:
        plugins = {p.component.plugin.distribution: p.component.plugin for p in model.parts}
        sources = {name: source_version(name, plugin.module, plugin.version) for name, plugin in plugins.items()}
        sources["shopzoo"] = source_version("shopzoo", _core(), "")
        seeds: list[int | None] = [None] if model.deterministic else list(experiment.experiment.train.seeds)
        for seed in seeds:
            identity = {"task": description, "model": model.as_json(), "versions": sources, "seed": seed}
            runs.append(Run(model, seed, digest(identity)))
    return runs


def _core() -> Any:
    """Return the core's own package."""
    import zoo

    return zoo


class Judge:
    """What every model of an experiment is held against: the test queries, the rules and the metrics."""

    def __init__(self, task: Task, experiment: ResolvedExperiment) -> None:
        settings = experiment.experiment
        self.task = task
        self.refit, self.candidates = settings.train.refit, settings.evaluate.candidates
        self.device = _device(settings.train.device)
        self.queries = task.queries("test")
        self.rules = Rules(task.eligible, task.exclude_seen)
        training = task.training("test" if self.refit else "validate")
        prices = task.catalogue.numbers("price") if "price" in task.catalogue.columns else None
        self.facts = Facts.of(training, eligible=task.eligible, prices=prices)
        self.known = training.known
        self.evaluator = Evaluator(
            [m.build() for m in experiment.metrics], self.facts, resamples=settings.evaluate.bootstrap
        )
        self.k = self.evaluator.k
        self._check_cutoffs()

    def _check_cutoffs(self) -> None:
        """Refuse a cutoff that no list could fill.

        Raises:
            ConfigError: A metric's k is larger than the number of items that may be recommended.
        """
        items = int(self.task.eligible.sum())
        for metric in self.evaluator.metrics:
            if metric.k > items:
                raise ConfigError(
                    f"evaluate.metrics: {metric.name} asks for {metric.k} items, and {items} may be recommended: choose a smaller k"
                )

    def cold(self) -> tuple[Queries, Rules] | None:
        """Return the queries with cold targets and the rules under which only cold items are candidates."""
        targets = self.queries.targets
        if targets is None or not targets.cold.any():
            return None
        cold = targets.chosen(targets.cold)
        kept = cold.counts > 0
        q = self.queries
        chosen = Queries(q.log, q.row[kept], q.end[kept], q.now[kept], q.users[kept], cold.of_queries(kept))
        return chosen, Rules(self.task.eligible & ~self.known, self.rules.exclude_seen)


def _device(name: str) -> torch.device:
    """Return the device that a setting names."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def _made(run: Run, judge: Judge, progress: Progress) -> tuple[Row, pa.Table | None]:
    """Return a run's row and lists; an error of the model's becomes the row."""
    common: dict[str, Any] = {
        "key": run.key,
        "label": run.model.label,
        "seed": run.seed,
        "model": run.model.as_json(),
        "versions": {
            **versions(),
            **{p.component.plugin.distribution: p.component.plugin.version for p in run.model.parts},
        },
        "machine": machine(),
    }
    try:
        measured, lists = _measured(run, judge, progress)
    except Exception as error:  # any error of a model's is its own row's, never the others' end
        return Row(**common, error=f"{type(error).__name__}: {error}"), None
    return Row(**common, **measured), lists


def _measured(run: Run, judge: Judge, progress: Progress) -> tuple[dict[str, Any], pa.Table]:
    """Fit, recommend and evaluate a model."""
    context = RunContext(run.seed or 0, judge.device, progress=lambda done, total: progress.phase("fit", done, total))
    with peak_memory() as peak:
        pipeline = Pipeline(run.model)
        start = time.perf_counter()
        pipeline.fit(judge.task, context, refit=judge.refit, candidates=judge.candidates)
        fit_seconds = time.perf_counter() - start
        start = time.perf_counter()
        lists = pipeline.recommend(
            judge.queries,
            judge.k,
            judge.rules,
            candidates=judge.candidates,
            progress=lambda done, total: progress.phase("recommend", done, total),
        )
        recommend_seconds = time.perf_counter() - start
        single = _single_query_ms(pipeline, judge)
    evaluation = judge.evaluator.evaluate(lists, judge.queries.targets)
    measured = {
        "metrics": evaluation.summary(),
        "slices": _cold_slice(pipeline, judge),
        "queries": len(judge.queries),
        "tied_edges": float(lists.tied.float().mean()),
        "fit_seconds": fit_seconds,
        "recommend_per_second": len(judge.queries) / recommend_seconds,
        "p50_ms": float(np.quantile(single, 0.5)),
        "p99_ms": float(np.quantile(single, 0.99)),
        "peak_memory_mib": peak.mib,
        "parameters": sum(t.numel() for t in pipeline.predictor.state().tensors.values()),
    }
    return measured, _lists_table(judge, lists, evaluation)


def _single_query_ms(pipeline: Pipeline, judge: Judge) -> list[float]:
    """Return how long single queries take, evenly drawn from the test queries."""
    times = []
    for at in np.linspace(0, len(judge.queries) - 1, min(SINGLE_QUERIES, len(judge.queries))).astype(int):
        start = time.perf_counter()
        pipeline.recommend(judge.queries[at : at + 1], judge.k, judge.rules, candidates=judge.candidates)
        times.append((time.perf_counter() - start) * 1e3)
    return times


def _cold_slice(pipeline: Pipeline, judge: Judge) -> dict[str, Any]:
    """Return the metrics among cold items alone, with what random lists would reach there."""
    cold = judge.cold()
    if cold is None:
        return {}
    queries, rules = cold
    evaluator = judge.evaluator.per_query_only()
    lists = pipeline.recommend(queries, judge.k, rules, candidates=judge.candidates)
    floor = evaluator.random_floor(queries.targets, int(rules.eligible.sum()))
    return {
        "cold": {
            "queries": len(queries),
            "items": int(rules.eligible.sum()),
            "metrics": evaluator.evaluate(lists, queries.targets).summary(),
            "floor": floor,
        }
    }


def _lists_table(judge: Judge, lists: Candidates, evaluation: Evaluation) -> pa.Table:
    """Return the lists with the items' own ids, their scores and the metrics of each query."""
    filled = (lists.items > 0).numpy()
    offsets = pa.array(np.concatenate([[0], np.cumsum(filled.sum(1))]).astype(np.int32))
    ids = judge.task.catalogue.ids.take(pa.array(lists.items.numpy()[filled]))
    scores = pa.array(lists.scores.numpy()[filled])
    columns: dict[str, Callable[[], Any] | Any] = {
        "user_id": judge.task.user_ids.take(pa.array(judge.queries.row)),
        "now": pa.array(judge.queries.now),
        "items": pa.ListArray.from_arrays(offsets, ids),
        "scores": pa.ListArray.from_arrays(offsets, scores),
        **{name: pa.array(values.astype(np.float32)) for name, values in evaluation.per_query.items()},
    }
    return pa.table(columns)
