"""What happens between epochs: loss and time, the real metric on validation queries, the best weights, a stop."""

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

LOOK_EVERY = 100
"""Steps between looks at the losses: each look waits for the device."""

CHECKPOINT_SHARE = 0.02
"""The most of the training time that may go into checkpoints, but for the first and the last."""


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


class ProgressReport(pl.Callback):
    """Tells how many epochs are done, and how well."""

    def __init__(self, tell: Tell, timer: EpochTimer, keep: EarlyStopping | None) -> None:
        self.tell, self.timer, self.keep = tell, timer, keep

    def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Say where a training goes on."""
        if self.timer.epochs and trainer.is_global_zero:
            self.tell(
                self.timer.epochs, trainer.max_epochs or 0, f"goes on after epoch {self.timer.epochs}", resumed=True
            )

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Tell."""
        if trainer.is_global_zero:
            self.tell(self.timer.epochs, trainer.max_epochs or 0, self._note())

    def _note(self) -> str:
        """Return loss and metric in a few words."""
        note = f"loss {self.timer.loss:.3f}"
        if self.keep and self.keep.history:
            last, best = (
                f"{value:.4f}".removeprefix("0") for value in (self.keep.history[-1]["value"], self.keep.best)
            )
            note += f", {self.keep.rule.monitor} {last} (best {best})"
        return note


def reason(trainer: pl.Trainer, keep: EarlyStopping | None) -> Stop:
    """Return what ended a training."""
    if keep and keep.is_over():
        return "patience"
    if not trainer.should_stop:
        return "max_epochs"
    timer = next((callback for callback in trainer.callbacks if isinstance(callback, Timer)), None)  # type: ignore[attr-defined]
    left = timer.time_remaining() if timer else None
    return "time_limit" if left is not None and left <= 0 else "callback"


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
