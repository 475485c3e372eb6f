"""Fit a network: a Lightning trainer with the settings of `[train]`, and nothing in the step that need not be there."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

import pytorch_lightning as pl
from torch import nn

from zoo.stages.stage import RunContext
from zoo.training.callbacks import KeepBest, Progress, StopOnNaN
from zoo.training.module import TrainingModule


class Batches(Protocol):
    """Batches that can be gone through again and again, an epoch each time."""

    def __len__(self) -> int:
        """Return the number of batches of an epoch."""

    def __iter__(self) -> Iterator[Any]:
        """Yield the batches of one epoch."""


@dataclass(frozen=True)
class Trained:
    """How a training went.

    Attributes:
        epochs: Epochs of the weights that were kept.
        history: The validation metric after each validation.
    """

    epochs: int
    history: list[float]


def train(
    network: nn.Module, batches: Batches, context: RunContext, name: str, validate: Callable[[], float] | None = None
) -> Trained:
    """Train a network until validation stops it, or for as many epochs as the context says.

    Args:
        network: Has `loss(batch)`; trained in place, and left in evaluation mode with its best weights.
        batches: The batches of an epoch.
        context: Settings, randomness, device, and `epochs` where their number is settled.
        name: For messages.
        validate: Returns the metric to watch, higher is better; None to train to the end.

    Raises:
        TrainingError: The loss is no number any more.
    """
    s = context.settings
    keep = KeepBest(validate, s.patience, s.validate_every) if validate and context.epochs is None else None
    # The rate falls over `max_epochs` also where fewer are trained: so a refit repeats what was validated.
    module = TrainingModule(network, s, s.max_epochs * math.ceil(len(batches) / s.accumulate))
    with _quiet(), context.seeded(f"{name}/train"):
        trainer = pl.Trainer(
            max_epochs=context.epochs or s.max_epochs,
            max_time=None if s.time_limit is None else timedelta(minutes=s.time_limit),
            accelerator=context.device.type,
            devices=1,
            precision="bf16-mixed" if s.precision == "bf16" else "32-true",
            accumulate_grad_batches=s.accumulate,
            gradient_clip_val=s.clip_norm,
            callbacks=[StopOnNaN(name), *([keep] if keep else []), Progress(context.progress)],
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(module, batches)
    network.to(context.device).eval()
    return Trained(keep.best_epoch, keep.history) if keep else Trained(trainer.current_epoch, [])


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Lightning from announcing devices and tips."""
    logger = logging.getLogger("pytorch_lightning")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="pytorch_lightning")
            yield
    finally:
        logger.setLevel(level)
