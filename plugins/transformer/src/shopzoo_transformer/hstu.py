"""HSTU: attention without a softmax, which adds up what it reads, and knows how long ago it was."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm, silu

from shopzoo_transformer.params import HSTUParams
from zoo.api import ItemTable, NeuralPredictor, QueryBatch, Sizes
from zoo.nn import dropout

BUCKETS = 128
"""Ages in seconds that differ by a factor of e^0.301, or 1.35, share a bucket; a minute is 13, a day 37, a year 57."""
NEVER = -1e4
"""The score of what must not be read: of it `silu` makes a zero, and of its gradient too."""


class HSTU(NeuralPredictor[HSTUParams]):
    """Hierarchical sequential transduction units (Zhai et al., ICML 2024: Actions speak louder than words).

    A position weighs itself and what came before it by `silu(q k + bias)`, one by one: no softmax makes the weights add
    up to one, so that how often something was taken counts, not only its share. The bias is learned for each distance
    and, with `time`, for how long before the moment of the question the event was. The query's moment is thus known to
    the model: in `leave-last-out` the time at which the withheld event came.

    As in the authors' code for public data sets: U, V, Q and K are as wide as the input, norms have no weights, and the
    sum is divided by `length`, the most events that are read, whatever the history has. What differs: vectors are
    normalised by mean and variance at the end and scored by their product, where the authors use a cosine and a
    temperature of 0.05; the loss is a softmax over the catalogue, not over 128 negatives; the bias of a distance that
    lies ahead, which is never read, is left out. With `time` it needs a real clock, without it an order of events. An
    epoch reads each user's last `length + 1` events once.
    """

    def build(self, sizes: Sizes, items: ItemTable) -> nn.Module:
        """Return the encoder."""
        return Encoder(self.params, items)


class Encoder(nn.Module):
    """Item vectors plus position vectors through the units."""

    def __init__(self, p: HSTUParams, items: ItemTable) -> None:
        super().__init__()
        self.items, self.drop, self.time = items, p.dropout, p.time
        self.positions = nn.Embedding(p.length, p.dim)
        nn.init.normal_(self.positions.weight, std=0.02)
        self.units = nn.ModuleList(TransductionUnit(p) for _ in range(p.blocks))
        self.norm = nn.LayerNorm(p.dim)

    def forward(self, batch: QueryBatch) -> Tensor:
        """Return a vector for each position, `[B, L, D]`."""
        x = self.items.inputs(batch.items) + self.positions.weight[: batch.items.shape[1]]
        x = dropout(x, self.drop, self.training)
        ages = age_buckets(batch) if self.time else None
        for unit in self.units:
            x = unit(x, ages)
        return self.norm(x)


class TransductionUnit(nn.Module):
    """One layer: what is read from the past, gated by the position itself."""

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
            x: `[B, L, D]`, right-padded: a real position reads nothing that comes after it, and so no padding.
            ages: The bucket of each event's age at the moment each position is asked, `[B, L, L]`; None without time.
        """
        b, length, dim = x.shape
        u, v, q, k = silu(self.uvqk(normed(x))).chunk(4, dim=-1)
        q, k, v = (part.view(b, length, self.heads, -1).transpose(1, 2) for part in (q, k, v / self.length))
        bias = self.bias(length, ages)
        read = silu(q @ k.transpose(-2, -1) + bias) @ v  # [B, H, L, D / H]
        gated = u * normed(read.transpose(1, 2).reshape(b, length, dim))
        return x + self.out(dropout(gated, self.drop, self.training))

    def bias(self, length: int, ages: Tensor | None) -> Tensor:
        """Return what is added to a score for the distance and the age of what is read, spread to `[B, H, L, L]`."""
        place = torch.arange(length, device=self.distance.device)
        distance = place[:, None] - place
        bias = self.distance[distance.clamp(min=0)].masked_fill(distance < 0, NEVER)
        if self.age is None or ages is None:
            return bias
        return (self.age.index_select(0, ages.flatten()).view(ages.shape) + bias)[:, None]


def normed(x: Tensor) -> Tensor:
    """Return vectors with a mean of 0 and a variance of 1; small ones stay small, by the authors' epsilon."""
    return layer_norm(x, x.shape[-1:], eps=1e-6)


def age_buckets(batch: QueryBatch) -> Tensor:
    """Return how old each event is when each position is asked for the next, `[B, L, L]` int64, on a scale of logs.

    The log's clock counts milliseconds. The buckets, the authors' own, begin at a second; 128 hold all of an int64.
    """
    age = (batch.now[:, :, None] - batch.times[:, None, :]).float()
    return age.div_(1000).clamp_(min=1).log_().div_(0.301).long()
