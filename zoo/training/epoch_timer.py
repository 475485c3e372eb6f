"""Loss and time of each epoch, and the check that the loss is a finite number."""

from __future__ import annotations

import time
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from zoo.errors import TrainingError

CHECK_EVERY = 100
"""Steps between looks at the losses: each look waits for the device."""


class EpochTimer(pl.Callback):
    """Measures loss and time of each epoch, and raises an error if a loss is not finite.

    Losses are checked every `CHECK_EVERY` steps, so that not every step synchronises with the device.

    Attributes:
        epochs: Number of epochs trained.
        loss: The mean loss of the last epoch.
        seconds: Training time, without validation and other work between epochs.
        earlier: Seconds of the whole training, with validation, that another process spent before an interruption, up to
            the checkpoint that this one resumes from.
    """

    def __init__(self, name: str) -> None:
        self.name, self.epochs, self.loss, self.seconds, self.earlier = name, 0, 0.0, 0.0, 0.0
        self._begun = time.perf_counter()
        self._losses, self._sum, self._start = list[Tensor](), 0.0, 0.0

    def on_fit_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Start timing the training."""
        self._begun = time.perf_counter()

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Start timing the epoch."""
        self._sum, self._start = 0.0, time.perf_counter()

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Record the loss of the batch, undoing Lightning's division by the number of accumulated batches."""
        self._losses.append(outputs["loss"].detach() * trainer.accumulate_grad_batches)
        if len(self._losses) == CHECK_EVERY:
            self._check_losses(trainer, batch_idx + 1)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Check the remaining losses before validation, and stop timing."""
        steps = trainer.fit_loop.epoch_loop.batch_progress.current.completed
        self._check_losses(trainer, steps)
        mean = torch.tensor(self._sum / max(steps, 1), device=pl_module.device)
        self.loss = float(trainer.strategy.reduce(mean))
        self.epochs = trainer.current_epoch + 1
        self.seconds += time.perf_counter() - self._start
        rate = trainer.optimizers[0].param_groups[0]["lr"]
        pl_module.log_dict({"loss": self.loss, "learning_rate": rate}, batch_size=1)

    def _check_losses(self, trainer: pl.Trainer, step: int) -> None:
        """Check the recorded losses up to a step of the epoch, counted from 1, and add them to the sum.

        Raises:
            TrainingError: A loss is NaN or infinite.
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
        """The key of its state in checkpoints, the same as in earlier versions."""
        return "Meter"

    def state_dict(self) -> dict[str, Any]:
        """Return the state that a resumed training needs."""
        wall = self.earlier + time.perf_counter() - self._begun
        return {"epochs": self.epochs, "loss": self.loss, "seconds": self.seconds, "wall": wall}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the state of an interrupted training."""
        self.epochs, self.loss, self.seconds = (state_dict[name] for name in ("epochs", "loss", "seconds"))
        self.earlier = state_dict.get("wall", self.seconds)  # earlier versions measured only the training
