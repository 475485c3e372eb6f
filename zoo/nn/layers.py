"""Layers shared by several encoders."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.functional import gelu, scaled_dot_product_attention


def dropout(x: Tensor, rate: float, training: bool) -> Tensor:
    """Apply dropout, as `torch.nn.functional.dropout` does, but faster on a CPU.

    On a CPU torch draws one random number per entry on a single thread, which took a fifth of a Transformer's training
    time. Here one 64-bit draw serves four entries. The rate is rounded to a multiple of 1/65,536.
    """
    if x.device.type != "cpu":
        return functional.dropout(x, rate, training)
    if not training or rate == 0.0:
        return x
    dropped = min(round(rate * 2**16), 2**16 - 1)
    draws = torch.empty(math.ceil(x.numel() / 4), dtype=torch.int64).random_(-(2**63), None)
    bits = draws.view(torch.int16)[: x.numel()].view(x.shape)
    return x * (bits >= dropped - 2**15).to(x.dtype).mul_(2**16 / (2**16 - dropped))


def attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, *, causal: bool, drop: float) -> Tensor:
    """Return scaled dot-product attention, `[B, H, L, D]`.

    Args:
        q: Queries, `[B, H, L, D]`.
        k: Keys, `[B, H, L, D]`.
        v: Values, `[B, H, L, D]`.
        mask: Which positions may be attended to, bool, broadcast to `[B, H, L, L]`, at least one per position; None for
            all positions that `causal` allows.
        causal: Whether a position attends only to itself and earlier positions.
        drop: Dropout rate of the attention weights.
    """
    # With dropout, torch has no fast kernel on a CPU and draws its random numbers one by one.
    fast = drop == 0.0 or q.device.type != "cpu"
    if causal and not (fast and mask is None):
        order = torch.ones(q.shape[-2], q.shape[-2], dtype=torch.bool, device=q.device).tril()
        mask, causal = order if mask is None else order & mask, False
    if fast:
        return scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal, dropout_p=drop)
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    return dropout(scores.softmax(-1), drop, True).to(v.dtype) @ v


class TransformerBlock(nn.Module):
    """Pre-norm self-attention and a feed-forward layer (Vaswani et al., 2017; norm first after Xiong et al., ICML 2020)."""

    def __init__(self, dim: int, heads: int, drop: float, *, causal: bool) -> None:
        """Build a block of width `dim`; with `causal`, a position attends only to itself and earlier positions."""
        super().__init__()
        self.heads, self.drop, self.causal = heads, drop, causal
        self.norm_attention, self.norm_forward = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.qkv, self.out = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.widen, self.narrow = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return `[B, L, D]`.

        Args:
            x: `[B, L, D]`, right-padded, so that with a causal mask no real position attends to padding.
            mask: Which positions may be attended to, `[B, 1, 1, L]` bool; required unless attention is causal.
        """
        b, length, dim = x.shape
        qkv = self.qkv(self.norm_attention(x)).view(b, length, 3, self.heads, dim // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        rate = self.drop if self.training else 0.0
        read = attention(q, k, v, mask, causal=self.causal, drop=rate)
        x = x + dropout(self.out(read.transpose(1, 2).reshape(b, length, dim)), self.drop, self.training)
        return x + dropout(self.narrow(gelu(self.widen(self.norm_forward(x)))), self.drop, self.training)
