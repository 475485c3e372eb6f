"""Train a network with the settings, names and files of a run, on one or more ranks."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import nn

from zoo.config.train import RANKS
from zoo.errors import TrainingError
from zoo.hookspecs import Training
from zoo.stages.context import RunContext
from zoo.trained import Trained
from zoo.training import launching
from zoo.training.checkpoint import ENDING
from zoo.training.early_stopping import StoppingRule
from zoo.training.job import TrainingJob
from zoo.training.share import Batches, limit_batches
from zoo.training.streams import Stream


def train(
    network: nn.Module,
    batches: Batches,
    context: RunContext,
    name: str,
    validate: Callable[[], float] | None = None,
    *,
    streams: Sequence[Stream] = (),
    params: Mapping[str, Any] | None = None,
    monitor: str | None = None,
) -> Trained:
    """Train a network until validation stops it, or for as many epochs as the context says.

    With a folder in the context, checkpoints are written there and an interrupted training resumes from the last one. With as
    many ranks, it ends with weights that are bit-identical to those of an uninterrupted training.

    Args:
        network: Has `loss(batch)`; trained in place, and left in evaluation mode with its best weights.
        batches: The batches of an epoch.
        context: Settings, randomness, device, and `epochs` if their number is known.
        name: For messages and files.
        validate: Returns the metric to monitor, higher is better, the same number on every rank; None to train to the end.
        streams: The random streams of `batches` and the loss.
        params: The parameters of network, batches and loss, as JSON: a training with other parameters does not resume.
        monitor: The name of the metric that `validate` returns; by default the metric of the settings.

    Raises:
        TrainingError: The loss is not finite.
        ConfigError: A logger cannot be made, or a part of the training cannot be sent to another process.
    """
    s, run = context.training.settings.filled(), context.training
    batches = limit_batches(batches, None if s.epoch_batches is None else s.epoch_batches * s.devices)
    if len(batches) < s.devices:
        raise TrainingError(
            f"{name}: an epoch has too few batches ({len(batches)}) for {s.devices} devices. Use fewer."
        )
    epochs, per_rank = context.epochs or s.max_epochs, math.ceil(len(batches) / s.devices)
    about, folder = s.model_dump(mode="json"), run.folder
    job = TrainingJob(
        plugins=run.callbacks,
        training=Training(run.label, name, context.seed, run.phase, epochs, about, folder),
        settings=s,
        device=context.device,
        network=network,
        batches=batches,
        streams=tuple(streams),
        validate=validate if context.epochs is None else None,
        rule=StoppingRule(monitor or s.monitor, s.patience, s.validate_every, _prune_of(context)),
        checkpoint=None if folder is None else folder / f"{name}{ENDING}",
        identity={
            **(params or {}),
            **{name: value for name, value in about.items() if name not in RANKS},
            "seed": context.seed,
            "epochs": epochs,
            "batches": per_rank,
        },
    )
    with context.seeded(f"{name}/train"):
        trained = launching.run(job, context.progress)
    network.to(context.device).eval()
    run.resumed(trained.earlier)
    if context.epochs and trained.stopped == "time_limit":
        warnings.warn(
            f"{name}: `time_limit` ended this fit in epoch {trained.epochs} of the {epochs} that were settled on before, so "
            "its network is trained less. Set a longer `time_limit`, or `refit = false`.",
            stacklevel=2,
        )
    return trained


def _prune_of(context: RunContext) -> Callable[[Sequence[float]], bool] | None:
    """Return what ends a training early; only the predictor has `RunContext.validate`, and featurizers and rankers are never pruned."""
    return None if context.validate is None else context.training.prune
