"""Report the progress of a training: epochs, loss and the best metric."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl

from zoo.stages.context import Tell
from zoo.training.early_stopping import EarlyStopping
from zoo.training.epoch_timer import EpochTimer


class ProgressReport(pl.Callback):
    """Reports the number of epochs trained, with loss and metric."""

    def __init__(self, tell: Tell, timer: EpochTimer, keep: EarlyStopping | None) -> None:
        self.tell, self.timer, self.keep = tell, timer, keep

    def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Report the epoch from which training resumes."""
        if self.timer.epochs and trainer.is_global_zero:
            self.tell(
                self.timer.epochs, trainer.max_epochs or 0, f"resumes after epoch {self.timer.epochs}", resumed=True
            )

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Report the epoch."""
        if trainer.is_global_zero:
            self.tell(self.timer.epochs, trainer.max_epochs or 0, self._note())

    def _note(self) -> str:
        """Return loss and metric as a short text."""
        note = f"loss {self.timer.loss:.3f}"
        if self.keep and self.keep.history:
            last, best = (
                f"{value:.4f}".removeprefix("0") for value in (self.keep.history[-1]["value"], self.keep.best)
            )
            note += f", {self.keep.rule.monitor} {last} (best {best})"
        return note
