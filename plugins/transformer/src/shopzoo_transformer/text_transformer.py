"""A small Transformer over the tokens of a text, trained from scratch on the shop's data."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from shopzoo_transformer.params import TextTransformerParams
from zoo.api import NeuralFeaturizer, TextBatch
from zoo.nn import TransformerBlock, dropout


class TextTransformer(NeuralFeaturizer[TextTransformerParams]):
    """Self-attention over the tokens of a text (Vaswani et al., NeurIPS 2017), and mean pooling.

    Mean pooling is what Reimers and Gurevych (EMNLP 2019) found best. It is trained from scratch on items that were taken
    together; for the texts of a few thousand products one block is enough. Layers are pre-norm. `blocks` and `heads` set the
    capacity, `text_dim` the width of the layers and of the features. Unlike `sentence-encoder`, it has no pretrained knowledge
    of a language.
    """

    def build(self, tokens: int) -> nn.Module:
        """Return the encoder."""
        return Encoder(self.params, tokens)


class Encoder(nn.Module):
    """Transformer blocks over token vectors plus position vectors."""

    def __init__(self, p: TextTransformerParams, tokens: int) -> None:
        super().__init__()
        self.drop, self.dim = p.dropout, p.text_dim
        self.tokens, self.positions = (
            nn.Embedding(tokens, p.text_dim, padding_idx=0),
            nn.Embedding(p.text_length, p.text_dim),
        )
        for table in (self.tokens, self.positions):
            nn.init.normal_(table.weight, std=0.02)
        self.blocks = nn.ModuleList(
            TransformerBlock(p.text_dim, p.heads, p.dropout, causal=False) for _ in range(p.blocks)
        )
        self.norm, self.out = nn.LayerNorm(p.text_dim), nn.Linear(p.text_dim, p.text_dim)

    def forward(self, batch: TextBatch) -> Tensor:
        """Return a vector for each text, `[N, D]`."""
        length, real = batch.tokens.shape[1], batch.mask
        x = self.tokens(batch.tokens) * math.sqrt(self.dim) + self.positions.weight[:length]
        x = dropout(x, self.drop, self.training)
        readable = real | (
            torch.arange(length, device=x.device) == 0
        )  # a softmax needs at least one position, even for an empty text
        for block in self.blocks:
            x = block(x, readable[:, None, None])
        mean = (self.norm(x) * real[:, :, None]).sum(1) / batch.lengths.clamp(min=1)[:, None]
        vectors: Tensor = self.out(mean)
        return vectors
