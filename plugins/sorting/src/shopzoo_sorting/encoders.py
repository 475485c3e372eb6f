"""What makes vectors of candidates, by themselves or in the light of their list."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import gelu

from zoo.api import NeuralRankerParams
from zoo.nn.layers import dropout
from zoo.nn.scorers import SetAttention


def encoder(p: NeuralRankerParams, width: int) -> nn.Module:
    """Return the encoder of the scorer that parameters name: inputs `[B, K, W]` and mask `[B, K]` to vectors `[B, K, D]`."""
    if p.scorer == "mlp":
        return Layers(width, p.dim, p.blocks, p.dropout)
    return SetAttention(width, p.dim, p.blocks, p.heads, p.dropout)


class Layers(nn.Module):
    """Vectors of candidates from their own inputs: layers of width D with GELU and dropout."""

    def __init__(self, width: int, dim: int, blocks: int, drop: float) -> None:
        super().__init__()
        self.drop = drop
        self.layers = nn.ModuleList(nn.Linear(dim if at else width, dim) for at in range(max(blocks, 1)))

    def forward(self, inputs: Tensor, mask: Tensor) -> Tensor:
        """Return `[B, K, D]` of inputs `[B, K, W]`; the mask changes nothing here."""
        for layer in self.layers:
            inputs = dropout(gelu(layer(inputs)), self.drop, self.training)
        return inputs
