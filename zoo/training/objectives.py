"""Training objectives: the training examples, the input at inference, and the loss that the parameters select."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, cast

import numpy as np
import torch
from torch import Tensor

from zoo.data.batches import Examples, NextMomentBatches, PairBatches, SequenceBatches, hidden_items, next_item
from zoo.data.interactions import Interactions
from zoo.data.queries import Queries, QueryBatch
from zoo.data.windows import Windows
from zoo.errors import ConfigError, TrainingError, suggestion
from zoo.neural_params import NeuralParams
from zoo.nn.items import ItemTable
from zoo.nn.negatives import Negatives, Sampler, Sampling
from zoo.registry.plugin_extensions import import_target
from zoo.sampler_specs import SAMPLERS, SamplerSpec
from zoo.stages.context import TrainingEnvironment

Loss = Callable[[Tensor, ItemTable, Tensor], Tensor]
"""Maps vectors `[N, D]`, the item table and targets `[N]` to a scalar."""


class Objective(ABC):
    """Defines the training examples of a network and its matching input at inference.

    Both are a `QueryBatch`, for which an encoder returns a vector at each position. In training, the vectors at positions
    with a target predict that item; at inference, the vector at the last position of each row is used.

    Attributes:
        largest_batch: The largest `batch_size` that the amount of data chooses.
    """

    largest_batch: ClassVar[int] = 256

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Accept the method names of plugin API 1: `question` and `answerable`."""
        super().__init_subclass__(**kwargs)
        for old, new in (("question", "inference_batch"), ("answerable", "has_context")):
            if old in vars(cls) and new not in vars(cls):
                setattr(cls, new, vars(cls)[old])

    @abstractmethod
    def examples(self, log: Interactions, batch_size: int, rng: np.random.Generator) -> Examples:
        """Return the training batches of a log; empty if it has no training examples."""

    @abstractmethod
    def inference_batch(self, queries: Queries, device: torch.device) -> QueryBatch:
        """Return the encoder input for queries."""

    def has_context(self, batch: QueryBatch) -> Tensor:
        """Return which queries have input for the encoder, `[B]` bool; the others get the most popular items."""
        return batch.items[:, 0] > 0


@dataclass(frozen=True)
class NextItem(Objective):
    """Each position predicts the next item: for causal encoders."""

    length: int
    windows: Windows = "last"

    def examples(self, log: Interactions, batch_size: int, rng: np.random.Generator) -> Examples:
        """Return sequences of up to `length` events, each of which is asked for the next one.

        Where several events of a user happened at one moment, each is asked for an event of the next moment.
        """
        if log.has_ties:
            return NextMomentBatches(log, self.length, batch_size, rng, windows=self.windows)
        return SequenceBatches(log, self.length + 1, batch_size, rng, next_item, windows=self.windows)

    def inference_batch(self, queries: Queries, device: torch.device) -> QueryBatch:
        """Return the last `length` events of each history."""
        return queries.batch(self.length, device)


@dataclass(frozen=True)
class MaskedItem(Objective):
    """Each masked position predicts its item: for bidirectional encoders.

    `QueryBatch.masked` marks the masked positions; their item is 0, and the encoder inserts its mask vector there. At
    inference a masked position follows the last event. To match this, in a share `last_share` of the training sequences
    only the last item is masked.
    """

    length: int
    rate: float
    last_share: float = 0.0
    windows: Windows = "last"

    def examples(self, log: Interactions, batch_size: int, rng: np.random.Generator) -> Examples:
        """Return sequences of up to `length` events of each user that has two; a share `rate`, or only the last, is masked.

        Where several events of a user happened at one moment, they are masked together.
        """
        hide = partial(hidden_items, rate=self.rate, rng=rng, last_share=self.last_share, moments=log.has_ties)
        return SequenceBatches(log, self.length, batch_size, rng, hide, windows=self.windows)

    def inference_batch(self, queries: Queries, device: torch.device) -> QueryBatch:
        """Return the last `length - 1` events of each history, followed by a masked position."""
        return queries.batch(self.length - 1, device).with_hidden_end()


@dataclass(frozen=True)
class UserItem(Objective):
    """Each user vector predicts the items of the user: for models that ignore the order of events."""

    largest_batch = 1024

    def examples(self, log: Interactions, batch_size: int, rng: np.random.Generator) -> Examples:
        """Return every event as a pair of user and item, in random order."""
        return PairBatches(log, batch_size, rng)

    def inference_batch(self, queries: Queries, device: torch.device) -> QueryBatch:
        """Return the users, with only the last event of their histories."""
        return queries.batch(1, device)

    def has_context(self, batch: QueryBatch) -> Tensor:
        """Return which queries come from a training user."""
        return batch.users > 0


def loss_of(
    params: NeuralParams,
    counts: Tensor,
    generator: torch.Generator,
    environment: TrainingEnvironment | None = None,
) -> Loss:
    """Return the loss that the parameters select, with its negative sampler.

    Args:
        params: Select the loss and the negative sampling.
        counts: Training events of each item, `[I]`.
        generator: Random generator for the negatives.
        environment: The available losses and samplers; those of the core by default.

    Raises:
        ConfigError: There is no loss or no sampler with this name.
        PluginError: The function of the loss or the class of the sampler cannot be imported.
    """
    environment = environment or TrainingEnvironment()
    losses = environment.losses
    spec = losses.get(params.loss)
    if spec is None:
        raise ConfigError(
            f"loss: no loss {params.loss!r} in this context.{suggestion(params.loss, losses)} Known: {', '.join(losses)}. "
            "Give `RunContext` the losses of a registry: training=TrainingEnvironment(losses=registry.losses)."
        )
    loss = partial(
        import_target(spec.target, f"the loss {spec.name!r}"), **params.model_dump(include=set(spec.options))
    )
    if not spec.sampled:
        return loss
    return partial(_sampled, loss, _sampler_of(params, counts, generator, environment.samplers))


def _sampler_of(
    params: NeuralParams, counts: Tensor, generator: torch.Generator, samplers: Mapping[str, SamplerSpec]
) -> Any:
    """Return the negative sampler that the parameters select.

    Raises:
        ConfigError: There is no sampler with this name.
        PluginError: Its class cannot be imported.
    """
    name = params.negative_sampling
    if name in SAMPLERS:
        return Sampler(counts, params.negatives, cast(Sampling, name), generator)
    if name not in samplers:
        raise ConfigError(
            f"negative_sampling: no sampler {name!r} in this context.{suggestion(name, samplers)} Known: "
            f"{', '.join(samplers)}. Give `RunContext` the samplers of a registry: "
            "training=TrainingEnvironment(samplers=registry.samplers)."
        )
    target = import_target(samplers[name].target, f"the sampler {name!r}")
    return target(counts, params.negatives, generator)


def _sampled(loss: Callable[..., Tensor], sampler: Any, hidden: Tensor, items: ItemTable, targets: Tensor) -> Tensor:
    """Return a loss with negatives drawn for the batch.

    Raises:
        TrainingError: A plugin's sampler does not return `Negatives`.
    """
    negatives = sampler.draw(targets)
    if not isinstance(negatives, Negatives):
        raise TrainingError(
            f"`draw` of the sampler {type(sampler).__name__} returned {type(negatives).__name__}, expected "
            "zoo.nn.Negatives(items [K] int64, log_q [K] float32)"
        )
    return loss(hidden, items, targets, negatives)
