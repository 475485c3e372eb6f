"""Early stopping: validate after epochs, keep the best weights, and stop when they no longer improve."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Timer
from torch import Tensor, nn

from zoo.errors import TrainingError
from zoo.trained import Stop
from zoo.training.averaging import WeightAverage
from zoo.training.epoch_timer import EpochTimer
from zoo.training.module import restore, weights


@dataclass(frozen=True)
class StoppingRule:
    """When to validate, and when to stop training.

    Attributes:
        monitor: The name of the metric to monitor; higher is better.
        patience: Number of validations without improvement after which training stops.
        every: Epochs between validations.
        prune: Returns whether the values of the validations so far are too poor to train on; None to never ask.
    """

    monitor: str
    patience: int
    every: int
    prune: Callable[[Sequence[float]], bool] | None = None


class EarlyStopping(pl.Callback):
    """Validates after epochs, saves the best weights, and stops training when the metric no longer improves.

    Attributes:
        best_epoch: The epoch of the best weights.
        history: For each validation its `epoch`, the mean training `loss` of that epoch, the `value` of the metric and the
            `seconds` of training so far.
        pruned: Whether the rule's `prune` ended the training.
    """

    def __init__(
        self,
        validate: Callable[[], float],
        rule: StoppingRule,
        timer: EpochTimer,
        average: WeightAverage | None = None,
    ) -> None:
        """Set the rule.

        Args:
            validate: Returns the metric of the network with its current weights; called on every rank.
            rule: When to validate and when to stop.
            timer: Provides loss and seconds of the epoch; must precede this callback.
            average: The averaged weights, if these are to be validated and saved; must precede this callback.
        """
        self.validate, self.rule, self.timer, self.average = validate, rule, timer, average
        self.best_epoch, self.history, self.pruned = 0, list[dict[str, Any]](), False
        self._weights: dict[str, Tensor] = {}

    @property
    def best(self) -> float:
        """Return the best value."""
        return max(float(found["value"]) for found in self.history)

    def on_fit_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Resume in the stopped state."""
        self._stop_if_over(trainer)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Validate, and stop if the metric no longer improves; the last epoch is always validated.

        Raises:
            TrainingError: The first validation gives NaN, to which no later value can be compared.
        """
        epoch = trainer.current_epoch + 1
        if epoch % self.rule.every and epoch != trainer.max_epochs and not trainer.should_stop:
            return
        if trainer.world_size > 1:
            _share_buffers(pl_module.network)
        pl_module.eval()
        with self.average.applied(pl_module.network) if self.average else nullcontext():
            value = trainer.strategy.broadcast(self.validate())  # so that all ranks take the same decision
            if not self.history and math.isnan(value):
                raise TrainingError(
                    f"{self.timer.name}: the metric {self.rule.monitor}, by which early stopping chooses the epochs, is NaN in "
                    f"the first validation (epoch {epoch}). No validation query has a value of it. Monitor another metric "
                    "(`train.monitor`), or leave more queries in the validation part (`split`, `validation_queries`)."
                )
            if not self.history or value > self.best:
                self.best_epoch = epoch
                self._copy(weights(pl_module.network))
        pl_module.train()
        found = {"epoch": epoch, "loss": self.timer.loss, "value": value, "seconds": self.timer.seconds}
        self.history.append(found)
        self._stop_if_over(trainer)
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

    def _stop_if_over(self, trainer: pl.Trainer) -> None:
        """Stop if the metric no longer improves, or if the curve is pruned while there are epochs left.

        Both depend on the history alone, so a training that resumes after it was stopped stops again for the same reason.
        """
        if self.rule.prune and self.history and not self.is_over() and self.history[-1]["epoch"] != trainer.max_epochs:
            self.pruned = self.rule.prune([float(found["value"]) for found in self.history])
        trainer.should_stop = trainer.should_stop or self.is_over() or self.pruned

    def is_over(self) -> bool:
        """Return whether the metric has not improved for `patience` validations."""
        return (
            bool(self.history) and self.history[-1]["epoch"] - self.best_epoch >= self.rule.patience * self.rule.every
        )

    @property
    def state_key(self) -> str:
        """The key of its state in checkpoints, the same as in earlier versions."""
        return "KeepBest"

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


def reason(trainer: pl.Trainer, keep: EarlyStopping | None) -> Stop:
    """Return why training stopped."""
    if keep and keep.is_over():
        return "patience"
    if keep and keep.pruned:
        return "pruned"
    if not trainer.should_stop:
        return "max_epochs"
    left = seconds_left(trainer)
    return "time_limit" if left is not None and left <= 0 else "callback"


def seconds_left(trainer: pl.Trainer) -> float | None:
    """Return the seconds until the time limit ends the training; None without a limit."""
    timer = next((callback for callback in trainer.callbacks if isinstance(callback, Timer)), None)  # type: ignore[attr-defined]
    return None if timer is None else timer.time_remaining()
