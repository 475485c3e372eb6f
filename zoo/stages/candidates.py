"""What flows between the stages: what may not be recommended, the top K, and the lists that a ranker sees."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from zoo.nn.topk import top_k
from zoo.stages.item_features import ItemFeatures


@dataclass(frozen=True, eq=False)
class Exclusions:
    """Which items must not be recommended to each query of a block.

    Attributes:
        always: Item numbers excluded for every query, `[X]` int64 (padding, what is not for sale, what the model does not know).
        rows: With `items`: pairs that are excluded for one query (what it has seen), `[M]` int64.
        items: `[M]` int64.
        allowed: What the filters keep, `[B, I]` or `[1, I]` bool, or None where there are no filters.
    """

    always: Tensor
    rows: Tensor
    items: Tensor
    allowed: Tensor | None = None

    @classmethod
    def only_padding(cls) -> Exclusions:
        """Return exclusions that leave out nothing but the padding."""
        none = torch.zeros(0, dtype=torch.int64)
        return cls(torch.zeros(1, dtype=torch.int64), none, none)

    def apply_(self, scores: Tensor) -> Tensor:
        """Set the scores `[B, I]`, contiguous, of excluded items to -inf, in place, and return them."""
        device = scores.device
        scores.index_fill_(1, self.always.to(device), -torch.inf)
        scores.view(-1).index_fill_(0, (self.rows * scores.shape[1] + self.items).to(device), -torch.inf)
        if self.allowed is not None:
            scores.masked_fill_(~self.allowed.to(device), -torch.inf)
        return scores

    def violated(self, items: Tensor) -> Tensor:
        """Return which slots of lists `[B, K]` hold an excluded item, `[B, K]` bool."""
        width = int(torch.cat([items.flatten(), self.items]).max()) + 1
        pairs = torch.arange(len(items))[:, None] * width + items
        found = torch.isin(items, self.always) | torch.isin(pairs, self.rows * width + self.items)
        if self.allowed is not None:
            found |= ~self.allowed.expand(len(items), -1).gather(1, items)
        return found & (items > 0)


@dataclass(frozen=True, eq=False)
class Candidates:
    """A list of items a query, best first.

    Attributes:
        items: Item numbers, `[B, K]` int64; 0 is an empty slot, and empty slots come last.
        scores: `[B, K]` float32, -inf in empty slots.
        tied: Whether the score at the list's edge is shared by an item that had to stay outside, `[B]` bool.
    """

    items: Tensor
    scores: Tensor
    tied: Tensor

    @classmethod
    def best(cls, scores: Tensor, k: int) -> Candidates:
        """Return the K best items of each row of scores `[B, I]`, equal scores by item number."""
        return cls(*top_k(scores, k))

    @classmethod
    def none(cls, k: int) -> Candidates:
        """Return the lists of no query at all, `[0, K]`."""
        return cls(torch.zeros(0, k, dtype=torch.int64), torch.zeros(0, k), torch.zeros(0, dtype=torch.bool))

    @staticmethod
    def joined(blocks: list[Candidates]) -> Candidates:
        """Return the lists of several blocks as one."""
        items, scores, tied = (torch.cat([getattr(b, name) for b in blocks]) for name in ("items", "scores", "tied"))
        return Candidates(items, scores, tied)

    def cpu(self) -> Candidates:
        """Return the lists on the CPU."""
        return Candidates(self.items.cpu(), self.scores.cpu(), self.tied.cpu())


@dataclass(frozen=True, eq=False)
class CandidateLists:
    """What a ranker sees of a block of queries.

    Attributes:
        items: `[B, K]` int64, 0 where padded.
        scores: The predictor's, or those of the ranker before, `[B, K]` float32, -inf where padded.
        features: Ranking features, `[B, K, F]` float32.
        columns: The names of the F features.
        vectors: The item features of the pipeline, or None; `lists.vectors.rows(lists.items)` gives `[B, K, D]`.
        labels: What the user did, `[B, K]` float32, when fitting; None when ranking.
    """

    items: Tensor
    scores: Tensor
    features: Tensor
    columns: tuple[str, ...] = ()
    vectors: ItemFeatures | None = None
    labels: Tensor | None = None

    @property
    def mask(self) -> Tensor:
        """Return which slots hold an item, `[B, K]` bool."""
        return self.items > 0
