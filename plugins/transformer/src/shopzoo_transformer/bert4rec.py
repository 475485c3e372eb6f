"""BERT4Rec: hidden items are found from what was taken before and after them."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, gelu

from shopzoo_transformer.params import BERT4RecParams
from zoo.api import ItemTable, MaskedItem, NeuralPredictor, QueryBatch, Sizes
from zoo.nn import TransformerBlock, dropout


class BERT4Rec(NeuralPredictor[BERT4RecParams]):
    """A Transformer that reads in both directions and fills in hidden items (Sun et al., CIKM 2019).

    In training a share `mask_rate` of a history is hidden, or, in a share `last_share` of the histories, the last item
    alone; to recommend, a hidden position is put after it. As in the paper, all that is hidden has one learned vector,
    and a layer with GELU and a norm stand before the output, whose item vectors are those of the input. What differs:
    layers are normalised before, not after, they are used; items have no bias at the output; what is hidden is drawn anew
    in each epoch, where the authors draw ten times, cut long histories into windows and add each once with its last item
    hidden. They hide .2 of the items of MovieLens and .6 of Amazon Beauty. It needs an order of events and no clock. An epoch reads each user's last `length` events once and
    learns from the hidden ones only, so that it takes more epochs than a causal model (Petrov and Macdonald, RecSys
    2022).
    """

    @property
    def objective(self) -> MaskedItem:
        """Return what the encoder is trained for."""
        return MaskedItem(self.params.length, self.params.mask_rate, self.params.last_share)

    def build(self, sizes: Sizes, items: ItemTable) -> nn.Module:
        """Return the encoder."""
        return Encoder(self.params, items)


class Encoder(nn.Module):
    """Item vectors, or the one of what is hidden, plus position vectors through the blocks."""

    def __init__(self, p: BERT4RecParams, items: ItemTable) -> None:
        super().__init__()
        self.items, self.drop = items, p.dropout
        self.hidden = nn.Parameter(torch.randn(p.dim) * 0.02)
        self.positions = nn.Embedding(p.length, p.dim)
        nn.init.normal_(self.positions.weight, std=0.02)
        self.blocks = nn.ModuleList(TransformerBlock(p.dim, p.heads, p.dropout, causal=False) for _ in range(p.blocks))
        self.norm, self.project, self.norm_projected = nn.LayerNorm(p.dim), nn.Linear(p.dim, p.dim), nn.LayerNorm(p.dim)

    def forward(self, batch: QueryBatch) -> Tensor:
        """Return a vector for each position, `[B, L, D]`."""
        length = batch.items.shape[1]
        x = torch.where(batch.masked[:, :, None], self.hidden, self.items.inputs(batch.items))
        # As large as the items, as in the paper: it is by their places that a hidden position finds its neighbours. Counted
        # from the end, so that the question has the same place whatever the length.
        place = batch.lengths[:, None] - 1 - torch.arange(length, device=x.device)
        places = embedding(place.clamp(min=0), self.positions.weight) * math.sqrt(self.items.dim)
        x = dropout(x + places, self.drop, self.training)
        real = place >= 0
        for block in self.blocks:
            x = block(x, real[:, None, None])
        return self.norm_projected(gelu(self.project(self.norm(x))))
