"""Lightning callbacks of the training loop: timing, early stopping, progress reports and checkpoints."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Checkpoint, Timer
from torch import Tensor, nn

from zoo.errors import TrainingError
from zoo.stages.context import Tell
from zoo.trained import Stop
from zoo.training.module import restore, weights

CHECK_EVERY = 100
"""Steps between checks of the losses; each check synchronises with the device."""

CHECKPOINT_SHARE = 0.02
"""Maximum share of the training time spent on checkpoints, except for the first and the last."""


class EpochTimer(pl.Callback):
    """Measures loss and time of each epoch, and raises an error if a loss is not finite.

    Losses are checked every `CHECK_EVERY` steps, so that not every step synchronises with the device.

    Attributes:
        epochs: Number of epochs trained.
        loss: The mean loss of the last epoch.
        seconds: Training time, without validation and other work between epochs.
    """

    def __init__(self, name: str) -> None:
        self.name, self.epochs, self.loss, self.seconds = name, 0, 0.0, 0.0
        self._losses, self._sum, self._start = list[Tensor](), 0.0, 0.0

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

    def state_dict(self) -> dict[str, Any]:
        """Return the state that a resumed training needs."""
        return {"epochs": self.epochs, "loss": self.loss, "seconds": self.seconds}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the state of an interrupted training."""
        self.__dict__.update(state_dict)


@dataclass(frozen=True)
class StoppingRule:
    """When to validate, and when to stop training.

    Attributes:
        monitor: The name of the metric to monitor; higher is better.
        patience: Number of validations without improvement after which training stops.
        every: Epochs between validations.
    """

    monitor: str
    patience: int
    every: int


class EarlyStopping(pl.Callback):
    """Validates after epochs, saves the best weights, and stops training when the metric no longer improves.

    Attributes:
        best_epoch: The epoch of the best weights.
        history: For each validation its `epoch`, the mean training `loss` of that epoch, the `value` of the metric and the
            `seconds` of training so far.
    """

    def __init__(self, validate: Callable[[], float], rule: StoppingRule, timer: EpochTimer) -> None:
        """Set the rule.

        Args:
            validate: Returns the metric of the network with its current weights; called on every rank.
            rule: When to validate and when to stop.
            timer: Provides loss and seconds of the epoch; must precede this callback.
        """
        self.validate, self.rule, self.timer = validate, rule, timer
        self.best_epoch, self.history = 0, list[dict[str, Any]]()
        self._weights: dict[str, Tensor] = {}

    @property
    def best(self) -> float:
        """Return the best value."""
        return max(float(found["value"]) for found in self.history)

    def on_fit_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Resume in the stopped state."""
        trainer.should_stop = trainer.should_stop or self.is_over()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Validate, and stop if the metric no longer improves; the last epoch is always validated."""
        epoch = trainer.current_epoch + 1
        if epoch % self.rule.every and epoch != trainer.max_epochs and not trainer.should_stop:
            return
        if trainer.world_size > 1:
            _share_buffers(pl_module.network)
        pl_module.eval()
        value = trainer.strategy.broadcast(self.validate())  # so that all ranks take the same decision
        pl_module.train()
        if not self.history or value > self.best:
            self.best_epoch = epoch
            self._copy(weights(pl_module.network))
        found = {"epoch": epoch, "loss": self.timer.loss, "value": value, "seconds": self.timer.seconds}
        self.history.append(found)
        trainer.should_stop = trainer.should_stop or self.is_over()
        pl_module.log(self.rule.monitor, value, batch_size=1)

    def on_fit_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Restore the best weights."""
        if self._weights:
            restore(pl_module.network, self._weights)

    def _copy(self, found: dict[str, Tensor]) -> None:
        """Save the weights, reusing the memory of the previous copy."""
        for name, tensor in found.items():
            if name in self._weights:
                self._weights[name].copy_(tensor)
            else:
                self._weights[name] = tensor.clone()

    def is_over(self) -> bool:
        """Return whether the metric has not improved for `patience` validations."""
        return (
            bool(self.history) and self.history[-1]["epoch"] - self.best_epoch >= self.rule.patience * self.rule.every
        )

    def state_dict(self) -> dict[str, Any]:
        """Return the state that a resumed training needs."""
        return {"best_epoch": self.best_epoch, "history": self.history, "weights": self._weights}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the state of an interrupted training."""
        self.best_epoch, self.history, self._weights = (state_dict[k] for k in ("best_epoch", "history", "weights"))


def _share_buffers(network: nn.Module) -> None:
    """Broadcast the buffers of rank 0, since running statistics differ between ranks and all must validate the same network."""
    for buffer in network.buffers():
        if buffer.is_floating_point():
            torch.distributed.broadcast(buffer, 0)


class StopTogether(pl.Callback):
    """Stops training on all ranks after an epoch in which a plugin's callback on rank 0 set `trainer.should_stop`."""

    def __init__(self) -> None:
        self.stop_requested = False

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Defer a stop request to the last batch and broadcast it then: no rank may leave an epoch early."""
        self.stop_requested = self.stop_requested or trainer.should_stop
        is_last = batch_idx + 1 == trainer.num_training_batches
        trainer.should_stop = is_last and trainer.strategy.broadcast(self.stop_requested)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Broadcast a stop request made at the end of the epoch."""
        trainer.should_stop = trainer.strategy.broadcast(trainer.should_stop)


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


def reason(trainer: pl.Trainer, keep: EarlyStopping | None) -> Stop:
    """Return why training stopped."""
    if keep and keep.is_over():
        return "patience"
    if not trainer.should_stop:
        return "max_epochs"
    timer = next((callback for callback in trainer.callbacks if isinstance(callback, Timer)), None)  # type: ignore[attr-defined]
    left = timer.time_remaining() if timer else None
    return "time_limit" if left is not None and left <= 0 else "callback"


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
