"""The values passed between stages: excluded items, the top-K candidates, and the lists of a ranker."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from zoo.data.queries import Queries
from zoo.nn.topk import top_k
from zoo.stages.item_columns import ItemColumns
from zoo.stages.item_features import ItemFeatures
from zoo.stages.user_columns import UserColumns


@dataclass(frozen=True, eq=False)
class Exclusions:
    """Which items must not be recommended to each query of a block.

    Attributes:
        always: Item numbers excluded for every query, `[X]` int64: padding, ineligible items, items unknown to the model.
        rows: The row of each (row, item) pair excluded for a single query, such as a seen item, `[M]` int64.
        items: The item number of each of these pairs, `[M]` int64.
        allowed: The items that the filters keep, `[B, I]` or `[1, I]` bool; None without filters.
    """

    always: Tensor
    rows: Tensor
    items: Tensor
    allowed: Tensor | None = None

    @classmethod
    def only_padding(cls) -> Exclusions:
        """Return exclusions of the padding item only."""
        none = torch.zeros(0, dtype=torch.int64)
        return cls(torch.zeros(1, dtype=torch.int64), none, none)

    def apply_(self, scores: Tensor) -> Tensor:
        """Set the scores of excluded items to -inf in place, and return the contiguous scores `[B, I]`."""
        device = scores.device
        scores.index_fill_(1, self.always.to(device), -torch.inf)
        scores.view(-1).index_fill_(0, (self.rows * scores.shape[1] + self.items).to(device), -torch.inf)
        if self.allowed is not None:
            scores.masked_fill_(~self.allowed.to(device), -torch.inf)
        return scores

    def at(self, rows: Tensor, n_rows: int) -> Exclusions:
        """Return the exclusions of some of the queries.

        Args:
            rows: The rows of the queries in the block, `[R]` int64, each once.
            n_rows: The number of queries in the block.
        """
        place = torch.full((n_rows,), -1).index_copy_(0, rows, torch.arange(len(rows)))[self.rows]
        kept = place >= 0
        allowed = self.allowed
        if allowed is not None and len(allowed) > 1:
            allowed = allowed[rows.to(allowed.device)]
        return Exclusions(self.always, place[kept], self.items[kept], allowed)

    def violated(self, items: Tensor) -> Tensor:
        """Return which slots of lists `[B, K]` hold an excluded item, `[B, K]` bool."""
        width = int(torch.cat([items.flatten(), self.items]).max()) + 1
        pairs = torch.arange(len(items))[:, None] * width + items
        never = torch.zeros(width, dtype=torch.bool).index_fill_(0, self.always[self.always < width], True)
        found = never[items] | torch.isin(pairs, self.rows * width + self.items)
        if self.allowed is not None:
            found |= ~self.allowed.expand(len(items), -1).gather(1, items)
        return found & (items > 0)


@dataclass(frozen=True, eq=False)
class Candidates:
    """The best items for each query, best first.

    Attributes:
        items: Item numbers, `[B, K]` int64; 0 is an empty slot, and empty slots come last.
        scores: `[B, K]` float32, -inf in empty slots.
        tied: Whether an item outside the list has the same score as the last item in it, `[B]` bool.
        filled: Which slots hold an item of the fallback, which the model did not score, `[B, K]` bool; their scores are -inf.
            None if there are none.
    """

    items: Tensor
    scores: Tensor
    tied: Tensor
    filled: Tensor | None = None

    @classmethod
    def best(cls, scores: Tensor, k: int) -> Candidates:
        """Return the K best items of each row of scores `[B, I]`; ties are ordered by item number."""
        return cls(*top_k(scores, k))

    @classmethod
    def none(cls, k: int) -> Candidates:
        """Return candidates for zero queries, `[0, K]`."""
        return cls(torch.zeros(0, k, dtype=torch.int64), torch.zeros(0, k), torch.zeros(0, dtype=torch.bool))

    @staticmethod
    def joined(blocks: list[Candidates]) -> Candidates:
        """Return the concatenated lists of several blocks."""
        if len(blocks) == 1:
            return blocks[0]
        items, scores, tied = (torch.cat([getattr(b, name) for b in blocks]) for name in ("items", "scores", "tied"))
        filled = None if all(b.filled is None for b in blocks) else torch.cat([b.filled_slots() for b in blocks])
        return Candidates(items, scores, tied, filled)

    def filled_slots(self) -> Tensor:
        """Return which slots hold an item of the fallback, `[B, K]` bool."""
        return torch.zeros_like(self.items, dtype=torch.bool) if self.filled is None else self.filled

    def cut(self, k: int) -> Candidates:
        """Return the first K slots of lists that are not filled by the fallback."""
        return Candidates(self.items[:, :k], self.scores[:, :k], self.tied)

    def at(self, rows: Tensor) -> Candidates:
        """Return the lists that a mask `[B]` bool selects."""
        return Candidates(
            self.items[rows], self.scores[rows], self.tied[rows], None if self.filled is None else self.filled[rows]
        )

    def cpu(self) -> Candidates:
        """Return the lists on the CPU."""
        filled = None if self.filled is None else self.filled.cpu()
        return Candidates(self.items.cpu(), self.scores.cpu(), self.tied.cpu(), filled)


@dataclass(frozen=True, eq=False)
class CandidateLists:
    """The padded candidate lists of a block of queries, the input of a ranker.

    Attributes:
        items: Item numbers, `[B, K]` int64, 0 where padded.
        scores: Scores of the predictor or the previous ranker, `[B, K]` float32, -inf where padded.
        features: Ranking features, `[B, K, F]` float32.
        columns: The names of the F features.
        vectors: The item features of the pipeline, or None; `lists.vectors.rows(lists.items)` gives `[B, K, D]`.
        labels: The relevance of each candidate, `[B, K]` float32, when fitting; None when ranking.
        queries: The B queries with their histories, for a ranker that declares `histories` or `user_columns`; otherwise None.
        item_columns: The catalogue columns that the ranker declares; None outside a pipeline.
        user_columns: The columns of the user table that the ranker declares, by user number; the users are `queries.users`.
    """

    items: Tensor
    scores: Tensor
    features: Tensor
    columns: tuple[str, ...] = ()
    vectors: ItemFeatures | None = None
    labels: Tensor | None = None
    queries: Queries | None = None
    item_columns: ItemColumns | None = None
    user_columns: UserColumns | None = None

    @property
    def mask(self) -> Tensor:
        """Return which slots hold an item, `[B, K]` bool."""
        return self.items > 0
