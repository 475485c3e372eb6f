"""Two towers: items by what they are, users by filters that slide along what they took."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import pad, relu

from shopzoo_cnn.params import ConvTwoTowerParams
from zoo.api import ItemTable, NeuralPredictor, QueryBatch, Sizes
from zoo.nn import dropout


class ConvTwoTower(NeuralPredictor[ConvTwoTowerParams]):
    """A user is the strongest sign of each filter anywhere in the history, an item its vector and its features.

    The item tower is the item's own vector plus its projected features. The user tower is a convolution over the item
    vectors of the history, global max pooling and a dense layer (the pooling of Kim, EMNLP 2014; two towers as in Yi et
    al., RecSys 2019). The maximum runs along the history, so that every position is trained to give the next item, and not
    the last alone. It needs an order of events and no clock. An epoch reads each user's last `length + 1` events once.
    """

    def build(self, sizes: Sizes, items: ItemTable) -> nn.Module:
        """Return the encoder."""
        return Encoder(self.params, items)


class Encoder(nn.Module):
    """Item vectors through the filters, the running maximum, and the dense layer."""

    def __init__(self, p: ConvTwoTowerParams, items: ItemTable) -> None:
        super().__init__()
        self.items, self.drop, self.kernel = items, p.dropout, p.kernel
        self.filters = nn.Conv1d(p.dim, p.filters, p.kernel)
        self.out = nn.Linear(p.filters, p.dim)

    def forward(self, batch: QueryBatch) -> Tensor:
        """Return the vector of the history up to each position, `[B, L, D]`."""
        x = dropout(self.items.inputs(batch.items), self.drop, self.training).transpose(1, 2)
        signs = relu(self.filters(pad(x, (self.kernel - 1, 0))))  # [B, filters, L], each from the items up to its place
        strongest = torch.cummax(signs, dim=2).values.transpose(1, 2)
        hidden: Tensor = self.out(dropout(strongest, self.drop, self.training))
        return hidden
