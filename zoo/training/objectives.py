"""What a network is trained for: the objectives, and the loss that the parameters name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from zoo.data.batches import TrainingBatch
from zoo.nn.items import ItemTable
from zoo.nn.losses.bce import bce
from zoo.nn.losses.bpr import bpr
from zoo.nn.losses.bpr_max import bpr_max
from zoo.nn.losses.gbce import gbce
from zoo.nn.losses.sampled_softmax import sampled_softmax
from zoo.nn.losses.softmax import softmax
from zoo.nn.negatives import Sampler
from zoo.params import NeuralParams

Loss = Callable[[Tensor, ItemTable, Tensor], Tensor]
"""From vectors `[N, D]`, the item table and targets `[N]` to a number."""


class NextItem(nn.Module):
    """The vector at each position gives the item that came next."""

    def __init__(self, network: nn.Module, loss: Loss) -> None:
        """Train a network that has `encoder` and `items`."""
        super().__init__()
        self.network, self._loss = network, loss

    def loss(self, batch: TrainingBatch) -> Tensor:
        """Return the loss over all positions that ask for an item; only these reach the output layer."""
        asked = batch.targets > 0
        hidden: Tensor = self.network.encoder(batch.inputs)  # type: ignore[operator]
        return self._loss(hidden[asked], self.network.items, batch.targets[asked])  # type: ignore[arg-type]


def loss_of(params: NeuralParams, counts: Tensor, generator: torch.Generator) -> Loss:
    """Return the loss that the parameters name, with its negatives.

    Args:
        params: Name the loss and how negatives are drawn.
        counts: How often each item occurs in training, `[I]`.
        generator: Draws the negatives.
    """
    if params.loss == "softmax":
        return partial(softmax, temperature=params.temperature)
    sampler = Sampler(counts, params.negatives, params.negative_sampling, generator)
    losses: dict[str, Callable[..., Tensor]] = {
        "sampled-softmax": partial(sampled_softmax, temperature=params.temperature, logq=params.logq),
        "gbce": gbce,
        "bpr": bpr,
        "bpr-max": bpr_max,
        "bce": bce,
    }
    loss = losses[params.loss]
    return lambda hidden, items, targets: loss(hidden, items, targets, sampler.draw(targets))
