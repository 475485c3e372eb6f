"""Layers that several encoders share."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import dropout, gelu, scaled_dot_product_attention


class TransformerBlock(nn.Module):
    """Pre-norm self-attention and a feed-forward layer (Vaswani et al., 2017; norm first after Xiong et al., ICML 2020)."""

    def __init__(self, dim: int, heads: int, drop: float, *, causal: bool) -> None:
        """Make a block of width `dim`; `causal` positions read only what came before them."""
        super().__init__()
        self.heads, self.drop, self.causal = heads, drop, causal
        self.norm_attention, self.norm_forward = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.qkv, self.out = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.widen, self.narrow = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return `[B, L, D]`.

        Args:
            x: `[B, L, D]`, right-padded: with a causal mask no real position ever reads a padded one.
            mask: Which positions may be read, `[B, 1, 1, L]` bool; needed where attention is not causal.
        """
        b, length, dim = x.shape
        qkv = self.qkv(self.norm_attention(x)).view(b, length, 3, self.heads, dim // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        rate = self.drop if self.training else 0.0
        read = scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=self.causal, dropout_p=rate)
        x = x + dropout(self.out(read.transpose(1, 2).reshape(b, length, dim)), rate)
        return x + dropout(self.narrow(gelu(self.widen(self.norm_forward(x)))), rate)
