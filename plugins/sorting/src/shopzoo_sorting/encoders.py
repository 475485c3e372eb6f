"""Encoders of candidates, each alone or with attention over the list."""

from __future__ import annotations

from torch import nn

from zoo.api import NeuralRankerParams
from zoo.nn import Layers, SetAttention


def encoder(p: NeuralRankerParams, width: int) -> nn.Module:
    """Return the encoder for the parameter `scorer`, from inputs `[B, K, W]` and a mask `[B, K]` to vectors `[B, K, D]`."""
    if p.scorer == "mlp":
        return Layers(width, p.dim, max(p.blocks, 1), p.dropout)
    return SetAttention(width, p.dim, p.blocks, p.heads, p.dropout)
