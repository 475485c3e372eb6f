"""What happens between epochs: the real metric on validation queries, the best weights, a stop."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from zoo.errors import TrainingError
from zoo.training.module import restore, weights

LOOK_EVERY = 100
"""Steps between looks at the losses: each look waits for the device."""


class KeepBest(pl.Callback):
    """Validates after epochs, keeps the best weights, and stops when they have not improved for a while."""

    def __init__(self, validate: Callable[[], float], patience: int, every: int) -> None:
        """Set the rule.

        Args:
            validate: Returns the metric to watch, higher is better.
            patience: Validations without a better value after which the training stops.
            every: Epochs between validations.
        """
        self.validate, self.patience, self.every = validate, patience, every
        self.best, self.best_epoch, self.history = -math.inf, 0, list[float]()
        self._weights: dict[str, Tensor] = {}

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Validate, and stop where nothing is gained any more; the last epoch is always validated."""
        epoch = trainer.current_epoch + 1
        if epoch % self.every and epoch != trainer.max_epochs and not trainer.should_stop:
            return
        pl_module.eval()
        value = self.validate()
        pl_module.train()
        self.history.append(value)
        if value > self.best or not self._weights:
            self.best, self.best_epoch = value, epoch
            self._weights = {name: tensor.clone() for name, tensor in weights(pl_module.network).items()}
        elif epoch - self.best_epoch >= self.patience * self.every:
            trainer.should_stop = True

    def on_train_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Go back to the best weights."""
        if self._weights:
            restore(pl_module.network, self._weights)


class StopOnNaN(pl.Callback):
    """Ends a training whose loss is no number; looks now and then, so that no step has to wait for its loss."""

    def __init__(self, name: str) -> None:
        self.name, self._losses = name, list[Tensor]()

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Take note of the loss."""
        self._losses.append(outputs["loss"].detach())
        if len(self._losses) == LOOK_EVERY:
            self._look(trainer, batch_idx + 1)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Look at the last losses of an epoch, before anything is validated."""
        self._look(trainer, int(trainer.num_training_batches))

    def _look(self, trainer: pl.Trainer, step: int) -> None:
        """Look at the losses up to a step of the epoch, counted from 1.

        Raises:
            TrainingError: One is NaN or infinite.
        """
        if not self._losses:
            return
        losses, first = torch.stack(self._losses), step - len(self._losses) + 1
        self._losses.clear()
        bad = (~losses.isfinite()).nonzero()
        if len(bad):
            at = int(bad[0])
            raise TrainingError(
                f"{self.name}: the loss is {float(losses[at])} in epoch {trainer.current_epoch + 1}, step {first + at} "
                'of it. Lower `learning_rate`, set `clip_norm`, or use `precision = "32"`.'
            )


class Progress(pl.Callback):
    """Tells how many epochs are done."""

    def __init__(self, tell: Callable[[int, int], None]) -> None:
        self.tell = tell

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Tell."""
        self.tell(trainer.current_epoch + 1, trainer.max_epochs or 0)
