"""Fit one model of an experiment as a benchmark does, and keep it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from zoo.artifacts.artifact import Artifact
from zoo.config.lookup import clock_misfits
from zoo.config.resolved import ResolvedExperiment, ResolvedModel
from zoo.data.task import Task, load_task
from zoo.errors import ConfigError, suggestion
from zoo.pipeline import fitting
from zoo.stages.context import RunContext, Tell, TrainingEnvironment


def chosen_model(experiment: ResolvedExperiment, label: str | None) -> ResolvedModel:
    """Return the model of a label; an experiment's only one where no label is given.

    Raises:
        ConfigError: There is no such model, or there are several.
    """
    labels = [model.label for model in experiment.models]
    if label is None and len(labels) == 1:
        return experiment.models[0]
    if label not in labels:
        asked = "the experiment has several models" if label is None else f"no model {label!r}."
        hint = ": choose one, `--model LABEL` or `model=LABEL`." if label is None else suggestion(label, labels)
        raise ConfigError(f"{asked}{hint} Its models: {', '.join(labels)}.")
    return experiment.models[labels.index(label)]


def fit(
    experiment: ResolvedExperiment,
    model: ResolvedModel,
    *,
    task: Task | None = None,
    seed: int | None = None,
    device: torch.device | None = None,
    all_events: bool = False,
    folder: Path | None = None,
    progress: Tell | None = None,
) -> Artifact:
    """Fit a model of an experiment.

    Args:
        experiment: Data, split and rules.
        model: One of its models.
        task: The experiment's, where it is read already.
        seed: The first of the experiment's by default.
        device: Where it is fitted; the CPU by default.
        all_events: Whether the last fit takes every event, the test's as well, once epochs and rankers are settled
            without them: for use, not for measuring.
        folder: Where trainings keep checkpoints and logs, if anywhere; one that was interrupted there goes on.
        progress: Told how far a long fit is.

    Raises:
        ZooError: The model, or the data, cannot be used.
    """
    train, candidates = experiment.experiment.train, experiment.experiment.evaluate.candidates
    task = task or load_task(experiment)
    misfits = clock_misfits([model], task.log.clock)
    if misfits:
        raise ConfigError("\n".join(misfits))
    context = RunContext(
        0 if model.deterministic else train.seeds[0] if seed is None else seed,
        device or torch.device("cpu"),
        training=TrainingEnvironment(
            folder=folder, callbacks=experiment.registry.callbacks, losses=experiment.registry.losses
        ),
    )
    context = context if progress is None else replace(context, progress=progress)
    with context.seeded("run"):
        fitted = fitting.fit(
            model, task, context, refit=train.refit, candidates=candidates, all_events=all_events
        ).pipeline
    artifact = Artifact.of(fitted, task, candidates=candidates, all_events=all_events)
    how = {"refit": train.refit, "all_events": all_events, "seed": context.seed}
    return replace(artifact, data={**artifact.data, **how})
