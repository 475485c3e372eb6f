"""NARM: a recurrent network whose last state chooses among all states before it."""

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
"""Numbers in the arrays that attention makes on the way: what the cache of a core holds (1 MiB)."""
DEVICE_BLOCK = 2**25
"""The same off the CPU, where few large steps are faster (128 MiB)."""
POSITIONS = 16
"""Positions that read together; few, since keys after the last of them are not computed."""


class NARM(NeuralPredictor[NARMParams]):
    """Gated recurrent units and an attentive sum of their states (Li et al., CIKM 2017).

    A position's vector is made of its own state (the global encoder) and of the states up to it, weighed by
    `v sigmoid(A1 h_t + A2 h_j)` (the local encoder); as in the paper's formulas the weights are not normalised, so that
    their sum may grow with the history. Both encoders read the same recurrent layer. What differs: every position is
    trained, not the last alone; the bilinear map's vectors are normalised, as small ones learn slowly against a table
    that starts small (eight epochs on Amazon Beauty reach half as much NDCG@10 again); the optimiser is `[train]`'s
    AdamW; the input is scaled by sqrt(dim). It needs an order of events and no clock. An epoch reads each user's last
    `length + 1` events once; attention costs `length * length * dim` sigmoids a user.
    """

    def build(self, sizes: Sizes, items: ItemTable) -> nn.Module:
        """Return the encoder."""
        return Encoder(self.params, items)


class Encoder(nn.Module):
    """Item vectors through the recurrent layer, the attention, and the bilinear map to the item vectors."""

    def __init__(self, p: NARMParams, items: ItemTable) -> None:
        super().__init__()
        self.items, self.item_drop, self.drop = items, p.item_dropout, p.dropout
        self.gru = nn.GRU(p.dim, p.dim, batch_first=True)
        self.ask, self.answer = nn.Linear(p.dim, p.dim, bias=False), nn.Linear(p.dim, p.dim, bias=False)
        self.weigh = nn.Parameter(torch.empty(p.dim).uniform_(-(p.dim**-0.5), p.dim**-0.5))
        self.out, self.norm = nn.Linear(2 * p.dim, p.dim, bias=False), nn.LayerNorm(p.dim)

    def forward(self, batch: QueryBatch) -> Tensor:
        """Return a vector for each position, `[B, L, D]`; right padding comes after all that counts."""
        x = dropout(self.items.inputs(batch.items), self.item_drop, self.training)
        states, _ = self.gru(x)
        weights = attention_weights(self.ask(states), self.answer(states), self.weigh)
        both = torch.cat([states, weights.to(states.dtype) @ states], -1)
        hidden: Tensor = self.norm(self.out(dropout(both, self.drop, self.training)))
        return hidden


def attention_weights(ask: Tensor, answer: Tensor, v: Tensor) -> Tensor:
    """Return `v sigmoid(ask_t + answer_j)` for each position t and each j up to it, `[B, L, L]`; 0 after it.

    Args:
        ask: `[B, L, D]`.
        answer: `[B, L, D]`.
        v: `[D]`.
    """
    with torch.autocast(ask.device.type, enabled=False):  # sums over a history want float32
        weights: Tensor = _Weights.apply(ask.float(), answer.float(), v.float())  # type: ignore[no-untyped-call]
    return weights


class _Weights(torch.autograd.Function):
    """The weights without their `[B, L, L, D]` sigmoids in memory: made block by block, and once more for the gradient.

    sigmoid(a + b) is 1 / (1 + exp(-a) exp(-b)), so that exponentials are taken of positions and not of pairs. The
    gradient by hand, block by block in place, takes half the time of torch's checkpoints.
    """

    @staticmethod
    def forward(ctx: Any, ask: Tensor, answer: Tensor, v: Tensor) -> Tensor:
        """Return `[B, L, L]`."""
        # Within 87 an exponential is neither 0 nor infinite in float32; a product may be, and its sigmoid is 0 then.
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
    """Yield rows, positions and the keys up to the last of them, for arrays `[rows, positions, keys, D]` of `BLOCK` numbers.

    They are larger where one row's `POSITIONS` positions are.
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
