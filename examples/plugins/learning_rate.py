"""A callback in one file: `zoo bench FILE --plugin examples/plugins/learning_rate.py` logs the learning rate of each training run."""

import csv
from pathlib import Path
from typing import Any

import pytorch_lightning as pl

from zoo.api import Training, hookimpl


class LearningRateLog(pl.Callback):
    """Writes a line per epoch: its number, and the learning rate at its start and end."""

    def __init__(self, file: Path) -> None:
        self.file, self.first = file, 0.0

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Store the rate."""
        self.first = rate(trainer)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the line; a resumed training run appends to the file."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("a", newline="", encoding="utf-8") as lines:
            csv.writer(lines).writerow([trainer.current_epoch + 1, self.first, rate(trainer)])


def rate(trainer: pl.Trainer) -> float:
    """Return the learning rate of the next step."""
    return float(trainer.optimizers[0].param_groups[0]["lr"])


@hookimpl
def zoo_callbacks(run: Training) -> list[Any]:
    """Add the log to a training run, if it has a folder."""
    return [LearningRateLog(run.folder / "learning_rate.csv")] if run.folder else []
