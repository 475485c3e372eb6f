"""Training batches: histories of like length, gathered from the log with index arithmetic."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.data.interactions import Interactions
from zoo.data.queries import Queries, QueryBatch

POOL = 20
"""How many batches are sorted by length together: enough for even lengths, few enough for random batches."""


@dataclass(frozen=True, eq=False)
class TrainingBatch:
    """Sequences and what came next.

    Attributes:
        inputs: What the encoder reads, `[B, L]`.
        targets: The item that each position should give, `[B, L]` int64; 0 where nothing is asked.
    """

    inputs: QueryBatch
    targets: Tensor

    def to(self, device: torch.device | str, **options: Any) -> TrainingBatch:
        """Return the batch on a device."""
        return TrainingBatch(self.inputs.to(device, **options), self.targets.to(device, **options))


class SequenceBatches:
    """The users' last events as batches, shuffled anew each epoch, batches of like length.

    Shuffle, cut into pools of about twenty batches, sort each pool by length, shuffle the batches (bucketing as in
    tensor2tensor): padding almost vanishes, and the batches still are random.
    """

    def __init__(self, log: Interactions, length: int, batch_size: int, rng: np.random.Generator) -> None:
        """Cut a log into sequences.

        Args:
            log: The training events.
            length: Positions of the encoder; a user's last `length + 1` events are read.
            batch_size: Sequences in a batch.
            rng: Shuffles.
        """
        rows = np.flatnonzero(log.lengths >= 2)
        self.queries = Queries(log, rows, log.offsets[rows + 1], np.zeros(len(rows), np.int64), rows + 1)
        self.length, self.batch_size, self.rng = length, batch_size, rng
        self.lengths = np.minimum(self.queries.lengths, length + 1)

    def __len__(self) -> int:
        """Return the number of batches of an epoch."""
        return math.ceil(len(self.queries) / self.batch_size)

    def __iter__(self) -> Iterator[TrainingBatch]:
        """Yield the batches of one epoch."""
        for chosen in self._order():
            yield next_item(self.queries.at(chosen).batch(self.length + 1))

    def _order(self) -> list[NDArray[np.int64]]:
        """Return the sequences of each batch."""
        order = self.rng.permutation(len(self.queries))
        pools = np.arange(len(order)) // (POOL * self.batch_size)
        order = order[np.lexsort((self.lengths[order], pools))]
        batches = [order[i : i + self.batch_size] for i in range(0, len(order), self.batch_size)]
        return [batches[i] for i in self.rng.permutation(len(batches))]


def next_item(batch: QueryBatch) -> TrainingBatch:
    """Return sequences `[B, L + 1]` as inputs `[B, L]` and, for every position, the item that came next.

    The last item of each sequence is a target only: it is taken out of the inputs of shorter sequences as well.
    """
    targets = batch.items[:, 1:]
    asked = targets > 0
    items, times, events = (values[:, :-1] * asked for values in (batch.items, batch.times, batch.events))
    inputs = QueryBatch(
        items, times, events, batch.lengths - 1, batch.users, batch.times[:, 1:] * asked, batch.masked[:, :-1]
    )
    return TrainingBatch(inputs, targets)
