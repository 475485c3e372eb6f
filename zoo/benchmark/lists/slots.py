"""Lists of item ids matched with the items of a task: which slot holds an item that the rules allow, and what the others hold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.data.queries import Queries
from zoo.pipeline import Rules

BLOCK = 1024
"""Number of queries whose histories are compared with their lists at a time."""


@dataclass(frozen=True, eq=False)
class Slots:
    """The slots of lists.

    Attributes:
        items: Item numbers, best first, `[Q, K]` int64; 0 for an empty slot and for an unknown item.
        entry: Which entry of the flat list values a slot holds, `[Q, K]` int64; -1 for an empty slot.
        unknown: Whether a slot holds an id that is no item, `[Q, K]` bool.
        repeated: Whether it holds an item of an earlier slot of the list, `[Q, K]` bool.
        ineligible: Whether it holds an item that may be recommended to nobody, `[Q, K]` bool.
        seen: Whether it holds an item that is excluded for this query because it was seen, `[Q, K]` bool.
    """

    items: Tensor
    entry: NDArray[np.int64]
    unknown: Tensor
    repeated: Tensor
    ineligible: Tensor
    seen: Tensor

    @classmethod
    def of(cls, lists: pa.ListArray, k: int, ids: pa.Array, queries: Queries, rules: Rules) -> Slots:
        """Match the first k entries of each list.

        Args:
            lists: The item ids of each query, best first, `[Q]`; a null list is empty.
            k: The number of slots.
            ids: The item ids by item number, `[I]`; entry 0 is padding.
            queries: The queries.
            rules: What may be recommended to them.
        """
        lengths = pc.list_value_length(lists).fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
        values = pc.list_flatten(lists).cast(pa.string())
        numbers = pc.index_in(values, value_set=ids.slice(1)).fill_null(-1).to_numpy(zero_copy_only=False) + 1
        first = np.cumsum(lengths) - lengths
        entry = first[:, None] + np.arange(k)
        entry[np.arange(k) >= lengths[:, None]] = -1
        items = torch.from_numpy(np.append(numbers, 0)[entry].astype(np.int64))
        present = torch.from_numpy(entry >= 0)
        ineligible, seen = _excluded(items, queries, rules)
        return cls(items, entry, present & (items == 0), _repeated(items), ineligible, seen)

    @property
    def present(self) -> Tensor:
        """Return which slots hold anything, `[Q, K]` bool."""
        return torch.from_numpy(self.entry >= 0)

    @property
    def allowed(self) -> Tensor:
        """Return the lists without the slots that the rules do not allow, `[Q, K]`: these are 0, and count as misses."""
        return self.items.masked_fill(self.repeated | self.ineligible | self.seen, 0)


def _repeated(items: Tensor) -> Tensor:
    """Return which slots hold an item of an earlier slot, `[Q, K]` bool."""
    ordered, order = items.sort(dim=1, stable=True)
    again = torch.zeros_like(items, dtype=torch.bool)
    again[:, 1:] = (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] > 0)
    return torch.zeros_like(again).scatter_(1, order, again)


def _excluded(items: Tensor, queries: Queries, rules: Rules) -> tuple[Tensor, Tensor]:
    """Return which slots hold an item that nobody may get, and which hold one that this user has seen, each `[Q, K]` bool."""
    never = (items > 0) & ~torch.from_numpy(rules.eligible)[items]
    seen = [torch.zeros_like(items, dtype=torch.bool)[:0]]
    for start in range(0, len(items), BLOCK):
        block = queries[start : start + BLOCK].blind()
        excluded = rules.exclusions(block)
        seen.append(excluded.violated(items[start : start + BLOCK]))
    return never, torch.cat(seen) & ~never
