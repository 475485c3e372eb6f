"""Write a checkpoint after epochs, so that an interrupted training can resume."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Checkpoint

from zoo.errors import TrainingError

CHECKPOINT_SHARE = 0.02
"""The most of the training time that may go into checkpoints, but for the first and the last."""


class EpochCheckpoint(Checkpoint):
    """Keeps the last epoch on disk, so that an interrupted training can go on.

    A large model takes long to write, and a small epoch is soon trained again: so a checkpoint waits until the training
    since the one before lasted so long that writing has no more than its share of the time.
    """

    def __init__(self, path: Path, identity: dict[str, Any]) -> None:
        """Choose a file.

        Args:
            path: The file.
            identity: What must be the same where a training goes on.
        """
        self.path, self.identity = path, identity
        self._cost, self._written = 0.0, time.perf_counter()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Write, if it is time, or if this was the last epoch."""
        start = time.perf_counter()
        is_last = trainer.should_stop or trainer.current_epoch + 1 == trainer.max_epochs
        is_due = is_last or self._cost <= CHECKPOINT_SHARE * (start - self._written)
        if trainer.strategy.broadcast(is_due):
            trainer.save_checkpoint(self.path)
            self._written = time.perf_counter()
            self._cost = self._written - start

    @property
    def state_key(self) -> str:
        """The name of its state in checkpoints; checkpoints of earlier versions have it too."""
        return "KeepLast"

    def state_dict(self) -> dict[str, Any]:
        """Return what the training is."""
        return self.identity

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Refuse to go on with another training.

        Raises:
            TrainingError: The file belongs to one.
        """
        if changed := [key for key, value in self.identity.items() if state_dict.get(key) != value]:
            raise TrainingError(
                f"{self.path} belongs to another training: {', '.join(sorted(changed))} differ. "
                "Remove it, or choose another folder."
            )
