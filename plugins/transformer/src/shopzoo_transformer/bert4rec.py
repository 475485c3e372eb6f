"""BERT4Rec: a bidirectional Transformer that predicts masked items."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, gelu

from shopzoo_transformer.params import BERT4RecParams
from zoo.api import ItemTable, MaskedItem, NeuralPredictor, QueryBatch, Sizes
from zoo.nn import TransformerBlock, dropout


class BERT4Rec(NeuralPredictor[BERT4RecParams]):
    """A bidirectional Transformer trained to predict masked items (Sun et al., CIKM 2019).

    In training a share `mask_rate` of a history is masked, or, in a share `last_share` of the histories, only the last
    item; to recommend, a masked position is appended. As in the paper, masked items share one learned vector, a layer
    with GELU and a norm precede the output, and input and output share the item embedding. What differs: pre-norm
    instead of post-norm layers; items have no output bias; masks are drawn anew in each epoch, while the authors draw
    ten times, cut long histories into windows and add each once with its last item masked. They mask .2 of the items of
    MovieLens and .6 of Amazon Beauty. It needs the order of events, but no real times. An epoch reads each history in
    windows of `length` events and learns only from the masked ones, so it takes more epochs than a causal model (Petrov and
    Macdonald, RecSys 2022).
    """

    @property
    def objective(self) -> MaskedItem:
        """Return the training objective."""
        return MaskedItem(self.params.length, self.params.mask_rate, self.params.last_share, self.params.windows)

    def build(self, sizes: Sizes, items: ItemTable) -> nn.Module:
        """Return the encoder."""
        return Encoder(self.params, items)


class Encoder(nn.Module):
    """Transformer blocks over item vectors, or the mask vector, plus position vectors."""

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
        x = torch.where(batch.masked[:, :, None], self.hidden, self.items.embed_inputs(batch.items))
        # Position vectors are scaled like item vectors, as in the paper: a masked position finds its neighbours by them.
        # Positions are counted from the end, so that the next item has the same position for any length.
        place = batch.lengths[:, None] - 1 - torch.arange(length, device=x.device)
        places = embedding(place.clamp(min=0), self.positions.weight) * math.sqrt(self.items.dim)
        x = dropout(x + places, self.drop, self.training)
        real = place >= 0
        for block in self.blocks:
            x = block(x, real[:, None, None])
        return self.norm_projected(gelu(self.project(self.norm(x))))
