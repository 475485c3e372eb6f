"""The best K of each row, ordered by score and then by column: the same on every machine, whatever the sort."""

from typing import NamedTuple

import torch
from torch import Tensor


class TopK(NamedTuple):
    """The best columns of each row, best first.

    Attributes:
        columns: `[B, K]` int64, 0 in empty slots.
        scores: `[B, K]` float32, -inf in empty slots.
        tied: Whether a column left outside has the score of the last one inside, `[B]` bool.
    """

    columns: Tensor
    scores: Tensor
    tied: Tensor


def top_k(scores: Tensor, k: int) -> TopK:
    """Return the K best columns of each row.

    Equal scores are ordered by column, the lower first, inside the list and at its edge. `torch.topk` promises
    neither, so the rows in which it met a tie are taken again by a key that has none; no row is ever sorted whole.

    Args:
        scores: `[B, I]` float32; -inf is an empty slot. A NaN comes first in its row, for the caller to find.
        k: At least 1; where fewer columns remain, the last slots are empty.
    """
    inside = min(k, scores.shape[1])
    best, columns = scores.topk(min(k + 1, scores.shape[1]), dim=1)
    equal = (best[:, 1:] == best[:, :-1]) & best[:, 1:].isfinite()
    tied = equal[:, inside - 1 :].any(1)
    again = equal.any(1).nonzero().squeeze(1)
    best, columns = best[:, :inside], columns[:, :inside]
    if len(again):
        rows = scores[again]
        columns[again] = _tie_free(rows).topk(inside, dim=1).indices
        best[again] = rows.gather(1, columns[again])
    columns = columns.masked_fill(best == -torch.inf, 0)
    if inside < k:
        best = torch.nn.functional.pad(best, (0, k - inside), value=-torch.inf)
        columns = torch.nn.functional.pad(columns, (0, k - inside))
    return TopK(columns, best, tied)


def _tie_free(scores: Tensor) -> Tensor:
    """Return int64 keys in the order of (score, lower column first): no two of a row are equal.

    The bits of a float32, read as an integer, are in its order once the negative ones are flipped.
    """
    bits = (scores + 0.0).view(torch.int32)  # adding zero turns -0.0 into 0.0
    ordered = bits ^ ((bits >> 31) & 0x7FFFFFFF)
    return (ordered.long() << 32) - torch.arange(scores.shape[1], device=scores.device)
