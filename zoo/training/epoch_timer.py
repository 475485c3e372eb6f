"""Loss and time of each epoch, and the check that the loss is a finite number."""

from __future__ import annotations

import time
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from zoo.errors import TrainingError

LOOK_EVERY = 100
"""Steps between looks at the losses: each look waits for the device."""


class EpochTimer(pl.Callback):
    """Knows loss and seconds of the epochs trained, and ends a training whose loss is no number.

    Losses are looked at now and then, so that no step has to wait for its own.

    Attributes:
        epochs: Epochs trained.
        loss: The mean loss of the last one.
        seconds: Time in training, without validations and whatever else is done between epochs.
    """

    def __init__(self, name: str) -> None:
        self.name, self.epochs, self.loss, self.seconds = name, 0, 0.0, 0.0
        self._losses, self._sum, self._start = list[Tensor](), 0.0, 0.0

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Start the watch."""
        self._sum, self._start = 0.0, time.perf_counter()

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Take note of the loss, which Lightning has divided by the batches of a step."""
        self._losses.append(outputs["loss"].detach() * trainer.accumulate_grad_batches)
        if len(self._losses) == LOOK_EVERY:
            self._look(trainer, batch_idx + 1)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Look at the last losses of an epoch, before anything is validated, and stop the watch."""
        steps = trainer.fit_loop.epoch_loop.batch_progress.current.completed
        self._look(trainer, steps)
        mean = torch.tensor(self._sum / max(steps, 1), device=pl_module.device)
        self.loss = float(trainer.strategy.reduce(mean))
        self.epochs = trainer.current_epoch + 1
        self.seconds += time.perf_counter() - self._start
        rate = trainer.optimizers[0].param_groups[0]["lr"]
        pl_module.log_dict({"loss": self.loss, "learning_rate": rate}, batch_size=1)

    def _look(self, trainer: pl.Trainer, step: int) -> None:
        """Look at the losses up to a step of the epoch, counted from 1.

        Raises:
            TrainingError: One is NaN or infinite.
        """
        if not self._losses:
            return
        losses, first = torch.stack(self._losses).float(), step - len(self._losses) + 1
        self._losses.clear()
        bad = (~losses.isfinite()).nonzero()
        if len(bad):
            at = int(bad[0])
            raise TrainingError(
                f"{self.name}: the loss is {float(losses[at])} in epoch {trainer.current_epoch + 1}, step {first + at} "
                'of it. Lower `learning_rate`, set `clip_norm`, or use `precision = "32"`.'
            )
        self._sum += float(losses.sum())

    @property
    def state_key(self) -> str:
        """The name of its state in checkpoints; checkpoints of earlier versions have it too."""
        return "Meter"

    def state_dict(self) -> dict[str, Any]:
        """Return what a training that goes on has to know."""
        return {"epochs": self.epochs, "loss": self.loss, "seconds": self.seconds}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from there."""
        self.__dict__.update(state_dict)
