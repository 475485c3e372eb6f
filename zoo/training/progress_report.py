"""Report the progress of a training: epochs, loss and the best metric."""

from __future__ import annotations

from typing import Any, TypedDict

import pytorch_lightning as pl

from zoo.stages.context import Tell
from zoo.training.early_stopping import EarlyStopping, seconds_left
from zoo.training.epoch_timer import EpochTimer


class _TimeLeft(TypedDict, total=False):
    """The keyword argument of `Tell` for a training with a time limit."""

    seconds_left: float


class ProgressReport(pl.Callback):
    """Reports the number of epochs trained, with loss and metric."""

    def __init__(self, tell: Tell, timer: EpochTimer, keep: EarlyStopping | None) -> None:
        self.tell, self.timer, self.keep = tell, timer, keep

    def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Report the epoch from which training resumes."""
        if self.timer.epochs and trainer.is_global_zero:
            note = f"resumes after epoch {self.timer.epochs}"
            self.tell(self.timer.epochs, trainer.max_epochs or 0, note, resumed=True, **_time_left(trainer))

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Report the epoch."""
        if trainer.is_global_zero:
            self.tell(self.timer.epochs, trainer.max_epochs or 0, self._note(), **_time_left(trainer))

    def _note(self) -> str:
        """Return loss and metric as a short text."""
        note = f"loss {self.timer.loss:.3f}"
        if self.keep and self.keep.history:
            last, best = (
                f"{value:.4f}".removeprefix("0") for value in (self.keep.history[-1]["value"], self.keep.best)
            )
            note += f", {self.keep.rule.monitor} {last} (best {best})"
        return note


def _time_left(trainer: pl.Trainer) -> _TimeLeft:
    """Return the seconds until the time limit as a keyword argument of `Tell`; empty without a limit."""
    left = seconds_left(trainer)
    return {} if left is None else {"seconds_left": max(left, 0.0)}
