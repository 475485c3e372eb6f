"""Lists of graded candidates: gains, NDCG, and the normalised inputs of a scorer."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

Inputs = Literal["values", "ranks", "both"]


def gains(labels: Tensor) -> Tensor:
    """Return the gain 2^label - 1 of each label (Burges et al., ICML 2005), for a tensor of any shape."""
    return torch.exp2(labels) - 1


def discounts(k: int, like: Tensor | None = None) -> Tensor:
    """Return 1 / log2(r + 1) for the ranks r from 1 to k, `[K]` float64, or with the type and device of `like`."""
    if like is None:
        return 1 / torch.arange(2, k + 2, dtype=torch.float64).log2()
    counted = torch.promote_types(like.dtype, torch.float32)
    return (1 / torch.arange(2, k + 2, dtype=counted, device=like.device).log2()).to(like.dtype)


def ideal_dcg(gain: Tensor, mask: Tensor, k: int) -> Tensor:
    """Return the ideal DCG@k of lists, `[B]`, for gains and mask `[B, K]`."""
    best = gain.masked_fill(~mask, 0.0).topk(min(k, gain.shape[1]), dim=1).values
    return best @ discounts(best.shape[1], gain)


def list_ndcg(scores: Tensor, labels: Tensor, mask: Tensor, k: int) -> Tensor:
    """Return the NDCG@k of lists sorted by score, `[B]`; NaN for a list without positive gain.

    Equal scores keep their order.

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
    """Converts candidate features to the inputs of a scorer: standardised values, ranks in the list, and missing flags.

    A value is standardised over all candidates of training and compressed by sign(z) log(1 + |z|), which neural rankers
    need for heavy-tailed features (Qin et al., ICLR 2021). Its rank among the values of its list, from -1 to 1, is
    comparable between queries; equal values share a rank. A missing value gives 0 for both; a feature with missing values
    in training also gets a column that flags them. A feature that is constant in training gives 0.
    """

    mean: Tensor
    scale: Tensor
    gaps: Tensor

    def __init__(self, features: int, gaps: int, kind: Inputs) -> None:
        """Allocate the buffers.

        Args:
            features: The number of features F.
            gaps: How many features have missing values.
            kind: Whether the inputs are values, ranks, or both.
        """
        super().__init__()
        self.kind = kind
        self.width = (2 if kind == "both" else 1) * features + gaps
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("scale", torch.zeros(features))
        self.register_buffer("gaps", torch.zeros(gaps, dtype=torch.int64))

    @classmethod
    def of(cls, features: Tensor, kind: Inputs) -> ListInputs:
        """Fit the mean, the scale and the missing flags on the features `[N, F]` of training."""
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
        """Return which features are constant in training, `[F]` bool."""
        return self.scale == 0

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        """Return the inputs `[B, K, W]` for features `[B, K, F]` and the mask of real slots `[B, K]`; 0 where padded."""
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
    """Return the rank of each value within its list, scaled from -1 (lowest) to 1, `[B, K, F]`.

    Equal values share their mean rank. A missing value (NaN), or the only value of a list, gives 0.
    """
    there = ~features.isnan() & mask[..., None]
    values = features.masked_fill(~there, torch.inf).transpose(1, 2).contiguous()
    ascending = values.sort(dim=-1).values
    below = torch.searchsorted(ascending, values)
    upto = torch.searchsorted(ascending, values, right=True)
    last = (there.sum(1) - 1)[..., None]
    place = (below + upto - 1).to(features.dtype) / last.clamp(min=1) - 1
    return place.masked_fill(last < 1, 0.0).transpose(1, 2).masked_fill(~there, 0.0)
