"""Early stopping: validate after epochs, keep the best weights, and stop when they no longer improve."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Timer
from torch import Tensor, nn

from zoo.trained import Stop
from zoo.training.epoch_timer import EpochTimer
from zoo.training.module import restore, weights


@dataclass(frozen=True)
class StoppingRule:
    """When a training validates, and when it stops.

    Attributes:
        monitor: The name of the metric to watch, higher is better.
        patience: Validations without a better value after which the training stops.
        every: Epochs between validations.
    """

    monitor: str
    patience: int
    every: int


class EarlyStopping(pl.Callback):
    """Validates after epochs, keeps the best weights, and stops when they have not improved for a while.

    Attributes:
        best_epoch: The epoch of the weights that are kept.
        history: For each validation the `epoch`, the mean training `loss` in it, the `value` of the metric, and the
            `seconds` of training until then.
    """

    def __init__(self, validate: Callable[[], float], rule: StoppingRule, timer: EpochTimer) -> None:
        """Set the rule.

        Args:
            validate: Returns the metric of the network as it stands; called on every rank.
            rule: When to validate and when to stop.
            timer: Knows loss and seconds of the epoch; comes before this among the callbacks.
        """
        self.validate, self.rule, self.timer = validate, rule, timer
        self.best_epoch, self.history = 0, list[dict[str, Any]]()
        self._weights: dict[str, Tensor] = {}

    @property
    def best(self) -> float:
        """Return the best value."""
        return max(float(found["value"]) for found in self.history)

    def on_fit_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Let a training rest that had stopped."""
        trainer.should_stop = trainer.should_stop or self.is_over()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Validate, and stop where nothing is gained any more; the last epoch is always validated."""
        epoch = trainer.current_epoch + 1
        if epoch % self.rule.every and epoch != trainer.max_epochs and not trainer.should_stop:
            return
        if trainer.world_size > 1:
            _share_buffers(pl_module.network)
        pl_module.eval()
        value = trainer.strategy.broadcast(self.validate())  # so that all ranks decide alike
        pl_module.train()
        if not self.history or value > self.best:
            self.best_epoch = epoch
            self._copy(weights(pl_module.network))
        found = {"epoch": epoch, "loss": self.timer.loss, "value": value, "seconds": self.timer.seconds}
        self.history.append(found)
        trainer.should_stop = trainer.should_stop or self.is_over()
        pl_module.log(self.rule.monitor, value, batch_size=1)

    def on_fit_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Go back to the best weights."""
        if self._weights:
            restore(pl_module.network, self._weights)

    def _copy(self, found: dict[str, Tensor]) -> None:
        """Keep weights; the memory of those before is taken again."""
        for name, tensor in found.items():
            if name in self._weights:
                self._weights[name].copy_(tensor)
            else:
                self._weights[name] = tensor.clone()

    def is_over(self) -> bool:
        """Return whether the last validations brought nothing."""
        return (
            bool(self.history) and self.history[-1]["epoch"] - self.best_epoch >= self.rule.patience * self.rule.every
        )

    @property
    def state_key(self) -> str:
        """The name of its state in checkpoints; checkpoints of earlier versions have it too."""
        return "KeepBest"

    def state_dict(self) -> dict[str, Any]:
        """Return what a training that goes on has to know."""
        return {"best_epoch": self.best_epoch, "history": self.history, "weights": self._weights}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from there."""
        self.best_epoch, self.history, self._weights = (state_dict[k] for k in ("best_epoch", "history", "weights"))


def _share_buffers(network: nn.Module) -> None:
    """Give all ranks the buffers of rank 0: running statistics differ between ranks, and one network is validated."""
    for buffer in network.buffers():
        if buffer.is_floating_point():
            torch.distributed.broadcast(buffer, 0)


class StopTogether(pl.Callback):
    """Ends the training on all ranks, after an epoch, where a plugin's callback on rank 0 set `trainer.should_stop`."""

    def __init__(self) -> None:
        self.asked = False

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Keep the wish until the last batch, then tell it to all: no rank may leave an epoch early."""
        self.asked = self.asked or trainer.should_stop
        is_last = batch_idx + 1 == trainer.num_training_batches
        trainer.should_stop = is_last and trainer.strategy.broadcast(self.asked)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Tell a wish of the end of the epoch to all."""
        trainer.should_stop = trainer.strategy.broadcast(trainer.should_stop)


def reason(trainer: pl.Trainer, keep: EarlyStopping | None) -> Stop:
    """Return what ended a training."""
    if keep and keep.is_over():
        return "patience"
    if not trainer.should_stop:
        return "max_epochs"
    timer = next((callback for callback in trainer.callbacks if isinstance(callback, Timer)), None)  # type: ignore[attr-defined]
    left = timer.time_remaining() if timer else None
    return "time_limit" if left is not None and left <= 0 else "callback"
