"""Scorers of lists: a number for each candidate, from its features alone or from all of its list."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import gelu

from zoo.neural_params import NeuralRankerParams
from zoo.nn.layers import TransformerBlock, dropout


class Layers(nn.Module):
    """Vectors of candidates from their own inputs: layers of width D with GELU and dropout."""

    def __init__(self, width: int, dim: int, blocks: int, drop: float) -> None:
        """Make `blocks` layers of width `dim` over inputs of `width`; without one the inputs stay what they are."""
        super().__init__()
        self.drop, self.width = drop, dim if blocks else width
        self.layers = nn.ModuleList(nn.Linear(dim if at else width, dim) for at in range(blocks))

    def forward(self, inputs: Tensor, mask: Tensor) -> Tensor:
        """Return `[B, K, D]` of inputs `[B, K, W]`; the mask changes nothing here."""
        for layer in self.layers:
            inputs = dropout(gelu(layer(inputs)), self.drop, self.training)
        return inputs


class MLPScorer(nn.Module):
    """Scores each candidate by itself."""

    def __init__(self, width: int, dim: int, blocks: int, drop: float) -> None:
        """Make `blocks` hidden layers of width `dim` over inputs of `width`."""
        super().__init__()
        self.encoder = Layers(width, dim, blocks, drop)
        self.out = nn.Linear(self.encoder.width, 1)

    def forward(self, inputs: Tensor, mask: Tensor) -> Tensor:
        """Return scores `[B, K]` of inputs `[B, K, W]`; the mask changes nothing here."""
        scores: Tensor = self.out(self.encoder(inputs, mask)).squeeze(-1)
        return scores


class SetAttention(nn.Module):
    """Vectors of candidates that have seen each other: self-attention without positions.

    Set Transformer (Lee et al., ICML 2019), for rankings Pobrotyn et al. (2020). A permutation of the list permutes them.
    """

    def __init__(self, width: int, dim: int, blocks: int, heads: int, drop: float) -> None:
        """Make `blocks` of self-attention of width `dim` over inputs of `width`."""
        super().__init__()
        self.first = nn.Linear(width, dim)
        self.blocks = nn.ModuleList(TransformerBlock(dim, heads, drop, causal=False) for _ in range(blocks))
        self.norm = nn.LayerNorm(dim)

    def forward(self, inputs: Tensor, mask: Tensor) -> Tensor:
        """Return `[B, K, D]` of inputs `[B, K, W]` and the mask of real slots `[B, K]`."""
        x = self.first(inputs)
        # A list without a candidate would have nothing to read; its slots read each other, and nobody reads them.
        read = (mask | ~mask.any(1, keepdim=True))[:, None, None, :]
        for block in self.blocks:
            x = block(x, read)
        normed: Tensor = self.norm(x)
        return normed


class SetScorer(nn.Module):
    """Scores each candidate in the light of the others."""

    def __init__(self, width: int, dim: int, blocks: int, heads: int, drop: float) -> None:
        super().__init__()
        self.encoder = SetAttention(width, dim, blocks, heads, drop)
        self.out = nn.Linear(dim, 1)

    def forward(self, inputs: Tensor, mask: Tensor) -> Tensor:
        """Return scores `[B, K]` of inputs `[B, K, W]` and the mask of real slots `[B, K]`."""
        scores: Tensor = self.out(self.encoder(inputs, mask)).squeeze(-1)
        return scores


def scorer(params: NeuralRankerParams, width: int) -> nn.Module:
    """Return the scorer that parameters name, for inputs of a width."""
    p = params
    if p.scorer == "mlp":
        return MLPScorer(width, p.dim, p.blocks, p.dropout)
    return SetScorer(width, p.dim, p.blocks, p.heads, p.dropout)
