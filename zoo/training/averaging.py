"""An exponential moving average of the weights, which is validated and kept in place of the last weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

WARMUP = 10
"""The average of the first steps forgets faster: at step t its decay is at most (1 + t) / (`WARMUP` + t)."""


class WeightAverage(pl.Callback):
    """Averages the weights over the steps (Polyak and Juditsky, 1992), with weights that decay exponentially.

    Attributes:
        decay: The weight of the average so far at each step.
    """

    def __init__(self, decay: float) -> None:
        self.decay, self.steps = decay, 0
        self._means = dict[str, Tensor]()

    def on_fit_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Move averages that a checkpoint restored to the device of the weights."""
        self._means = {name: mean.to(pl_module.device) for name, mean in self._means.items()}

    @torch.no_grad()
    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Add the weights to the average, if the batch ended a step."""
        if trainer.global_step == self.steps:
            return
        self.steps = trainer.global_step
        current = _parameters(pl_module.network)
        if not self._means:
            self._means = {name: parameter.clone() for name, parameter in current.items()}
            return
        decay = min(self.decay, (1 + self.steps) / (WARMUP + self.steps))
        means = [self._means[name] for name in current]
        get_ema_multi_avg_fn(decay)(  # type: ignore[no-untyped-call]
            means, list(current.values()), self.steps
        )

    @torch.no_grad()
    @contextmanager
    def applied(self, network: nn.Module) -> Iterator[None]:
        """Give a network the averaged weights for the duration of a block."""
        current = _parameters(network)
        saved = {name: parameter.clone() for name, parameter in current.items()}
        self._copy_to(network)
        try:
            yield
        finally:
            for name, parameter in current.items():
                parameter.copy_(saved[name])

    def on_fit_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Keep the averaged weights; early stopping, which ends later, replaces them by its best ones."""
        self._copy_to(pl_module.network)

    def _copy_to(self, network: nn.Module) -> None:
        """Copy the averages into the weights of a network."""
        for name, parameter in _parameters(network).items():
            if name in self._means:
                parameter.copy_(self._means[name])

    def state_dict(self) -> dict[str, Any]:
        """Return the state that a resumed training needs."""
        return {"steps": self.steps, "means": self._means}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the state of an interrupted training."""
        self.steps, self._means = state_dict["steps"], state_dict["means"]


def _parameters(network: nn.Module) -> dict[str, Tensor]:
    """Return the trained weights of a network by name; a weight shared by two modules appears once."""
    return {name: parameter.detach() for name, parameter in network.named_parameters()}
