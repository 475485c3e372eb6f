"""HSTU: attention without a softmax, with biases for the age of events."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm, silu

from shopzoo_transformer.params import HSTUParams
from zoo.api import ItemTable, NeuralPredictor, QueryBatch, Sizes
from zoo.nn import dropout

BUCKETS = 128
"""Number of age buckets. A bucket spans a factor of e^0.301, or 1.35, in seconds: a minute is in bucket 13, a day in 37, a year in 57."""
NEVER = -1e4
"""The score of masked positions, for which `silu` and its gradient are zero."""


class HSTU(NeuralPredictor[HSTUParams]):
    """Hierarchical sequential transduction units (Zhai et al., ICML 2024: Actions speak louder than words).

    Each position attends to itself and earlier positions with weights `silu(q k + bias)`. There is no softmax, so the
    weights need not sum to one, and the frequency of an item counts, not only its share. The bias is learned for each
    distance and, with `time`, for the age of the event at the time of the query. The model therefore knows the time of
    the query: in `leave-last-out`, that is the time of the withheld event.

    As in the authors' code for public data sets, U, V, Q and K are as wide as the input, norms have no weights, and the
    sum is divided by `length`, the maximum number of events, whatever the length of the history. What differs: the
    output has a layer norm and is scored by the dot product, while the authors use a cosine and a temperature of 0.05;
    the loss is a softmax over the catalogue, not over 128 negatives; there are no biases for future positions, which
    are never read. With `time` it needs real times, otherwise only the order of events. An epoch reads each history in
    windows of `length + 1` events.
    """

    def build(self, sizes: Sizes, items: ItemTable) -> nn.Module:
        """Return the encoder."""
        return Encoder(self.params, items)


class Encoder(nn.Module):
    """Transduction units over item vectors plus position vectors."""

    def __init__(self, p: HSTUParams, items: ItemTable) -> None:
        super().__init__()
        self.items, self.drop, self.time = items, p.dropout, p.time
        self.positions = nn.Embedding(p.length, p.dim)
        nn.init.normal_(self.positions.weight, std=0.02)
        self.units = nn.ModuleList(TransductionUnit(p) for _ in range(p.blocks))
        self.norm = nn.LayerNorm(p.dim)

    def forward(self, batch: QueryBatch) -> Tensor:
        """Return a vector for each position, `[B, L, D]`."""
        x = self.items.embed_inputs(batch.items) + self.positions.weight[: batch.items.shape[1]]
        x = dropout(x, self.drop, self.training)
        ages = age_buckets(batch) if self.time else None
        for unit in self.units:
            x = unit(x, ages)
        return self.norm(x)


class TransductionUnit(nn.Module):
    """One layer: attention to earlier positions, gated by the current position."""

    def __init__(self, p: HSTUParams) -> None:
        super().__init__()
        self.heads, self.drop, self.length = p.heads, p.dropout, p.length
        self.uvqk, self.out = nn.Linear(p.dim, 4 * p.dim, bias=False), nn.Linear(p.dim, p.dim)
        nn.init.normal_(self.uvqk.weight, std=0.02)
        nn.init.xavier_uniform_(self.out.weight)
        self.distance = nn.Parameter(torch.randn(p.length) * 0.02)
        self.age = nn.Parameter(torch.randn(BUCKETS) * 0.02) if p.time else None

    def forward(self, x: Tensor, ages: Tensor | None) -> Tensor:
        """Return `[B, L, D]`.

        Args:
            x: `[B, L, D]`, right-padded: a real position reads only earlier positions, and therefore no padding.
            ages: The bucket of each event's age at the time of each position's query, `[B, L, L]`; None without time.
        """
        b, length, dim = x.shape
        u, v, q, k = silu(self.uvqk(normalize(x))).chunk(4, dim=-1)
        q, k, v = (part.view(b, length, self.heads, -1).transpose(1, 2) for part in (q, k, v / self.length))
        bias = self.bias(length, ages)
        read = silu(q @ k.transpose(-2, -1) + bias) @ v  # [B, H, L, D / H]
        gated = u * normalize(read.transpose(1, 2).reshape(b, length, dim))
        return x + self.out(dropout(gated, self.drop, self.training))

    def bias(self, length: int, ages: Tensor | None) -> Tensor:
        """Return the bias for the distance and the age of each event, which broadcasts to `[B, H, L, L]`."""
        place = torch.arange(length, device=self.distance.device)
        distance = place[:, None] - place
        bias = self.distance[distance.clamp(min=0)].masked_fill(distance < 0, NEVER)
        if self.age is None or ages is None:
            return bias
        return (self.age.index_select(0, ages.flatten()).view(ages.shape) + bias)[:, None]


def normalize(x: Tensor) -> Tensor:
    """Normalise vectors to mean 0 and variance 1; with the authors' epsilon, small vectors stay small."""
    return layer_norm(x, x.shape[-1:], eps=1e-6)


def age_buckets(batch: QueryBatch) -> Tensor:
    """Return the age bucket of each event at the time of each position's query, `[B, L, L]` int64, on a log scale.

    Times are in milliseconds. The buckets are those of the authors and start at one second; 128 buckets cover all int64 times.
    """
    age = (batch.now[:, :, None] - batch.times[:, None, :]).float()
    return age.div_(1000).clamp_(min=1).log_().div_(0.301).long()
