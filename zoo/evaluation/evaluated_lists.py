"""Lists matched with the targets of their queries, the input of every metric."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from zoo.data.queries import Queries, Targets
from zoo.errors import ScoreError


@dataclass(frozen=True, eq=False)
class EvaluatedLists:
    """Lists with their hits.

    Attributes:
        items: Item numbers, best first, `[Q, K]` int64; 0 is an empty slot.
        hits: Whether a slot holds a target, `[Q, K]` bool.
        n_targets: The number of targets of each query, `[Q]` int64.
        targets: The targets.
        gains: The gain of each slot, `[Q, K]` float64; None for binary relevance.
        best_gains: The gains of the ideal list, `[Q, K]` float64; None for binary relevance.
        queries: The Q queries with their histories, without targets; None for judged lists.
    """

    items: Tensor
    hits: Tensor
    n_targets: Tensor
    targets: Targets
    gains: Tensor | None = None
    best_gains: Tensor | None = None
    queries: Queries | None = None

    @classmethod
    def of(cls, items: Tensor, targets: Targets, k: int, queries: Queries | None = None) -> EvaluatedLists:
        """Match the first k slots of lists `[Q, any]` with their targets; shorter lists are padded with empty slots.

        Args:
            items: Item numbers, best first.
            targets: The targets of each query.
            k: The number of slots.
            queries: The queries, for metrics that read histories.

        Raises:
            ScoreError: A list contains a target more than once.
        """
        items = items[:, :k]
        if items.shape[1] < k:
            items = torch.nn.functional.pad(items, (0, k - items.shape[1]))
        counts = torch.from_numpy(targets.counts)
        wanted = torch.from_numpy(targets.items).long()
        if len(wanted) == len(counts) and bool((counts == 1).all()):
            hits = items == wanted[:, None]
        else:
            # Encode each pair (query, item) as one number. The numbers of the targets ascend: use binary search.
            width = max(int(items.max()) if items.numel() else 0, int(wanted.max()) if len(wanted) else 0) + 1
            first = torch.arange(len(counts))[:, None] * width
            pairs, sought = wanted + first.squeeze(1).repeat_interleave(counts), items + first
            place = torch.searchsorted(pairs, sought).clamp_(max=max(len(pairs) - 1, 0))
            hits = pairs[place] == sought if len(pairs) else torch.zeros_like(items, dtype=torch.bool)
        _refuse_repeats(items, hits)
        return cls(items, hits, counts, targets, queries=None if queries is None else queries.blind())

    @property
    def k(self) -> int:
        """Return the number of slots per list."""
        return self.items.shape[1]

    @property
    def ranks(self) -> Tensor:
        """Return the ranks of the slots, from 1, `[K]` float64."""
        return torch.arange(1, self.k + 1, dtype=torch.float64)

    def at(self, k: int) -> EvaluatedLists:
        """Return the lists cut to their first k slots."""
        if k == self.k:
            return self
        gains, best = (None if gains is None else gains[:, :k] for gains in (self.gains, self.best_gains))
        return replace(self, items=self.items[:, :k], hits=self.hits[:, :k], gains=gains, best_gains=best)


def _refuse_repeats(items: Tensor, hits: Tensor) -> None:
    """Refuse lists that contain a target more than once, because it would be counted twice."""
    query, slot = hits.nonzero(as_tuple=True)
    found = items[query, slot]
    if len(found) == 0:
        return
    pairs, times = torch.unique(query * (found.max() + 1) + found, return_counts=True)
    if len(pairs) < len(found):
        twice = int(pairs[times > 1][0])
        at, item = divmod(twice, int(found.max()) + 1)
        raise ScoreError(
            f"the list of query {at} contains item {item} more than once, but the items of a list must be distinct: "
            "fix `recommend` or the ranker that returned it"
        )


Judged = EvaluatedLists
"""The name of `EvaluatedLists` in plugin API 1."""
