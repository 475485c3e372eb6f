"""Two towers: item embeddings with features, and a convolution over the user's history."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import pad, relu

from shopzoo_cnn.params import ConvTwoTowerParams
from zoo.api import ItemTable, NeuralPredictor, QueryBatch, Sizes
from zoo.nn import dropout


class ConvTwoTower(NeuralPredictor[ConvTwoTowerParams]):
    """A user tower with a convolution and max pooling over the history, and an item tower with an embedding and features.

    The item tower is the item embedding plus its projected features. The user tower is a convolution over the item
    vectors of the history, global max pooling and a dense layer (the pooling of Kim, EMNLP 2014; two towers as in Yi et
    al., RecSys 2019). The maximum is cumulative along the history, so every position is trained to predict the next item,
    not only the last one. It needs the order of events, but no real times. An epoch reads each history in windows of
    `length + 1` events.
    """

    def build(self, sizes: Sizes, items: ItemTable) -> nn.Module:
        """Return the encoder."""
        return Encoder(self.params, items)


class Encoder(nn.Module):
    """A convolution over item vectors, the cumulative maximum, and a dense layer."""

    def __init__(self, p: ConvTwoTowerParams, items: ItemTable) -> None:
        super().__init__()
        self.items, self.drop, self.kernel = items, p.dropout, p.kernel
        self.filters = nn.Conv1d(p.dim, p.filters, p.kernel)
        self.out = nn.Linear(p.filters, p.dim)

    def forward(self, batch: QueryBatch) -> Tensor:
        """Return the vector of the history up to each position, `[B, L, D]`."""
        x = dropout(self.items.embed_inputs(batch.items), self.drop, self.training).transpose(1, 2)
        signs = relu(self.filters(pad(x, (self.kernel - 1, 0))))  # [B, filters, L], causal
        strongest = torch.cummax(signs, dim=2).values.transpose(1, 2)
        hidden: Tensor = self.out(dropout(strongest, self.drop, self.training))
        return hidden
