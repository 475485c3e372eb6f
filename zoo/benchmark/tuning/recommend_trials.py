"""The trials of `task = "recommend"`: models recommend for the validation queries, by the rules of the comparison."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from zoo.benchmark.fits.cache import FitCache
from zoo.benchmark.fits.clock import FitClock
from zoo.benchmark.tuning.trial import Curve, Measured, Prune
from zoo.config.chosen import Chosen
from zoo.config.lookup import clock_misfits
from zoo.config.resolved import ResolvedExperiment, ResolvedModel
from zoo.data.queries import Queries
from zoo.data.search_task import without_test
from zoo.data.task import Task
from zoo.errors import ConfigError
from zoo.evaluation.evaluator import Evaluator
from zoo.evaluation.metric import Facts
from zoo.pipeline import Rules
from zoo.pipeline.fitting import FitRecord, fit
from zoo.stages.context import RunContext, TrainingEnvironment
from zoo.stages.featurizer import item_features
from zoo.stages.stage import TrainingData


@dataclass(frozen=True, eq=False)
class _Part:
    """The part that measures trials: a task without the test part, and whether models are refitted on all of its earlier events."""

    task: Task
    refit: bool
    evaluator: Evaluator
    queries: Queries


class RecommendTrials:
    """Fits a model on the events before the validation part and measures it there; nothing of the test part is in reach.

    A model whose rankers learn is measured on the `rank` part; see `without_test`.
    """

    def __init__(self, experiment: ResolvedExperiment, task: Task, metric: Chosen, device: torch.device) -> None:
        """Leave out the test part.

        Args:
            experiment: The experiment.
            task: Its task; only its parts before the test are kept.
            metric: The metric to tune for.
            device: Device for tensors.

        Raises:
            ConfigError: There is no validation part, or no value of the metric is better than another.
        """
        self._experiment, self._metric, self._device = experiment, metric, device
        built = metric.build()
        if built.higher_is_better is None:
            raise ConfigError(
                f"tune.metric: no value of {built.name!r} is better than another. Choose a metric such as 'ndcg@10'."
            )
        self.higher_is_better = bool(built.higher_is_better)
        self._parts = {
            learns: self._part(task, learns=learns)
            for learns in sorted({_rankers_learn(model) for model in experiment.models if model.tuning})
        }

    def measure(
        self,
        model: ResolvedModel,
        seed: int,
        *,
        folder: Path,
        clock: FitClock,
        cache: FitCache,
        prune: Prune | None = None,
    ) -> Measured:
        """Fit a model and measure it on the validation part; a model whose training is pruned is not measured."""
        part, experiment = self._parts[_rankers_learn(model)], self._experiment
        if misfits := clock_misfits([model], part.task.log.clock):
            raise ConfigError("\n".join(misfits))
        context = RunContext(
            seed,
            self._device,
            training=TrainingEnvironment(
                folder=folder,
                callbacks=experiment.registry.callbacks,
                losses=experiment.registry.losses,
                samplers=experiment.registry.samplers,
                resumed=clock.add_earlier,
                prune=prune,
            ),
        )
        candidates = experiment.experiment.evaluate.candidates
        with cache.peak_memory(), context.seeded("run"), clock.measure():
            fitted = fit(model, part.task, context, refit=part.refit, candidates=candidates, fits=cache.fits)
            curve, pruned = _training_of(fitted.record)
            if pruned:
                return Measured(None, curve)
            queries = _sample(part.queries, model.train.validation_queries)
            lists = fitted.pipeline.recommend(queries, part.evaluator.k, Rules.of(part.task), candidates=candidates)
            evaluation = part.evaluator.evaluate(lists, queries.answers(), queries)
        return Measured(next(iter(evaluation.values.values())), curve)

    def _part(self, task: Task, *, learns: bool) -> _Part:
        """Return what measures the models whose rankers learn, or the others."""
        experiment = self._experiment
        refit = learns and experiment.train.refit
        seen = without_test(task, rankers_learn=learns, refit=refit)
        training = seen.training("test" if refit else "validate")
        data = TrainingData.of(training, seen.catalogue)
        features = item_features([f.build().fit_transform for f in experiment.metric_features], data, RunContext())
        facts = Facts.of(training, seen.catalogue, seen.eligible, features)
        return _Part(seen, refit, Evaluator([self._metric.build()], facts), seen.queries("test"))


def _rankers_learn(model: ResolvedModel) -> bool:
    """Return whether a model has rankers that are fitted."""
    return any(ranker.capabilities.trainable for ranker in model.rankers)


def _training_of(record: FitRecord) -> tuple[Curve, bool]:
    """Return the curve of the first training of a model, and whether it was pruned."""
    if not record.trainings:
        return (), False
    first = record.trainings[0]
    found = {int(at["epoch"]): float(at["value"]) for at in first["history"]}
    return tuple((epoch, value) for epoch, value in found.items() if math.isfinite(value)), first["stopped"] == "pruned"


def _sample(queries: Queries, most: int) -> Queries:
    """Return at most so many queries, at even steps, as early stopping samples them."""
    if len(queries) <= most:
        return queries
    kept = np.zeros(len(queries), np.bool_)
    kept[np.linspace(0, len(queries) - 1, most).astype(np.int64)] = True
    return queries.where(kept)
