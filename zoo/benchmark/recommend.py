"""The comparison of `task = "recommend"`: models recommend items to users, evaluated on the test queries."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from zoo.artifacts.artifact import Artifact
from zoo.artifacts.reading import describe_reading
from zoo.benchmark.comparison import Measurement, Reevaluation, count_parameters
from zoo.benchmark.fits.cache import FitCache
from zoo.benchmark.fits.clock import FitClock
from zoo.benchmark.lists.kept_lists import query_columns, reevaluate_lists
from zoo.benchmark.lists.list_notes import notes_on_lists, notes_on_metrics
from zoo.benchmark.progress import Progress
from zoo.benchmark.references import hints, reference_models
from zoo.benchmark.results_folder.queried_users import QueriedUsers
from zoo.benchmark.tuning.recommend_trials import RecommendTrials
from zoo.config.lookup import clock_misfits, rank_misfits
from zoo.config.resolved import ResolvedExperiment, ResolvedModel
from zoo.data.checks.all_checks import check_experiment
from zoo.data.checks.finding import Finding
from zoo.data.moments import format_moment
from zoo.data.queries import Queries
from zoo.data.task import load_task
from zoo.data_size import DataSize
from zoo.errors import ConfigError
from zoo.evaluation.evaluated_lists import EvaluatedLists
from zoo.evaluation.evaluator import Evaluation, Evaluator
from zoo.evaluation.metric import Facts
from zoo.evaluation.query_slices import QuerySlice, slice_queries
from zoo.pipeline import FittedPipeline, Rules
from zoo.pipeline.declared_columns import check_columns, check_model
from zoo.pipeline.fitting import Fit, fit
from zoo.pipeline.memory_check import size_of
from zoo.stages.candidates import Candidates
from zoo.stages.context import RunContext, TrainingEnvironment
from zoo.stages.featurizer import item_features
from zoo.stages.stage import TrainingData
from zoo.training.training_record import ranker_records, record

SINGLE_QUERIES = 200
"""Number of queries that are answered one by one to measure the latency."""


class RecommendComparison:
    """The comparison of `task = "recommend"`: test queries, rules and metrics, shared by all models."""

    has_artifacts = True

    def __init__(self, experiment: ResolvedExperiment, device: torch.device) -> None:
        """Read the data of an experiment.

        Raises:
            ConfigError: A model needs timestamps or a part that the data do not have, or a metric cannot be computed on them.
        """
        settings = experiment.experiment
        self.task = task = load_task(experiment)
        misfits = clock_misfits(experiment.models, task.log.clock)
        if misfits := misfits + rank_misfits(experiment.models, task.parts.held_out):
            raise ConfigError("\n".join(misfits))
        check_columns(
            [*experiment.metrics, *(m for model in experiment.models for m in model.monitors)],
            task.catalogue,
            "evaluate.metrics",
        )
        for model in experiment.models:
            check_model(model, task.catalogue, task.users)
        self.refit, self.candidates = settings.train.refit, settings.evaluate.candidates
        self.device = device
        self.queries = task.queries("test")
        self.rules = Rules.of(task)
        training = task.training("test" if self.refit else "validate")
        data = TrainingData.of(training, task.catalogue)
        features = item_features([f.build().fit_transform for f in experiment.metric_features], data, RunContext())
        self.references = reference_models(experiment, training, device)
        self.hints = hints(experiment, task.catalogue)
        self.facts = Facts.of(training, task.catalogue, task.eligible, features)
        self.known = training.known
        self.callbacks = experiment.registry.callbacks
        self.losses, self.samplers = experiment.registry.losses, experiment.registry.samplers
        self.evaluator = Evaluator(
            [m.build() for m in experiment.metrics], self.facts, resamples=settings.evaluate.bootstrap
        )
        self.origins = {m.name: c.origin for m, c in zip(self.evaluator.metrics, experiment.metrics, strict=True)}
        self.k = self.evaluator.k
        self._check_cutoffs()
        self._experiment = experiment
        self.description = {
            **task.description(),
            "metrics": [m.as_json() for m in experiment.metrics],
            "metric_features": [f.as_json() for f in experiment.metric_features],
            "candidates": settings.evaluate.candidates,
            "refit": settings.train.refit,
        }

    @cached_property
    def findings(self) -> list[Finding]:
        """What the checks of the task found."""
        return check_experiment(self._experiment, self.task)

    @property
    def users(self) -> QueriedUsers:
        """The users behind the test queries."""
        return QueriedUsers(self.queries, self.task.user_ids, self.task.catalogue, self.facts.counts.numpy())

    @property
    def notes(self) -> dict[str, Any]:
        """Counts of dropped data and other facts about the data."""
        return dict(self.task.notes)

    @property
    def starts(self) -> dict[str, str]:
        """When each part begins, if the split cuts at moments."""
        return {str(part): format_moment(start) for part, start in self.task.parts.starts.items()}

    @property
    def _about(self) -> dict[str, Any]:
        """What artifacts say about the data."""
        return {"read": describe_reading(self._experiment, self.task)}

    @property
    def metrics(self) -> dict[str, bool | None]:
        """Whether higher is better, for each metric."""
        return {metric.name: metric.higher_is_better for metric in self.evaluator.metrics}

    @property
    def has_validation(self) -> bool:
        """Whether the split has a `validate` part."""
        return "validate" in self.task.parts.held_out

    @property
    def size(self) -> DataSize:
        """The size of the log before the test part, which the final fit takes."""
        return size_of(self.task.training("test"))

    @cached_property
    def trials(self) -> RecommendTrials:
        """What a search sees: the data without the test part."""
        metric = next(model.tuning.metric for model in self._experiment.models if model.tuning)
        return RecommendTrials(self._experiment, self.task, metric, self.device)

    def _check_cutoffs(self) -> None:
        """Refuse a cutoff larger than the number of eligible items.

        Raises:
            ConfigError: A metric's k is larger than the number of items that may be recommended.
        """
        items = int(self.task.eligible.sum())
        for metric in self.evaluator.metrics:
            if metric.k > items:
                raise ConfigError(
                    f"evaluate.metrics: {metric.name} needs lists of {metric.k} items, and only {items} items may be recommended: choose a smaller k"
                )

    def cold(self) -> tuple[Queries, Rules] | None:
        """Return the queries with cold targets and the rules under which only cold items are candidates, without a fallback."""
        targets = self.queries.answers()
        if not targets.cold.any():
            return None
        cold = replace(self.queries, targets=targets.where(targets.cold))
        chosen = cold.where(targets.where(targets.cold).counts > 0)
        return chosen, Rules(self.task.eligible & ~self.known, self.rules.exclude_seen, "none")

    def run_model(
        self, model: ResolvedModel, seed: int, *, folder: Path, progress: Progress, cache: FitCache
    ) -> Measurement:
        """Fit a model, compute its recommendations and evaluate them.

        The fit time includes the time to compute the item features, even if they come from the cache, and the time of an
        interrupted training before its checkpoint.
        """
        clock = FitClock(cache)
        context = RunContext(
            seed,
            self.device,
            progress=partial(progress.phase, "fit"),
            training=TrainingEnvironment(
                folder=folder,
                callbacks=self.callbacks,
                losses=self.losses,
                samplers=self.samplers,
                resumed=clock.add_earlier,
            ),
        )
        with cache.peak_memory() as peak:
            with context.seeded("run"), clock.measure():
                fitted = fit(model, self.task, context, refit=self.refit, candidates=self.candidates, fits=cache.fits)
            pipeline = fitted.pipeline
            start = time.perf_counter()
            lists = self.recommend(pipeline, self.queries, progress=partial(progress.phase, "recommend"))
            recommend_seconds = time.perf_counter() - start
            single = _single_query_ms(pipeline, self)
        evaluation = self.evaluator.evaluate(lists, self.queries.answers(), self.queries)
        return Measurement(
            metrics=evaluation.summary(),
            slices={**_cold_slice(pipeline, self), **_candidate_slice(fitted, self)},
            queries=len(self.queries),
            tied_edges=evaluation.tied,
            filled=float(lists.filled_slots().double().mean()),
            fit_seconds=clock.seconds,
            training=record(fitted.record.trainings, model.train.monitor),
            rankers=ranker_records(model.rankers, pipeline.rankers, [r.trained for r in pipeline.rankers]),
            recommend_per_second=len(self.queries) / recommend_seconds,
            p50_ms=float(np.quantile(single, 0.5)),
            p99_ms=float(np.quantile(single, 0.99)),
            peak_memory_mib=peak.mib,
            parameters=count_parameters((pipeline.predictor, *pipeline.rankers)),
            notes=[
                *notes_on_lists(pipeline, self.queries, self.rules, lists),
                *notes_on_metrics(self.origins, evaluation),
            ],
            lists=_lists_table(self, lists, evaluation),
            artifact=partial(Artifact.of, pipeline, self.task, candidates=self.candidates, about=self._about),
        )

    def recommend(
        self,
        pipeline: FittedPipeline,
        queries: Queries,
        rules: Rules | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Candidates:
        """Return the list of each query, by the rules of the comparison unless others are given."""
        return pipeline.recommend(queries, self.k, rules or self.rules, candidates=self.candidates, progress=progress)

    def reevaluate(self, lists: pa.Table) -> Reevaluation:
        """Evaluate the stored lists of a run again."""
        return reevaluate_lists(lists, self)

    def slices(self) -> list[QuerySlice]:
        """Return groups of the test queries: by history, user, and targets."""
        return slice_queries(self.queries, self.facts.counts.numpy())


def _single_query_ms(pipeline: FittedPipeline, comparison: RecommendComparison) -> list[float]:
    """Return the latency of single queries in ms, for a sample of the test queries at even distances."""
    times = []
    for at in np.linspace(0, len(comparison.queries) - 1, min(SINGLE_QUERIES, len(comparison.queries))).astype(int):
        start = time.perf_counter()
        comparison.recommend(pipeline, comparison.queries[at : at + 1])
        times.append((time.perf_counter() - start) * 1e3)
    return times


def _cold_slice(pipeline: FittedPipeline, comparison: RecommendComparison) -> dict[str, Any]:
    """Return the metrics on cold items only, with the expected value of random lists."""
    cold, evaluator = comparison.cold(), comparison.evaluator.per_query_only()
    if cold is None or not evaluator.metrics:
        return {}
    queries, rules = cold
    lists = comparison.recommend(pipeline, queries, rules)
    floor = evaluator.random_floor(queries.answers(), int(rules.eligible.sum()))
    return {
        "cold": {
            "queries": len(queries),
            "items": int(rules.eligible.sum()),
            "scored": pipeline.model.scores_cold(pipeline.model.predictor),
            "metrics": evaluator.evaluate(lists, queries.answers(), queries).summary(),
            "floor": floor,
        }
    }


def _candidate_slice(fitted: Fit, comparison: RecommendComparison) -> dict[str, Any]:
    """Return the recall of the candidates, which is the upper bound for the rankers."""
    pipeline = fitted.pipeline
    if not pipeline.rankers:
        return {}
    found = pipeline.retrieve(comparison.queries, comparison.candidates, comparison.rules)
    judged = EvaluatedLists.of(found.items, comparison.queries.answers(), comparison.candidates)
    shares = judged.hits.sum(1) / judged.n_targets
    recall = float(shares[judged.n_targets > 0].mean())
    return {"candidates": {"recall": recall, "k": comparison.candidates, "informative": fitted.record.informative}}


def _lists_table(comparison: RecommendComparison, lists: Candidates, evaluation: Evaluation) -> pa.Table:
    """Return the lists with item ids and scores (null for an item of the fallback), and the metrics of each query."""
    present = (lists.items > 0).numpy()
    offsets = pa.array(np.concatenate([[0], np.cumsum(present.sum(1))]).astype(np.int32))
    ids = comparison.task.catalogue.ids.take(pa.array(lists.items.numpy()[present]))
    scores = pa.array(lists.scores.numpy()[present], mask=lists.filled_slots().numpy()[present])
    columns: dict[str, Any] = {
        **query_columns(comparison),
        "items": pa.ListArray.from_arrays(offsets, ids),
        "scores": pa.ListArray.from_arrays(offsets, scores),
        **{name: pa.array(values.astype(np.float32)) for name, values in evaluation.per_query.items()},
    }
    return pa.table(columns)
