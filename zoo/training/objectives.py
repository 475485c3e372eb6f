"""What a network is trained for: the examples it sees, the question it is asked, and the loss that the parameters name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module

import numpy as np
import torch
from torch import Tensor

from zoo.data.batches import Examples, PairBatches, SequenceBatches, hidden_items, next_item
from zoo.data.interactions import Interactions
from zoo.data.queries import Queries, QueryBatch
from zoo.errors import ConfigError, PluginError, suggestion
from zoo.losses import LOSSES, LossSpec
from zoo.neural_params import NeuralParams
from zoo.nn.items import ItemTable
from zoo.nn.negatives import Sampler

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


def loss_of(
    params: NeuralParams, counts: Tensor, generator: torch.Generator, losses: Mapping[str, LossSpec] = LOSSES
) -> Loss:
    """Return the loss that the parameters name, with its negatives.

    Args:
        params: Name the loss and how negatives are drawn.
        counts: How often each item occurs in training, `[I]`.
        generator: Draws the negatives.
        losses: Those that may be named.

    Raises:
        ConfigError: There is no such loss.
        PluginError: Its function cannot be imported.
    """
    spec = losses.get(params.loss)
    if spec is None:
        raise ConfigError(
            f"loss: no loss {params.loss!r} in this context.{suggestion(params.loss, losses)} Known: {', '.join(losses)}. "
            "Give `RunContext` the losses of a registry: training=TrainingEnvironment(losses=registry.losses)."
        )
    loss = partial(_function_of(spec), **params.model_dump(include=set(spec.options)))
    if not spec.sampled:
        return loss
    return partial(_sampled, loss, Sampler(counts, params.negatives, params.negative_sampling, generator))


def _function_of(spec: LossSpec) -> Callable[..., Tensor]:
    """Import the function of a loss.

    Raises:
        PluginError: Its module cannot be imported, or has no such function.
    """
    module, _, name = spec.target.partition(":")
    try:
        return getattr(import_module(module), name)  # type: ignore[no-any-return]
    except Exception as error:  # a stranger's module may raise anything
        raise PluginError(
            f"the loss {spec.name!r}: its function {spec.target!r} cannot be imported ({type(error).__name__}: {error}). "
            "Correct the `target` of its LossSpec, or install what its module needs."
        ) from error


def _sampled(
    loss: Callable[..., Tensor], sampler: Sampler, hidden: Tensor, items: ItemTable, targets: Tensor
) -> Tensor:
    """Return a loss against negatives drawn for the batch."""
    return loss(hidden, items, targets, sampler.draw(targets))
