"""Cosines of item vectors, for predictors that compare items."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize


def cosines(vectors: Tensor, items: Tensor) -> Tensor:
    """Return the cosine of the vectors of some items with those of all items, `[B, I]` float32.

    It is -inf where one of the two vectors is zero, as that of an item that does not occur in training.

    Args:
        vectors: The item vectors, `[I, D]`.
        items: Item numbers, `[B]` int64.
    """
    unit = normalize(vectors, dim=1)
    present = unit.any(dim=1)
    items = items.to(vectors.device)
    found = unit[items] @ unit.T
    return found.masked_fill(~(present[items, None] & present), -torch.inf)
