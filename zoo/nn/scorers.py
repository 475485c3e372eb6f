"""Scorers of candidate lists: by each candidate's features alone, or in the context of the whole list."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import gelu

from zoo.neural_params import NeuralRankerParams
from zoo.nn.layers import TransformerBlock, dropout


class Layers(nn.Module):
    """Encodes each candidate independently by linear layers of width D with GELU and dropout."""

    def __init__(self, width: int, dim: int, blocks: int, drop: float) -> None:
        """Build `blocks` layers of width `dim` over inputs of `width`; with 0 blocks this is the identity."""
        super().__init__()
        self.drop, self.width = drop, dim if blocks else width
        self.layers = nn.ModuleList(nn.Linear(dim if at else width, dim) for at in range(blocks))

    def forward(self, inputs: Tensor, mask: Tensor) -> Tensor:
        """Return `[B, K, D]` for inputs `[B, K, W]`; the mask is not used."""
        for layer in self.layers:
            inputs = dropout(gelu(layer(inputs)), self.drop, self.training)
        return inputs


class MLPScorer(nn.Module):
    """Scores each candidate independently."""

    def __init__(self, width: int, dim: int, blocks: int, drop: float) -> None:
        """Build `blocks` hidden layers of width `dim` over inputs of `width`."""
        super().__init__()
        self.encoder = Layers(width, dim, blocks, drop)
        self.out = nn.Linear(self.encoder.width, 1)

    def forward(self, inputs: Tensor, mask: Tensor) -> Tensor:
        """Return scores `[B, K]` for inputs `[B, K, W]`; the mask is not used."""
        scores: Tensor = self.out(self.encoder(inputs, mask)).squeeze(-1)
        return scores


class SetAttention(nn.Module):
    """Encodes the candidates of a list jointly by self-attention without positions.

    Set Transformer (Lee et al., ICML 2019), for ranking Pobrotyn et al. (2020). The encoding is permutation equivariant.
    """

    def __init__(self, width: int, dim: int, blocks: int, heads: int, drop: float) -> None:
        """Build `blocks` self-attention blocks of width `dim` over inputs of `width`."""
        super().__init__()
        self.first = nn.Linear(width, dim)
        self.blocks = nn.ModuleList(TransformerBlock(dim, heads, drop, causal=False) for _ in range(blocks))
        self.norm = nn.LayerNorm(dim)

    def forward(self, inputs: Tensor, mask: Tensor) -> Tensor:
        """Return `[B, K, D]` for inputs `[B, K, W]` and the mask of real slots `[B, K]`."""
        x = self.first(inputs)
        # Attention needs at least one position: in an empty list all slots attend to each other, and are ignored later.
        read = (mask | ~mask.any(1, keepdim=True))[:, None, None, :]
        for block in self.blocks:
            x = block(x, read)
        normed: Tensor = self.norm(x)
        return normed


class SetScorer(nn.Module):
    """Scores each candidate in the context of the whole list."""

    def __init__(self, width: int, dim: int, blocks: int, heads: int, drop: float) -> None:
        super().__init__()
        self.encoder = SetAttention(width, dim, blocks, heads, drop)
        self.out = nn.Linear(dim, 1)

    def forward(self, inputs: Tensor, mask: Tensor) -> Tensor:
        """Return scores `[B, K]` for inputs `[B, K, W]` and the mask of real slots `[B, K]`."""
        scores: Tensor = self.out(self.encoder(inputs, mask)).squeeze(-1)
        return scores


def scorer(params: NeuralRankerParams, width: int) -> nn.Module:
    """Return the scorer that the parameters select, for inputs of the given width."""
    p = params
    if p.scorer == "mlp":
        return MLPScorer(width, p.dim, p.blocks, p.dropout)
    return SetScorer(width, p.dim, p.blocks, p.heads, p.dropout)
