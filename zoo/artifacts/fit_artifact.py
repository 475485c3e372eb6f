"""Fit one model of an experiment as a benchmark does, and return its artifact."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from zoo.artifacts.artifact import Artifact
from zoo.artifacts.reading import describe_reading
from zoo.config.lookup import clock_misfits, rank_misfits
from zoo.config.resolved import ResolvedExperiment, ResolvedModel
from zoo.data.task import Task, load_task
from zoo.errors import ConfigError, suggestion
from zoo.pipeline import fitting
from zoo.stages.context import RunContext, Tell, TrainingEnvironment


def select_model(experiment: ResolvedExperiment, label: str | None) -> ResolvedModel:
    """Return the model with a label; without a label, the experiment's only model.

    Raises:
        ConfigError: No model has the label, or there are several models and no label.
    """
    labels = [model.label for model in experiment.models]
    if label is None and len(labels) == 1:
        return experiment.models[0]
    if label not in labels:
        problem = "the experiment has several models" if label is None else f"no model {label!r}."
        hint = ": choose one, `--model LABEL` or `model=LABEL`." if label is None else suggestion(label, labels)
        raise ConfigError(f"{problem}{hint} Its models: {', '.join(labels)}.")
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
        experiment: The resolved experiment.
        model: One of its models.
        task: The experiment's task, if it is already loaded.
        seed: The seed; by default the first of the experiment.
        device: The device to fit on; the CPU by default.
        all_events: Whether the final fit includes the test events, after epochs and rankers were chosen without them:
            for production, not for evaluation.
        folder: Folder for checkpoints and logs, if any; an interrupted training there is resumed.
        progress: Receives the progress of a long fit.

    Raises:
        ZooError: The model, or the data, cannot be used.
    """
    train, candidates = experiment.experiment.train, experiment.experiment.evaluate.candidates
    task = task or load_task(experiment)
    misfits = clock_misfits([model], task.log.clock) + rank_misfits([model], task.parts.held_out)
    if misfits:
        raise ConfigError("\n".join(misfits))
    context = RunContext(
        0 if model.deterministic else train.seeds[0] if seed is None else seed,
        device or torch.device("cpu"),
        training=TrainingEnvironment(
            folder=folder,
            callbacks=experiment.registry.callbacks,
            losses=experiment.registry.losses,
            samplers=experiment.registry.samplers,
        ),
    )
    context = context if progress is None else replace(context, progress=progress)
    with context.seeded("run"):
        fitted = fitting.fit(
            model, task, context, refit=train.refit, candidates=candidates, all_events=all_events
        ).pipeline
    how = {"refit": train.refit, "all_events": all_events, "seed": context.seed}
    about = {**how, "read": describe_reading(experiment, task)}
    return Artifact.of(fitted, task, candidates=candidates, all_events=all_events, about=about)
