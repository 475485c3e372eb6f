"""NARM: a recurrent network with attention from each state to the states before it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from shopzoo_rnn.params import NARMParams
from zoo.api import ItemTable, NeuralPredictor, QueryBatch, Sizes
from zoo.nn import dropout

BLOCK = 2**18
"""Number of elements of the intermediate arrays of attention; they fit the cache of a CPU core (1 MiB)."""
DEVICE_BLOCK = 2**25
"""The same for other devices, where few large steps are faster (128 MiB)."""
POSITIONS = 16
"""Query positions per block; small, since keys after the last position of a block are not computed."""


class NARM(NeuralPredictor[NARMParams]):
    """Gated recurrent units with additive attention over their states (Li et al., CIKM 2017).

    The vector of a position combines its own state (the global encoder) and a sum of the states up to it, weighted by
    `v sigmoid(A1 h_t + A2 h_j)` (the local encoder). As in the formulas of the paper, the weights are not normalised, so
    their sum may grow with the history. Both encoders share the recurrent layer. What differs: every position is
    trained, not only the last one; the output of the bilinear map is normalised, since small vectors learn slowly with
    an embedding that starts small (this improves NDCG@10 after eight epochs on Amazon Beauty by half); the optimiser is
    the AdamW of `[train]`; the input is scaled by sqrt(dim). It needs the order of events, but no real times. An epoch
    reads each history in windows of `length + 1` events; attention costs `length * length * dim` sigmoids per user.
    """

    def build(self, sizes: Sizes, items: ItemTable) -> nn.Module:
        """Return the encoder."""
        return Encoder(self.params, items)


class Encoder(nn.Module):
    """A recurrent layer over item vectors, attention, and the bilinear map to the item embedding."""

    def __init__(self, p: NARMParams, items: ItemTable) -> None:
        super().__init__()
        self.items, self.item_drop, self.drop = items, p.item_dropout, p.dropout
        self.gru = nn.GRU(p.dim, p.dim, batch_first=True)
        self.ask, self.answer = nn.Linear(p.dim, p.dim, bias=False), nn.Linear(p.dim, p.dim, bias=False)
        self.weigh = nn.Parameter(torch.empty(p.dim).uniform_(-(p.dim**-0.5), p.dim**-0.5))
        self.out, self.norm = nn.Linear(2 * p.dim, p.dim, bias=False), nn.LayerNorm(p.dim)

    def forward(self, batch: QueryBatch) -> Tensor:
        """Return a vector for each position, `[B, L, D]`; sequences are right-padded, so no position reads padding."""
        x = dropout(self.items.embed_inputs(batch.items), self.item_drop, self.training)
        states, _ = self.gru(x)
        weights = attention_weights(self.ask(states), self.answer(states), self.weigh)
        both = torch.cat([states, weights.to(states.dtype) @ states], -1)
        hidden: Tensor = self.norm(self.out(dropout(both, self.drop, self.training)))
        return hidden


def attention_weights(ask: Tensor, answer: Tensor, v: Tensor) -> Tensor:
    """Return `v sigmoid(ask_t + answer_j)` for each position t and each j <= t, `[B, L, L]`; 0 for j > t.

    Args:
        ask: `[B, L, D]`.
        answer: `[B, L, D]`.
        v: `[D]`.
    """
    with torch.autocast(ask.device.type, enabled=False):  # sums over a history need float32
        weights: Tensor = _Weights.apply(ask.float(), answer.float(), v.float())  # type: ignore[no-untyped-call]
    return weights


class _Weights(torch.autograd.Function):
    """Attention weights computed block by block, without the `[B, L, L, D]` sigmoids in memory; the backward pass recomputes them.

    sigmoid(a + b) is 1 / (1 + exp(-a) exp(-b)), so exponentials are computed per position, not per pair. This manual
    gradient takes half the time of torch's checkpointing.
    """

    @staticmethod
    def forward(ctx: Any, ask: Tensor, answer: Tensor, v: Tensor) -> Tensor:
        """Return `[B, L, L]`."""
        # In [-87, 87] an exponential is neither 0 nor infinite in float32; a product may overflow, and its sigmoid is then 0.
        a, b = ((-x).clamp(-87, 87).exp() for x in (ask, answer))
        ctx.save_for_backward(a, b, v)
        weights = a.new_zeros(*a.shape[:2], a.shape[1])
        for rows, positions, keys in _blocks(a):
            weights[rows, positions, keys] = _sigmoids(a[rows, positions], b[rows, keys]) @ v
        return weights.tril_()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the gradients of `ask`, `answer` and `v`."""
        a, b, v = ctx.saved_tensors
        gradient = gradient.tril()
        ask, answer, weigh = torch.empty_like(a), torch.zeros_like(b), torch.zeros_like(v)
        for rows, positions, keys in _blocks(a):
            s, g = _sigmoids(a[rows, positions], b[rows, keys]), gradient[rows, positions, keys]
            weigh += g.reshape(-1) @ s.flatten(0, 2)
            slope = torch.addcmul(s, s, s, value=-1).mul_(g[..., None])  # sigmoid' = s - s * s
            ask[rows, positions] = slope.sum(2)
            answer[rows, keys] += slope.sum(1)
        return ask * v, answer * v, weigh


def _blocks(x: Tensor) -> Iterator[tuple[slice, slice, slice]]:
    """Yield slices of rows, positions and keys, such that arrays `[rows, positions, keys, D]` have at most `BLOCK` elements.

    A block with a single row may be larger.
    """
    b, length, dim = x.shape
    block = BLOCK if x.device.type == "cpu" else DEVICE_BLOCK
    for start in range(0, length, POSITIONS):
        stop = min(start + POSITIONS, length)
        rows = max(block // ((stop - start) * stop * dim), 1)
        for row in range(0, b, rows):
            yield slice(row, row + rows), slice(start, stop), slice(stop)


def _sigmoids(a: Tensor, b: Tensor) -> Tensor:
    """Return 1 / (1 + a_t b_j), `[R, T, J, D]`, for `[R, T, D]` and `[R, J, D]`."""
    return torch.addcmul(a.new_ones(()), a[:, :, None], b[:, None]).reciprocal_()
