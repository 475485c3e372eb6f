"""Lists held against the targets of their queries: what every metric is computed from."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from zoo.data.queries import Targets
from zoo.errors import ScoreError


@dataclass(frozen=True, eq=False)
class EvaluatedLists:
    """Lists of which it is known where they are right.

    Attributes:
        items: Item numbers, best first, `[Q, K]` int64; 0 is an empty slot.
        hits: Whether a slot holds a target, `[Q, K]` bool.
        n_targets: The number of targets of each query, `[Q]` int64.
        targets: The targets themselves.
        gains: What each slot is worth where targets are graded, `[Q, K]` float64; None where one is as good as another.
        best_gains: The gains of the best list, `[Q, K]`, likewise.
    """

    items: Tensor
    hits: Tensor
    n_targets: Tensor
    targets: Targets
    gains: Tensor | None = None
    best_gains: Tensor | None = None

    @classmethod
    def of(cls, items: Tensor, targets: Targets, k: int) -> EvaluatedLists:
        """Judge the first k slots of lists of items `[Q, any]`; a list shorter than k has empty slots.

        Raises:
            ScoreError: A list holds one target twice.
        """
        items = items[:, :k]
        if items.shape[1] < k:
            items = torch.nn.functional.pad(items, (0, k - items.shape[1]))
        counts = torch.from_numpy(targets.counts)
        wanted = torch.from_numpy(targets.items).long()
        if len(wanted) == len(counts) and bool((counts == 1).all()):
            hits = items == wanted[:, None]
        else:
            # A pair (query, item) becomes one number; the targets' numbers ascend, so each slot is one binary search.
            width = max(int(items.max()) if items.numel() else 0, int(wanted.max()) if len(wanted) else 0) + 1
            first = torch.arange(len(counts))[:, None] * width
            pairs, sought = wanted + first.squeeze(1).repeat_interleave(counts), items + first
            place = torch.searchsorted(pairs, sought).clamp_(max=max(len(pairs) - 1, 0))
            hits = pairs[place] == sought if len(pairs) else torch.zeros_like(items, dtype=torch.bool)
        _refuse_repeats(items, hits)
        return cls(items, hits, counts, targets)

    @property
    def k(self) -> int:
        """Return the number of slots of a list."""
        return self.items.shape[1]

    @property
    def ranks(self) -> Tensor:
        """Return the ranks of the slots, from 1, `[K]` float64."""
        return torch.arange(1, self.k + 1, dtype=torch.float64)

    def at(self, k: int) -> EvaluatedLists:
        """Return the lists cut to their first k slots."""
        if k == self.k:
            return self
        graded = (None if gains is None else gains[:, :k] for gains in (self.gains, self.best_gains))
        return EvaluatedLists(self.items[:, :k], self.hits[:, :k], self.n_targets, self.targets, *graded)


def _refuse_repeats(items: Tensor, hits: Tensor) -> None:
    """Refuse lists that would count one target twice."""
    query, slot = hits.nonzero(as_tuple=True)
    found = items[query, slot]
    if len(found) == 0:
        return
    pairs, times = torch.unique(query * (found.max() + 1) + found, return_counts=True)
    if len(pairs) < len(found):
        twice = int(pairs[times > 1][0])
        at, item = divmod(twice, int(found.max()) + 1)
        raise ScoreError(
            f"the list of query {at} holds item {item} more than once, and it is a target: a list is a set of items; "
            "mend `recommend` or the ranker that made it"
        )


Judged = EvaluatedLists
"""The name of `EvaluatedLists` in plugin API 1."""
