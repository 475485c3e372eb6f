"""Lists of candidates as a network reads them, in batches of like length."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from zoo.data.batches import batch_by_length
from zoo.nn.lists import list_ndcg
from zoo.stages.ranking_data import places
from zoo.stages.ranks import RankMean, own_share

BLOCK = 256
"""Lists that are read or scored at a time."""


@dataclass(frozen=True, eq=False)
class ListBatch:
    """Lists as a network reads them.

    Attributes:
        inputs: `[B, K, W]` float32, 0 where padded.
        labels: `[B, K]` float32, 0 where padded.
        mask: Which slots hold a candidate, `[B, K]` bool.
    """

    inputs: Tensor
    labels: Tensor
    mask: Tensor

    def to(self, device: torch.device | str, **options: Any) -> ListBatch:
        """Return the batch on a device."""
        return ListBatch(*(getattr(self, f.name).to(device, **options) for f in fields(self)))


@dataclass(frozen=True, eq=False)
class ReadLists:
    """Lists of which the inputs are made already.

    Attributes:
        inputs: Of all candidates, `[N, W]`.
        labels: `[N]`.
        offsets: Where each list begins and ends, `[Q + 1]`.
    """

    inputs: Tensor
    labels: Tensor
    offsets: NDArray[np.int64]

    def batch(self, rows: NDArray[np.int64]) -> ListBatch:
        """Return some lists, padded to the longest of them."""
        place, mask = places(self.offsets, rows)
        return ListBatch(self.inputs[place] * mask[..., None], self.labels[place] * mask, mask)

    def blocks(self) -> Iterator[ListBatch]:
        """Yield this rank's share of the lists, all where there is one rank, in blocks of like length."""
        order = np.argsort(np.diff(self.offsets), kind="stable")[own_share()]
        for start in range(0, len(order), BLOCK):
            yield self.batch(order[start : start + BLOCK])


class ListExamples:
    """Some lists in batches of like length, shuffled anew each epoch."""

    def __init__(self, lists: ReadLists, rows: NDArray[np.int64], batch_size: int, rng: np.random.Generator) -> None:
        """Take lists.

        Args:
            lists: All of them.
            rows: Those that are gone through, `[R]`.
            batch_size: Lists in a batch.
            rng: Shuffles.
        """
        self.lists, self.rows, self.batch_size, self.rng = lists, rows, batch_size, rng
        self.lengths = np.diff(lists.offsets)[rows]

    def __len__(self) -> int:
        """Return the number of batches of an epoch."""
        return math.ceil(len(self.rows) / self.batch_size)

    def __iter__(self) -> Iterator[ListBatch]:
        """Yield the batches of one epoch."""
        for chosen in batch_by_length(self.lengths, self.batch_size, self.rng):
            yield self.lists.batch(self.rows[chosen])


@dataclass(frozen=True, eq=False)
class ListValidator:
    """Measures NDCG@`cutoff` of lists as a scorer ranks them now: each rank its share, the mean over all.

    Attributes:
        scorer: `forward(inputs [B, K, W], mask [B, K]) -> [B, K]`.
        lists: What it ranks.
        cutoff: The slots of a list that count.
        device: Where the scorer is.
    """

    scorer: nn.Module
    lists: ReadLists
    cutoff: int
    device: torch.device

    def __call__(self) -> float:
        """Return the mean."""
        found = [torch.zeros(0)]
        with torch.no_grad():
            for batch in self.lists.blocks():
                there = batch.to(self.device)
                scores = self.scorer(there.inputs, there.mask).float()
                found.append(list_ndcg(scores, there.labels, there.mask, self.cutoff).cpu())
        values, mean = torch.cat(found), RankMean()
        mean.update(float(values.mean()) * len(values) if len(values) else 0.0, len(values))
        return float(mean.compute())
