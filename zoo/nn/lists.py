"""Lists of graded candidates: gains, NDCG, and what a scorer reads of their features."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

Inputs = Literal["values", "ranks", "both"]


def gains(labels: Tensor) -> Tensor:
    """Return what a label is worth: 2 to its power, less 1 (Burges et al., ICML 2005), of any shape."""
    return torch.exp2(labels) - 1


def discounts(k: int, like: Tensor | None = None) -> Tensor:
    """Return 1 / log2(r + 1) for the ranks r from 1 to k, `[K]` float64, or of the type and device of another tensor."""
    if like is None:
        return 1 / torch.arange(2, k + 2, dtype=torch.float64).log2()
    counted = torch.promote_types(like.dtype, torch.float32)
    return (1 / torch.arange(2, k + 2, dtype=counted, device=like.device).log2()).to(like.dtype)


def ideal_dcg(gain: Tensor, mask: Tensor, k: int) -> Tensor:
    """Return the best discounted gain that lists reach within k, `[B]`; gains and mask are `[B, K]`."""
    best = gain.masked_fill(~mask, 0.0).topk(min(k, gain.shape[1]), dim=1).values
    return best @ discounts(best.shape[1], gain)


def list_ndcg(scores: Tensor, labels: Tensor, mask: Tensor, k: int) -> Tensor:
    """Return the NDCG@k of lists put in order by their scores, `[B]`; NaN where a list has nothing to gain.

    Equal scores keep the order in which they stand.

    Args:
        scores: `[B, K]`.
        labels: Grades from 0, `[B, K]`.
        mask: Which slots hold a candidate, `[B, K]` bool.
        k: The cutoff.
    """
    gain = gains(labels).masked_fill(~mask, 0.0).double()
    order = scores.masked_fill(~mask, -torch.inf).sort(dim=1, descending=True, stable=True).indices[:, :k]
    reached = gain.gather(1, order) @ discounts(order.shape[1], gain)
    return reached / ideal_dcg(gain, mask, k)


class ListInputs(nn.Module):
    """Features of candidates as a scorer reads them: of one size, without gaps, and beside their list.

    A value is standardised over all candidates of training and its size squashed, sign(z) log(1 + |z|), which neural
    rankers need on heavy tails (Qin et al., ICLR 2021). Its rank is its place among the values of its list, from -1 to 1,
    equal values sharing one: what is comparable between two queries. A missing value gives 0 in both, and a column that
    says so where the feature had gaps in training. A feature that never varied gives 0.
    """

    mean: Tensor
    scale: Tensor
    gaps: Tensor

    def __init__(self, features: int, gaps: int, kind: Inputs) -> None:
        """Make room.

        Args:
            features: Their number F.
            gaps: How many of them have gaps.
            kind: Whether values are read, ranks, or both.
        """
        super().__init__()
        self.kind = kind
        self.width = (2 if kind == "both" else 1) * features + gaps
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("scale", torch.zeros(features))
        self.register_buffer("gaps", torch.zeros(gaps, dtype=torch.int64))

    @classmethod
    def of(cls, features: Tensor, kind: Inputs) -> ListInputs:
        """Return what features `[N, F]` of training have to be divided by."""
        there = ~features.isnan()
        gaps = (~there).any(0).nonzero().squeeze(1)
        inputs = cls(features.shape[1], len(gaps), kind)
        number = there.sum(0).clamp(min=1)
        values = features.double().where(there, 0.0)
        mean = values.sum(0) / number
        spread = ((values - mean).where(there, 0.0).square().sum(0) / number).sqrt()
        steady = spread <= 1e-6 * mean.abs().clamp(min=1e-6)
        inputs.mean.copy_(mean)
        inputs.scale.copy_(torch.where(steady, 0.0, 1 / spread))
        inputs.gaps.copy_(gaps)
        return inputs

    @property
    def steady(self) -> Tensor:
        """Return which features never varied, `[F]` bool."""
        return self.scale == 0

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        """Return `[B, K, W]` of features `[B, K, F]` and the mask of real slots `[B, K]`; padded slots give 0."""
        read = []
        if self.kind != "ranks":
            z = (features - self.mean) * self.scale
            read.append(z.sign() * z.abs().log1p())
        if self.kind != "values":
            read.append(ranks_in_lists(features, mask) * (self.scale > 0))
        if len(self.gaps):
            read.append(features[..., self.gaps].isnan().to(features.dtype))
        return torch.cat(read, dim=-1).nan_to_num_(nan=0.0) * mask[..., None]


def ranks_in_lists(features: Tensor, mask: Tensor) -> Tensor:
    """Return the place of each value among those of its list, from -1 (lowest) to 1, `[B, K, F]`.

    Equal values share the mean of their places. A value that is missing (NaN), or alone in its list, gives 0.
    """
    there = ~features.isnan() & mask[..., None]
    values = features.masked_fill(~there, torch.inf).transpose(1, 2).contiguous()
    ascending = values.sort(dim=-1).values
    below = torch.searchsorted(ascending, values)
    upto = torch.searchsorted(ascending, values, right=True)
    last = (there.sum(1) - 1)[..., None]
    place = (below + upto - 1).to(features.dtype) / last.clamp(min=1) - 1
    return place.masked_fill(last < 1, 0.0).transpose(1, 2).masked_fill(~there, 0.0)
