"""Fit a model on a task: the validated fit that finds the epochs, the fit that rankers learn from, and the final fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from zoo.config.chosen import Chosen
from zoo.config.resolved import ResolvedModel
from zoo.data.catalogue import Catalogue
from zoo.data.interactions import Interactions
from zoo.data.queries import Queries
from zoo.data.task import Task
from zoo.data.user_table import UserTable
from zoo.errors import naming
from zoo.evaluation.metric import Facts
from zoo.evaluation.validation import Validation
from zoo.pipeline.declared_columns import check_model, declared_columns, declared_user_columns
from zoo.pipeline.fitted import FittedPipeline
from zoo.pipeline.memory_check import check_memory
from zoo.pipeline.part_fits import UNCACHED, PartFits, PredictorFit
from zoo.pipeline.retrieval import Retrieval, Rules
from zoo.stages.candidate_features import CandidateFeatures
from zoo.stages.context import RunContext
from zoo.stages.featurizer import item_features
from zoo.stages.item_features import ItemFeatures
from zoo.stages.predictor import Predictor
from zoo.stages.ranker_inputs import reads_queries
from zoo.stages.ranking_data import RankingData
from zoo.stages.reranking import fit_in_turn
from zoo.stages.stage import TrainingData
from zoo.stages.user_columns import UserColumns

Validate = Callable[[Predictor[Any]], float]
"""Returns the metric of a predictor on the validation queries."""


@dataclass(frozen=True)
class FitRecord:
    """How a model was fitted.

    Attributes:
        trainings: One table for each training in epochs of the predictor, in order, as `fit_of` makes them.
        informative: How many of the lists that rankers learned from have a target among their candidates, and how many
            lists there are; None without trainable rankers.
    """

    trainings: tuple[dict[str, Any], ...] = ()
    informative: tuple[int, int] | None = None


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted pipeline and how it was fitted."""

    pipeline: FittedPipeline
    record: FitRecord


def fit(
    model: ResolvedModel,
    task: Task,
    context: RunContext,
    *,
    refit: bool = True,
    candidates: int = 200,
    all_events: bool = False,
    fits: PartFits = UNCACHED,
) -> Fit:
    """Fit all stages of a model on a task.

    A predictor that trains in epochs finds their number on the `validate` part, where the split has one; every further fit
    trains for that many. Rankers that learn are fitted on the `rank` part, from candidates of a predictor that has not seen
    it; then filters and predictor are fitted again on the final log, on the item features that the rankers learned from.

    Args:
        model: The components.
        task: The data and their split.
        context: Randomness, device, progress.
        refit: Whether the final fit takes everything before the test, or only the training part.
        candidates: How many candidates a ranker gets for each query.
        all_events: Whether the final fit takes every event, those of the test as well: for use, not for measuring.
        fits: Fit the featurizers and the predictor; a cache can take their place.

    Returns:
        The fit. If `context.training.prune` ended the validated training, nothing after it is fitted, and that training is the
        only one of the record.

    Raises:
        ResourceError: A component needs more memory than is available.
        ZooError: A stage cannot be fitted on these data.
    """
    check_memory(model, task.log, context.device)
    trainable = any(chosen.capabilities.trainable for chosen in model.rankers)
    validated = learned = None
    if _trains_in_epochs(model) and model.monitor is not None and "validate" in task.parts.held_out:
        validated = _fit_validated(model, task, context, fits)
        found = validated.record.trainings[-1]
        if found["stopped"] == "pruned" or (not refit and not trainable and not all_events):
            return validated
        context = replace(context, epochs=found["epochs"]).for_training(phase="refit", chosen=found["chosen"])
    if trainable:
        learned = _fit_with_rankers(model, task, context, candidates, fits)
        context = context.for_training(phase="refit")
    if all_events:
        log, context = task.log, context.for_training(phase="refit").below("all-events")
    else:
        log = task.training("test" if refit else "validate")
    final = fit_on_log(
        model,
        log,
        task.catalogue,
        context,
        users=task.users,
        fits=fits,
        learned=None if learned is None else learned.pipeline,
    )
    steps = [step.record for step in (validated, learned, final) if step is not None]
    trainings = tuple(training for step in steps for training in step.trainings)
    return Fit(final.pipeline, FitRecord(trainings, learned.record.informative if learned else None))


def fit_on_log(
    model: ResolvedModel,
    interactions: Interactions,
    catalogue: Catalogue | None,
    context: RunContext,
    *,
    users: UserTable | None = None,
    features: ItemFeatures | None = None,
    fits: PartFits = UNCACHED,
    learned: FittedPipeline | None = None,
    validator: Callable[[Retrieval], Validate] | None = None,
    validated_on: Callable[[], Any] | None = None,
) -> Fit:
    """Fit new featurizers, filters and a new predictor on a log; rankers are not fitted here.

    Args:
        model: The components.
        interactions: The log.
        catalogue: The items' columns, or None where the model reads none.
        context: Randomness, device, progress.
        users: The users' columns, or None where the model reads none.
        features: The item features, where they are made already.
        fits: Fit the featurizers and the predictor.
        learned: A pipeline whose rankers are fitted: they stay, and so do the featurizers and the features they learned from.
        validator: Returns how to validate the predictor, given the fitted filters.
        validated_on: Returns what the validation depends on besides the log and the components, as JSON.
    """
    context = context.for_training(settings=model.train, label=model.label).below(context.training.phase)
    check_model(model, catalogue, users)
    columns, of_users = declared_columns(model, catalogue), declared_user_columns(model, users)
    data = TrainingData.of(interactions, catalogue)
    if learned is not None:
        featurizers, features = learned.featurizers, learned.features
    else:
        featurizers = tuple(chosen.build() for chosen in model.featurizers)
    if features is None:
        parts = zip(model.featurizers, featurizers, strict=True)
        calls = [naming(chosen.name)(partial(fits.featurizer, chosen, featurizer)) for chosen, featurizer in parts]
        # The epochs of the predictor are not those of a featurizer.
        features = item_features(calls, data, replace(context, epochs=None))
    data = replace(data, features=features)
    filters = tuple(chosen.build() for chosen in model.filters)
    for chosen, item_filter in zip(model.filters, filters, strict=True):
        with naming(chosen.name):
            item_filter.fit(data.guarded(), context)
    ranking = None
    if model.rankers:
        ranking = CandidateFeatures(model.candidate_features)
        named = UserColumns.of(users, model.candidate_features.user_columns)
        ranking.fit(replace(data, user_columns=named))
    predictor: Predictor[Any] = model.predictor.build()
    known_users = np.concatenate([[False], interactions.lengths > 0])
    user_columns = UserColumns.of(users, model.predictor.capabilities.user_columns)
    if user_columns.users.columns:
        known_users |= user_columns.users.described()
    retrieval = Retrieval.of(model, predictor, filters, data.known, known_users, counts=interactions.counts())
    if validator is not None:
        context = replace(context, validate=validator(retrieval))
    reads_features = model.predictor.capabilities.features != "none"
    seen = replace(data, features=data.features if reads_features else None, user_columns=user_columns)
    # Seeded, so that later random numbers do not depend on whether the predictor was fitted or restored.
    with context.seeded("predictor"):
        training = fits.predictor(PredictorFit(model, predictor, seen, context, validated_on))
    rankers = learned.rankers if learned else tuple(chosen.build() for chosen in model.rankers)
    pipeline = FittedPipeline(model, retrieval, featurizers, rankers, ranking, features, columns, of_users)
    return Fit(pipeline, FitRecord(() if training is None else (training,)))


@dataclass(frozen=True, eq=False)
class PredictorValidation:
    """The metric of a predictor on validation queries, with the filters of a pipeline and the fallback of the evaluation.

    The fallback's lists depend on the training log alone, so they add the same amount to the metric of each epoch.

    Attributes:
        validation: The queries and the metric.
        rules: What may be recommended.
        retrieval: The fitted filters; its predictor is replaced by the one to validate.
    """

    validation: Validation
    rules: Rules
    retrieval: Retrieval

    def __call__(self, predictor: Predictor[Any]) -> float:
        """Return the metric of a predictor."""
        retrieval = replace(self.retrieval, predictor=predictor)
        return self.validation(lambda queries, k: retrieval.lists(queries, k, self.rules))


def _fit_validated(model: ResolvedModel, task: Task, context: RunContext, fits: PartFits) -> Fit:
    """Fit on the training part; the predictor can evaluate itself on the validation queries."""
    training, (monitor,) = task.training("validate"), model.monitors
    facts = Facts.of(training, task.catalogue, task.eligible)
    validation = Validation(monitor.build(), facts, task.queries("validate"), model.train.validation_queries)
    validator = partial(PredictorValidation, validation, Rules.of(task))
    context = context.for_training(phase="validated")
    return fit_on_log(
        model,
        training,
        task.catalogue,
        context,
        users=task.users,
        fits=fits,
        validator=validator,
        validated_on=partial(_validated_on, task, monitor),
    )


def _validated_on(task: Task, monitor: Chosen) -> dict[str, Any]:
    """Return the task of a validation and its metric, as JSON."""
    return {"task": task.description(), "refit": task.refit, "monitor": monitor.as_json()}


def _fit_with_rankers(model: ResolvedModel, task: Task, context: RunContext, candidates: int, fits: PartFits) -> Fit:
    """Fit on the log before the `rank` part, then fit the rankers on candidates for the queries of that part."""
    before = context.for_training(phase="rank")
    first = fit_on_log(model, task.training("rank"), task.catalogue, before, users=task.users, fits=fits)
    pipeline, queries, blocks, start = first.pipeline, task.queries("rank"), [], 0
    rules = Rules.of(task)
    with torch.no_grad():  # autograd cannot record tensors made in inference mode
        for block, found, _ in pipeline.retrieval.blocks(queries, candidates, rules):
            labels = _labels(queries[start : start + len(block)], found.items)
            blocks.append(RankingData.of(replace(pipeline.ranking_lists(block, found), labels=labels)))
            start += len(block)
    lists = RankingData.joined(blocks)
    if any(reads_queries(chosen.capabilities) for chosen in model.rankers):
        lists = replace(lists, queries=queries.blind().compact())
    data = lists.where(lists.lengths > 0)
    trainable = [chosen.capabilities.trainable for chosen in model.rankers]
    context = replace(context, epochs=None).for_training(settings=model.ranker_train, label=model.label, phase="refit")
    origins = [chosen.origin for chosen in model.rankers]
    fit_in_turn(
        pipeline.rankers, trainable, data, context.below("rankers"), origins=origins, inputs=pipeline.ranker_inputs
    )
    informative = int(np.count_nonzero(data.decided)), len(lists)
    return Fit(pipeline, replace(first.record, informative=informative))


def _trains_in_epochs(model: ResolvedModel) -> bool:
    """Return whether the predictor trains in epochs."""
    return model.predictor.capabilities.trains_in_epochs


def _labels(queries: Queries, items: Tensor) -> Tensor:
    """Return 1 for the items of `[Q, K]` that are targets, 0 for the others."""
    width, targets = queries.log.n_items + 1, queries.answers()
    wanted = np.repeat(np.arange(len(queries)), targets.counts) * width + targets.items
    keys = np.arange(len(queries))[:, None] * width + items.numpy()
    return torch.from_numpy(np.isin(keys, wanted).astype(np.float32))
