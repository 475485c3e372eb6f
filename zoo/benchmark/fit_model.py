"""Fit one model of an experiment as a benchmark does, save it, and resume an interrupted fit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from zoo.artifacts.artifact import Artifact
from zoo.artifacts.fit_artifact import fit as fit_resolved
from zoo.artifacts.fit_artifact import select_model
from zoo.artifacts.folder import refuse_taken
from zoo.artifacts.saving import save_artifact
from zoo.benchmark.machine import device_of, sources_of
from zoo.benchmark.progress import Progress
from zoo.benchmark.thread_counts import describe_other_training, using_threads
from zoo.config.load import resolve_experiment
from zoo.config.resolved import ResolvedExperiment, ResolvedModel
from zoo.config.resolved_base import BaseResolvedExperiment, digest
from zoo.config.train import RANKS
from zoo.data.checks.all_checks import check_task
from zoo.data.task import Task, load_task
from zoo.errors import ConfigError
from zoo.folder_lock import lock_folder
from zoo.plain_values import refused_values
from zoo.training.checkpoint import forget
from zoo.training.environments import is_first_process, own_device


def fit(
    file: str | Path | dict[str, Any] | BaseResolvedExperiment,
    model: str | None = None,
    *,
    out: str | Path | None = None,
    overrides: Sequence[str] = (),
    plugins: Iterable[str | Path] = (),
    seed: int | None = None,
    all_events: bool = False,
    histories: bool = True,
    progress: Progress | None = None,
    wait: bool = False,
    task: Task | None = None,
) -> Artifact:
    """Fit one model of an experiment and return its artifact.

    The model is fitted as in `zoo.bench`: on all events before the test part, with early stopping on the validation events. If
    torchrun or SLURM started several processes, they train networks together, and only the first one saves.

        artifact = zoo.fit("experiment.toml", "als", out="artifacts/als")
        artifact.recommend("c000001", k=5)

    Args:
        file: An experiment file, its content as a dictionary, or an experiment already resolved.
        model: The label of the model; optional if the experiment has only one.
        out: The folder to save the artifact in; an existing artifact is replaced. Until it is complete, checkpoints
            are stored beside it in `OUT.training/`, and the same call resumes from them. None saves nothing.
        overrides: `"path=value"`, applied before the file is checked.
        plugins: Python files to load as plugins in addition to the installed ones.
        seed: The seed; the first of `train.seeds` by default.
        all_events: Whether the final fit includes the test events: for production, not for evaluation.
        histories: Whether the saved artifact contains the users' histories; without them, each query must include one.
        progress: Receives the progress of the fit.
        wait: Whether to wait for another process that fits to the same folder, instead of raising an error.
        task: The task, if it is at hand; otherwise the data of the experiment are read and split. A task without held-out
            events is fitted whole, and the artifact states that there was no split.

    Raises:
        ConfigError: The experiment is invalid, has `task = "rank"`, or has no such model, or the seed is out of range.
        DataError: The data are missing or invalid.
        ArtifactError: `out` exists and is not an artifact, or cannot be written.
        ResultsError: Another process fits to `out`.
    """
    experiment = resolve_experiment(file, overrides, plugins).require_recommend()
    if refused := list(refused_values(seed, "seed")):
        raise ConfigError("\n".join(refused))
    if seed is not None and seed < 0:
        raise ConfigError(f"seed: expected a number of at least 0, found {seed}.")
    chosen, place = select_model(experiment, model), None if out is None else Path(out)
    if place is not None:
        refuse_taken(place)
    progress = progress or Progress()
    training = None if place is None else training_folder(place)
    # The first of several processes writes for all of them, so it alone takes the lock.
    lock = (
        nullcontext()
        if training is None or not is_first_process()
        else lock_folder(training, wait=wait, waiting=progress.waiting)
    )
    with using_threads(experiment.train.threads), lock:
        artifact, folder = _fit(experiment, chosen, seed, training, progress, task=task, all_events=all_events)
        if not is_first_process():
            return artifact
        if place is not None:
            save_artifact(artifact, place, histories=histories)
        if training is not None and folder is not None:
            forget(training)
            if folder.exists():
                progress.report_logs(folder)
    return artifact


def training_folder(out: Path) -> Path:
    """Return the folder beside an artifact with its checkpoints and its lock; a link and the folder that it leads to have one."""
    place = out.resolve()
    return place.parent / f"{place.name}.training"


def _fit(
    experiment: ResolvedExperiment,
    model: ResolvedModel,
    seed: int | None,
    training: Path | None,
    progress: Progress,
    *,
    task: Task | None,
    all_events: bool,
) -> tuple[Artifact, Path | None]:
    """Fit a model; return its artifact and the folder with its checkpoints and logs, if there is one."""
    train = experiment.train
    device, seed = own_device(device_of(train.device)), train.seeds[0] if seed is None else seed
    if task is None:
        progress.reading()
        task = load_task(experiment)
    progress.loaded(1)
    whole = not task.parts.held_out
    if is_first_process() and not whole:
        progress.checked(check_task(task, [model], experiment.experiment.data.accept))
    if is_first_process() and model.tuning is not None:
        progress.differs(
            f"{model.label} is fitted with the settings of the file: `zoo fit` does not search. `zoo bench` with `[tune]` does, and "
            "saves the tuned models with --keep-artifacts; its report.md has the best settings to write into the file."
        )
    progress.started(model.label, None if model.deterministic else seed, again="")
    folder = None
    if training is not None:
        key_with = fit_keys(experiment, model, task, seed, all_events=all_events)
        progress.differs(describe_other_training(training, key_with))
        folder = training / key_with(torch.get_num_threads())
    artifact = fit_resolved(
        experiment,
        model,
        task=task,
        seed=seed,
        device=device,
        all_events=all_events,
        folder=folder,
        progress=partial(progress.phase, "fit"),
    )
    if whole:
        artifact = replace(artifact, data={**artifact.data, "split": {"policy": "none"}})
    return artifact, folder


def fit_keys(
    experiment: ResolvedExperiment, model: ResolvedModel, task: Task, seed: int, *, all_events: bool
) -> Callable[[int], str]:
    """Return a function of the number of threads: the hash of everything that must be unchanged for an interrupted fit to resume.

    The sources are hashed once, which takes longer than all the rest.
    """
    train = experiment.train
    identity = {
        "task": task.description(), "model": _without_ranks(model.as_json()), "seed": seed,
        "versions": sources_of(*model.parts, *model.monitors, plugins=experiment.further_plugins(model)),
        "all_events": all_events, "refit": train.refit, "device": train.device,
        "candidates": experiment.experiment.evaluate.candidates,
    }  # fmt: skip
    return lambda threads: digest({**identity, "threads": threads})


def _without_ranks(model: dict[str, Any]) -> dict[str, Any]:
    """Return a model without the settings that say which processes train: an interrupted fit resumes with others."""
    return {
        key: {name: setting for name, setting in value.items() if name not in RANKS}
        if key in ("train", "ranker_train")
        else value
        for key, value in model.items()
    }
