"""What a network is trained for: the examples it sees, the question it is asked, and the loss that the parameters name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from zoo.data.batches import Examples, PairBatches, SequenceBatches, hidden_items, next_item
from zoo.data.interactions import Interactions
from zoo.data.queries import Queries, QueryBatch
from zoo.nn.items import ItemTable
from zoo.nn.losses.bce import bce
from zoo.nn.losses.bpr import bpr
from zoo.nn.losses.bpr_max import bpr_max
from zoo.nn.losses.gbce import gbce
from zoo.nn.losses.sampled_softmax import sampled_softmax
from zoo.nn.losses.softmax import softmax
from zoo.nn.negatives import Sampler
from zoo.params import NeuralParams

Loss = Callable[[Tensor, ItemTable, Tensor], Tensor]
"""From vectors `[N, D]`, the item table and targets `[N]` to a number."""


class Objective(ABC):
    """Two things that belong together: what a network is shown in training, and how it is asked afterwards.

    Both are a `QueryBatch`, of which an encoder makes a vector for each position. In training the vectors at the
    positions that have a target are to give that item; a question is read at the last position of each row.
    """

    @abstractmethod
    def examples(self, log: Interactions, batch_size: int, rng: np.random.Generator) -> Examples:
        """Return the training batches of a log; empty where there is nothing to learn from."""

    @abstractmethod
    def question(self, queries: Queries, device: torch.device) -> QueryBatch:
        """Return queries as the encoder reads them."""

    def answerable(self, question: QueryBatch) -> Tensor:
        """Return which queries tell the encoder something, `[B]` bool; the others get the most popular items."""
        return question.items[:, 0] > 0


@dataclass(frozen=True)
class NextItem(Objective):
    """The vector at each position gives the item that came next: for encoders that read from left to right."""

    length: int

    def examples(self, log: Interactions, batch_size: int, rng: np.random.Generator) -> Examples:
        """Return the last `length + 1` events of each user that has two."""
        return SequenceBatches(log, self.length + 1, batch_size, rng, next_item)

    def question(self, queries: Queries, device: torch.device) -> QueryBatch:
        """Return the last `length` events of each history."""
        return queries.batch(self.length, device)


@dataclass(frozen=True)
class MaskedItem(Objective):
    """The vector at a hidden position gives the item that was there: for encoders that read in both directions.

    `QueryBatch.masked` says which positions are hidden; their item is 0, and the encoder puts a vector of its own there.
    A question has one hidden position more than its history, after the last event; a share `last_share` of the sequences
    is shown like that, with nothing but the last item hidden.
    """

    length: int
    rate: float
    last_share: float = 0.0

    def examples(self, log: Interactions, batch_size: int, rng: np.random.Generator) -> Examples:
        """Return the last `length` events of each user that has two: a share `rate` of them hidden, or the last alone."""
        hide = partial(hidden_items, rate=self.rate, rng=rng, last_share=self.last_share)
        return SequenceBatches(log, self.length, batch_size, rng, hide)

    def question(self, queries: Queries, device: torch.device) -> QueryBatch:
        """Return the last `length - 1` events of each history, and a hidden position after them."""
        return queries.batch(self.length - 1, device).with_hidden_end()


@dataclass(frozen=True)
class UserItem(Objective):
    """The vector of a user gives each item that the user took: for models without an order of events."""

    def examples(self, log: Interactions, batch_size: int, rng: np.random.Generator) -> Examples:
        """Return every event as a pair of user and item, in random order."""
        return PairBatches(log, batch_size, rng)

    def question(self, queries: Queries, device: torch.device) -> QueryBatch:
        """Return the users; of their histories no more than the last event."""
        return queries.batch(1, device)

    def answerable(self, question: QueryBatch) -> Tensor:
        """Return which queries come from a user of training."""
        return question.users > 0


def loss_of(params: NeuralParams, counts: Tensor, generator: torch.Generator) -> Loss:
    """Return the loss that the parameters name, with its negatives.

    Args:
        params: Name the loss and how negatives are drawn.
        counts: How often each item occurs in training, `[I]`.
        generator: Draws the negatives.
    """
    if params.loss == "softmax":
        return partial(softmax, temperature=params.temperature)
    sampler = Sampler(counts, params.negatives, params.negative_sampling, generator)
    losses: dict[str, Callable[..., Tensor]] = {
        "sampled-softmax": partial(sampled_softmax, temperature=params.temperature, logq=params.logq),
        "gbce": gbce,
        "bpr": bpr,
        "bpr-max": bpr_max,
        "bce": bce,
    }
    return partial(_sampled, losses[params.loss], sampler)


def _sampled(
    loss: Callable[..., Tensor], sampler: Sampler, hidden: Tensor, items: ItemTable, targets: Tensor
) -> Tensor:
    """Return a loss against negatives drawn for the batch."""
    return loss(hidden, items, targets, sampler.draw(targets))
