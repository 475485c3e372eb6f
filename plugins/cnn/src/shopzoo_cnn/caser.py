"""Caser: convolutions over the embedding matrix of the last few items."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool1d, pad, relu

from shopzoo_cnn.params import CaserParams
from zoo.api import ItemTable, NeuralPredictor, QueryBatch, Sizes
from zoo.nn import dropout


class Caser(NeuralPredictor[CaserParams]):
    """Horizontal and vertical convolutions over the last `window` items (Tang and Wang, WSDM 2018).

    What differs: the paper scores the concatenated window and user vectors with a separate output embedding, twice as
    wide; here input and output share the item embedding, so the window vector passes another linear layer and the user
    vector is added. User embeddings are off by default: on Amazon Beauty they did not help in twelve epochs (in training
    they see the next items), and they need a row per user. The loss is a softmax over the catalogue for the next item,
    not three negatives for each of the next three items. It needs the order of events, but no real times. An epoch reads
    each history in windows of `length + 1` events; every position has its own window.
    """

    def build(self, sizes: Sizes, items: ItemTable) -> nn.Module:
        """Return the encoder."""
        return Encoder(self.params, sizes, items)


class Encoder(nn.Module):
    """Horizontal and vertical filters over the window that ends at each position, and two linear layers."""

    def __init__(self, p: CaserParams, sizes: Sizes, items: ItemTable) -> None:
        super().__init__()
        self.items, self.window, self.drop = items, p.window, p.dropout
        self.horizontal = nn.ModuleList(nn.Conv1d(p.dim, p.horizontal, h) for h in range(1, p.window + 1))
        self.vertical = nn.Linear(p.window, p.vertical)
        self.mix = nn.Linear(p.window * p.horizontal + p.vertical * p.dim, p.dim)
        self.out = nn.Linear(p.dim, p.dim)
        self.users: nn.Embedding | None = None
        if p.user_vectors:
            self.users = nn.Embedding(sizes.n_users + 1, p.dim, padding_idx=0, sparse=p.sparse_updates)
            nn.init.normal_(self.users.weight[1:], std=1 / p.dim)

    def forward(self, batch: QueryBatch) -> Tensor:
        """Return a vector for the window that ends at each position, `[B, L, D]`."""
        x = pad(self.items.embed_inputs(batch.items).transpose(1, 2), (self.window - 1, 0))  # [B, D, window - 1 + L]
        # Windows overlap: each filter is applied once per position, and max pooling runs over the positions of a window.
        places = (self.window - h for h in range(self.window))
        runs = [max_pool1d(conv(x), n, stride=1) for conv, n in zip(self.horizontal, places, strict=True)]
        across = relu(torch.cat(runs, 1)).transpose(1, 2)  # [B, L, window * horizontal]
        along = self.vertical(x.unfold(2, self.window, 1)).transpose(1, 2).flatten(2)  # [B, L, D * vertical]
        seen = dropout(torch.cat([across, along], -1), self.drop, self.training)
        hidden: Tensor = self.out(relu(self.mix(seen)))
        return hidden if self.users is None else hidden + self.users(batch.users)[:, None]
