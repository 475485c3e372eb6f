"""The LightningModule that trains any network with a `loss(batch)` method."""

from __future__ import annotations

import math
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from zoo.config.train import FilledSettings
from zoo.training.optimizer import RowwiseAdamW


class TrainingModule(pl.LightningModule):
    """A network with `loss(batch) -> Tensor`, its optimiser and its schedule."""

    def __init__(self, network: nn.Module, settings: FilledSettings, steps: int) -> None:
        """Wrap a network.

        Args:
            network: A module with `loss(batch)`.
            settings: The training settings.
            steps: Number of steps in `max_epochs`, over which the learning rate decays.
        """
        super().__init__()
        self.network, self.settings, self.steps = network, settings, steps

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        """Return the loss of a batch."""
        loss: Tensor = self.network.loss(batch)  # type: ignore[operator]
        return loss

    def configure_optimizers(self) -> Any:
        """Return AdamW with row-wise updates for sparse gradients; biases and norms have no weight decay."""
        s = self.settings
        parameters = list(self.network.parameters())
        groups = [
            {"params": [p for p in parameters if p.dim() > 1], "weight_decay": s.weight_decay},
            {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0.0},
        ]
        fused = (
            s.precision == "32" or s.clip_norm is None
        )  # Lightning cannot clip with a fused optimiser in mixed precision
        optimizer = RowwiseAdamW([g for g in groups if g["params"]], lr=s.learning_rate, fused=fused)
        if s.schedule == "constant" and not s.warmup_steps:
            return optimizer
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, self.share_of_rate)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def share_of_rate(self, step: int) -> float:
        """Return the learning rate at a step, from 0, as a share of the peak rate."""
        s = self.settings
        if step < s.warmup_steps:
            return (step + 1) / s.warmup_steps
        done = min((step - s.warmup_steps) / max(self.steps - s.warmup_steps, 1), 1.0)
        if s.schedule == "cosine":
            return 0.5 * (1 + math.cos(math.pi * done))
        return 1 - done if s.schedule == "linear" else 1.0


def weights(network: nn.Module) -> dict[str, Tensor]:
    """Return the tensors of a network by name; a tensor shared by two modules appears once."""
    named = network.state_dict(keep_vars=True)
    first = {id(tensor): name for name, tensor in reversed(named.items())}
    return {name: tensor.detach() for name, tensor in named.items() if first[id(tensor)] == name}


def restore(network: nn.Module, saved: dict[str, Tensor]) -> None:
    """Copy saved tensors into a network."""
    for name, tensor in weights(network).items():
        tensor.copy_(saved[name])
