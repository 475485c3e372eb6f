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
    """Saves the last epoch to disk, so that an interrupted training can resume.

    Writing a large model takes long, and a short epoch is cheap to repeat. So a checkpoint is written only when the time
    trained since the previous one is long enough to keep writing below `CHECKPOINT_SHARE`.
    """

    def __init__(self, path: Path, identity: dict[str, Any]) -> None:
        """Set the file.

        Args:
            path: The file.
            identity: Values that must be equal for a training to resume from the file.
        """
        self.path, self.identity = path, identity
        self._cost, self._written = 0.0, time.perf_counter()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Write a checkpoint if it is due or if this is the last epoch."""
        start = time.perf_counter()
        is_last = trainer.should_stop or trainer.current_epoch + 1 == trainer.max_epochs
        is_due = is_last or self._cost <= CHECKPOINT_SHARE * (start - self._written)
        if trainer.strategy.broadcast(is_due):
            trainer.save_checkpoint(self.path)
            self._written = time.perf_counter()
            self._cost = self._written - start

    @property
    def state_key(self) -> str:
        """The key of its state in checkpoints, the same as in earlier versions."""
        return "KeepLast"

    def state_dict(self) -> dict[str, Any]:
        """Return the identity of the training."""
        return self.identity

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Check that the checkpoint belongs to this training.

        Raises:
            TrainingError: It belongs to a different training.
        """
        if changed := [key for key, value in self.identity.items() if state_dict.get(key) != value]:
            raise TrainingError(
                f"{self.path} belongs to another training: {', '.join(sorted(changed))} differ. "
                "Remove it, or choose another folder."
            )
