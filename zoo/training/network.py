"""The network of a neural predictor, item vectors and encoder, and the module that the trainer optimises."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from zoo.data.batches import TrainingBatch
from zoo.data.queries import QueryBatch
from zoo.nn.items import ItemTable
from zoo.training.objectives import Loss


@dataclass(frozen=True)
class Sizes:
    """The sizes of the data that determine the shapes of a network; saved, so that it can be rebuilt.

    Attributes:
        n_items: The number of items.
        n_users: The number of users in training.
        n_events: The number of event types.
    """

    n_items: int
    n_users: int
    n_events: int


class Network(nn.Module):
    """The trained and saved network: the item vectors and the encoder."""

    popularity: Tensor

    def __init__(self, items: ItemTable, encoder: nn.Module) -> None:
        super().__init__()
        self.items, self.encoder = items, encoder
        self.register_buffer("popularity", torch.zeros(len(items.known)))

    def hidden(self, batch: QueryBatch) -> Tensor:
        """Return the vector at each row's last position, `[B, D]`."""
        last = (batch.lengths - 1).clamp_(min=0)[:, None, None]
        hidden: Tensor = self.encoder(batch)
        return hidden.gather(1, last.expand(-1, 1, hidden.shape[2])).squeeze(1)


class TrainingStep(nn.Module):
    """A network with its loss, the module that the trainer optimises."""

    def __init__(self, network: Network, loss: Loss) -> None:
        super().__init__()
        self.network, self._loss = network, loss

    def loss(self, batch: TrainingBatch) -> Tensor:
        """Return the loss over all positions with a target; only these reach the output layer."""
        has_target = batch.targets > 0
        hidden: Tensor = self.network.encoder(batch.inputs)
        return self._loss(hidden[has_target], self.network.items, batch.targets[has_target])
