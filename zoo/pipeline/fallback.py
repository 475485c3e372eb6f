"""The fallback: popular items in the slots that a model leaves empty, in evaluation and in serving alike."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.nn.topk import top_k
from zoo.stages.candidates import Candidates, Exclusions


@dataclass(frozen=True, eq=False)
class Popularity:
    """The items in the order of their event counts in training.

    Attributes:
        counts: The events of each item in the training log of the final fit, `[I]` int64.
    """

    counts: NDArray[np.int64]

    @cached_property
    def scores(self) -> Tensor:
        """Return scores in the order of the counts, ties by item number, `[I]` float32; -inf for items without an event.

        The scores are ranks from the end, so that no two are equal: ranks up to 2^24 are exact in float32.
        """
        order = np.lexsort((np.arange(len(self.counts)), -self.counts))
        scores = np.empty(len(order), np.float32)
        scores[order] = np.arange(len(order), 0, -1)
        scores[self.counts == 0] = -np.inf
        return torch.from_numpy(scores)

    def followed_by(self, n: int) -> Popularity:
        """Return the popularity with N more items without events."""
        return Popularity(np.concatenate([self.counts, np.zeros(n, np.int64)]))

    def fill(self, found: Candidates, excluded: Exclusions) -> Candidates:
        """Return lists whose empty slots hold the most popular items that are not excluded and not in the list.

        Filled slots have a score of -inf and are marked in `filled`. Slots for which no item is left stay empty.

        Args:
            found: The lists of a block, `[B, K]`.
            excluded: The items that must not be recommended to its queries.
        """
        if found.items.min().item() > 0:
            return found
        rows = (found.items == 0).any(1).nonzero().squeeze(1)
        items, scores = found.items[rows], found.scores[rows]
        front = (items == 0).int().sort(dim=1, stable=True).indices  # empty slots come last
        items, scores = items.gather(1, front), scores.gather(1, front)
        left = (
            excluded.at(rows, len(found.items)).apply_(self.scores.repeat(len(rows), 1)).scatter_(1, items, -torch.inf)
        )
        popular = top_k(left, items.shape[1]).columns
        own = (items > 0).sum(1, keepdim=True)
        slot = torch.arange(items.shape[1])
        scores = scores.masked_fill(slot >= own, -torch.inf)
        items = items.where(slot < own, popular.gather(1, (slot - own).clamp_(min=0)))
        filled = torch.zeros_like(found.items, dtype=torch.bool).index_copy_(0, rows, (slot >= own) & (items > 0))
        return Candidates(
            found.items.index_copy(0, rows, items), found.scores.index_copy(0, rows, scores), found.tied, filled
        )
