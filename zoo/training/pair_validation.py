"""Validation of a text encoder: retrieval of held-out items by their texts, for early stopping."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.stages.ranks import RankMean, own_share

BLOCK = 256
"""Pairs to score at a time."""


@dataclass(frozen=True, eq=False)
class PairValidator:
    """Computes the NDCG@10 of retrieving the second item of each pair among all held-out items.

    Each rank scores its share of the pairs; the value is the mean over all pairs.

    Attributes:
        encode: Returns the current vectors of the `needed` items, `[N, D]`.
        needed: All items that occur below, ascending, `[N]`.
        candidates: The held-out items, ascending, `[C]`.
        left: The query item of each pair, `[P]`.
        right: The item to retrieve, a candidate, `[P]`.
    """

    encode: Callable[[], Tensor]
    needed: NDArray[np.int64]
    candidates: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]

    def __call__(self) -> float:
        """Return the mean."""
        vectors, left, right = self.encode(), self.left[own_share()], self.right[own_share()]
        candidates, gain = vectors[np.searchsorted(self.needed, self.candidates)], 0.0
        own = torch.from_numpy(np.searchsorted(self.candidates, right))
        for block in np.split(np.arange(len(left)), range(BLOCK, len(left), BLOCK)):
            scores = vectors[np.searchsorted(self.needed, left[block])] @ candidates.T
            scores[torch.from_numpy(self.candidates == left[block, None])] = -torch.inf
            target = scores.gather(1, own[block, None].to(scores.device))
            rank = ((scores > target).sum(1) + (scores >= target).sum(1) + 1) / 2  # the mean rank of tied items
            gain += float(torch.where(rank <= 10, 1 / torch.log2(rank + 1.0), 0.0).sum())
        mean = RankMean()
        mean.update(gain, len(left))
        return float(mean.compute())
