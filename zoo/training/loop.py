"""Fit a network: a Lightning trainer with the settings of `[train]`, and nothing in the step that need not be there."""

from __future__ import annotations

import logging
import math
import signal
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Checkpoint
from pytorch_lightning.loggers import Logger
from pytorch_lightning.utilities.exceptions import SIGTERMException
from torch import nn

from zoo.errors import TrainingError
from zoo.hookspecs import Training
from zoo.stages.context import RunContext
from zoo.trained import Trained
from zoo.training.callbacks import KeepBest, KeepLast, Meter, Progress, Rule
from zoo.training.checkpoint import ENDING, SafeCheckpointIO, epoch_of
from zoo.training.loggers import logger_of
from zoo.training.module import TrainingModule
from zoo.training.processes import ANNOUNCERS, Batches, Line, LongLine, Report, Share, launched
from zoo.training.streams import Stream, Streams


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

    With a folder in the context each epoch is kept there, and an interrupted training goes on from its last one: it ends
    with the weights of an undisturbed one, bit for bit.

    Args:
        network: Has `loss(batch)`; trained in place, and left in evaluation mode with its best weights.
        batches: The batches of an epoch.
        context: Settings, randomness, device, and `epochs` where their number is settled.
        name: For messages and files.
        validate: Returns the metric to watch, higher is better; None to train to the end.
        streams: The random numbers that `batches` and the loss draw from.
        params: What network, batches and loss were made of, as JSON: a training made of others is not gone on with.
        monitor: What `validate` returns; the metric of the settings where it is None.

    Raises:
        TrainingError: The loss is no number any more.
        ConfigError: A logger cannot be made, or a part of the training cannot be sent to another process.
    """
    s, here = context.training.settings, Line(validate, context.progress)
    line = LongLine(network) if s.devices > 1 else here
    mine: Batches = Share(batches, s.devices) if s.devices > 1 else batches
    if len(batches) < s.devices:
        raise TrainingError(
            f"{name}: an epoch has too few batches ({len(batches)}) for {s.devices} devices. Use fewer."
        )
    # The rate falls over `max_epochs` also where fewer are trained: so a refit repeats what was validated.
    module = TrainingModule(network, s, s.max_epochs * math.ceil(len(mine) / s.accumulate))
    epochs = context.epochs or s.max_epochs
    about, folder = s.model_dump(mode="json"), context.training.folder
    path = None if folder is None else folder / f"{name}{ENDING}"
    begun = path if path is not None and path.exists() else None
    run = context.training
    training = Training(run.label, name, context.seed, run.phase, epochs, about, folder)
    identity = {**(params or {}), **about, "seed": context.seed, "epochs": epochs, "batches": len(mine)}
    meter = Meter(name)
    keep = None
    if validate and context.epochs is None:
        keep = KeepBest(line.validate, Rule(monitor or s.monitor, s.patience, s.validate_every), meter)
    callbacks = [
        Streams(streams),
        meter,
        *([keep] if keep else []),
        Progress(line.tell, meter, keep),
        *run.callbacks(training),
        *([KeepLast(path, identity)] if path else []),
        Report(line, meter, keep),
    ]
    with _quiet(), context.seeded(f"{name}/train"):
        logger = logger_of(s.logger, training, epoch_of(begun) if begun else 0)
        fit = partial(_fit, _trainer(context, epochs, callbacks, logger), module, mine, begun)
        if isinstance(line, LongLine):
            launched(fit, line, here, network, name)
        else:
            fit()
    network.to(context.device).eval()
    trained = here.trained
    assert trained is not None
    if context.epochs and trained.stopped == "time_limit":
        warnings.warn(
            f"{name}: `time_limit` ended this fit in epoch {trained.epochs} of the {epochs} that were settled on before, so "
            "its network is trained less. Set a longer `time_limit`, or `refit = false`.",
            stacklevel=2,
        )
    return trained


def _trainer(context: RunContext, epochs: int, callbacks: list[pl.Callback], logger: Logger | None) -> pl.Trainer:
    """Return Lightning's trainer for the settings of `[train]`."""
    s = context.training.settings
    return pl.Trainer(
        max_epochs=epochs,
        max_time=None if s.time_limit is None else timedelta(minutes=s.time_limit),
        accelerator=context.device.type,
        devices=s.devices,
        strategy="auto" if s.devices == 1 else "ddp_spawn" if s.strategy == "auto" else s.strategy,
        precision="bf16-mixed" if s.precision == "bf16" else "32-true",
        accumulate_grad_batches=s.accumulate,
        gradient_clip_val=s.clip_norm,
        callbacks=callbacks,
        plugins=SafeCheckpointIO(),
        default_root_dir=context.training.folder,
        logger=logger or False,
        enable_checkpointing=any(isinstance(callback, Checkpoint) for callback in callbacks),
        enable_progress_bar=False,
        enable_model_summary=False,
    )


def _fit(trainer: pl.Trainer, module: TrainingModule, batches: Batches, begun: Path | None) -> None:
    """Train, or go on with what is begun.

    Raises:
        KeyboardInterrupt: Somebody wants the process to end. Lightning makes an exit of it, which a benchmark would take
            for the failure of this one run.
    """
    handler = signal.getsignal(signal.SIGINT)
    try:
        trainer.fit(module, batches, ckpt_path=begun)
    except SystemExit as end:
        if isinstance(end, SIGTERMException) or isinstance(end.__context__, KeyboardInterrupt):
            signal.signal(signal.SIGINT, handler)  # Lightning has it ignored from here on
            raise KeyboardInterrupt from end
        raise


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Lightning from announcing devices and tips."""
    levels = {name: logging.getLogger(name).level for name in ANNOUNCERS}
    for name in levels:
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="pytorch_lightning")
            yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
