"""The base class of neural predictors: item vectors, batches, training, scoring, saving."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from zoo.data.interactions import Interactions
from zoo.data.queries import Queries
from zoo.errors import ConfigError, TrainingError
from zoo.loss_specs import OWN_LOSS
from zoo.neural_params import NeuralParams
from zoo.nn.items import ItemTable
from zoo.nn.similarity import cosines
from zoo.nn.sparse import of_saved_parts
from zoo.stages.context import RunContext
from zoo.stages.item_features import ItemFeatures
from zoo.stages.predictor import Predictor
from zoo.stages.stage import State, TrainingData
from zoo.trained import TRAINING, Trained
from zoo.training.by_data import Amount, fill, with_saved_rates
from zoo.training.loop import train
from zoo.training.module import restore, weights
from zoo.training.network import Network, Sizes, TrainingStep
from zoo.training.objectives import NextItem, Objective, loss_of

P = TypeVar("P", bound=NeuralParams)
FEATURES = "features"
"""The name of the tensor that holds the item features."""


@dataclass(frozen=True, eq=False)
class PredictorValidator:
    """Calls `RunContext.validate` with a predictor, to evaluate its current weights."""

    validate: Callable[[Predictor[Any]], float]
    predictor: Predictor[Any]

    def __call__(self) -> float:
        """Return the metric."""
        return self.validate(self.predictor)


class NeuralPredictor(Predictor[P]):
    """A predictor for which a plugin implements only the encoder.

    For a query without a history it scores items by their training counts; in the pipeline such a query gets the fallback of the
    experiment, because `neural_capabilities` declares that a network needs a history. `fit` chooses the dropout rates and
    training settings that are not set by the data; `params` then has a value for each rate, and `trained.chosen` says what was
    chosen.
    """

    fitted = ("network", "sizes")
    network: Network
    sizes: Sizes

    def __init__(self, params: P) -> None:
        super().__init__(params)
        self._given_params = params

    @abstractmethod
    def build(self, sizes: Sizes, items: ItemTable) -> nn.Module:
        """Return the encoder: `forward(batch: QueryBatch) -> [B, L, D]`, a vector for each position.

        Histories are right-padded. The vector at a position must not depend on what comes after it, padding included.
        """

    @property
    def objective(self) -> Objective:
        """Return the training objective of the encoder; by default each position predicts the next item."""
        return NextItem(self.params.length, self.params.windows)

    def loss(self, hidden: Tensor, items: ItemTable, targets: Tensor) -> Tensor:
        """Return the loss of a batch, a number. Override for a loss of the model's own, with `loss: Literal["own"]` in its params.

        Args:
            hidden: Vectors at the positions that have a target, `[N, D]`.
            items: The item vectors.
            targets: The target items, `[N]`.
        """
        raise ConfigError(
            f"{type(self).__name__} has no loss of its own: override `loss`, or name a loss in its parameters."
        )

    def fit(self, data: TrainingData, context: RunContext) -> None:
        """Train the encoder and the item vectors.

        Raises:
            TrainingError: No user has two events, or the loss is not finite.
            ConfigError: `sparse_updates` is combined with `clip_norm` or several devices, or item features are missing.
        """
        log, name = data.interactions, type(self).__name__
        context, chosen = self._choose(log, context)
        p = self.params
        if p.sparse_updates and context.training.settings.clip_norm is not None:
            raise ConfigError(
                f"{name}: expected `sparse_updates` or `clip_norm`, found both: the norm of sparse gradients is not "
                "known. Leave one of them out."
            )
        if p.sparse_updates and context.training.settings.devices > 1:
            raise ConfigError(
                f"{name}: expected `sparse_updates` or several `devices`, found both: processes exchange whole gradients. "
                "Leave one of them out."
            )
        order, negatives = context.rng(f"{name}/batches"), context.generator(f"{name}/negatives")
        settings = context.training.settings.filled()
        size = math.ceil(settings.batch_size / settings.devices)
        examples = self.objective.examples(log, size, order)
        if not len(examples):
            raise TrainingError(
                f"{name}: no user has two events in training, at different times, so there is no next item to learn from."
            )
        self.sizes = Sizes(log.n_items, log.n_users, len(log.event_names))
        features = None if data.features is None else data.features.values
        if features is None and not p.ids:
            raise ConfigError(
                f"{name}: expected item features with ids = false, found none. Give the model a `featurizer`."
            )
        with context.seeded(f"{name}/init"):
            self.network = self._built(torch.from_numpy(data.known), features).to(context.device)
        counts = torch.from_numpy(log.counts()).to(context.device)
        self.network.popularity.copy_(_log_counts(counts))
        own = self._has_own_loss()
        step = TrainingStep(self.network, self.loss if own else loss_of(p, counts, negatives, context.training))
        validate = None if context.validate is None else PredictorValidator(context.validate, self)
        params = p.model_dump(mode="json")
        trained = train(step, examples, context, name, validate, streams=(order, negatives), params=params)
        self.trained = replace(trained, chosen=chosen)

    def score(self, queries: Queries) -> Tensor:
        """Return the dot products of each query's last vector with all item vectors, `[B, I]`.

        For a query without context, such as an empty history, items are scored by their training counts.
        """
        with torch.no_grad():
            batch = self.objective.inference_batch(queries, self.network.popularity.device)
            scores = self.network.items.all_logits(self.network.hidden(batch)).float()
            return scores.where(self.objective.has_context(batch)[:, None], self.network.popularity)

    def item_vectors(self) -> Tensor:
        """Return the item vectors, `[I, D]`; zero for items without embedding and features."""
        with torch.no_grad():
            table = self.network.items
            vectors = table.vectors().float()
            unscorable = table.all_logits(table.vectors()[:1])[0] == -torch.inf
            return vectors.masked_fill(unscorable[:, None], 0.0)

    def query_vectors(self, queries: Queries) -> Tensor:
        """Return the last vector of each query, `[B, D]`."""
        with torch.no_grad():
            batch = self.objective.inference_batch(queries, self.network.popularity.device)
            hidden: Tensor = self.network.hidden(batch)
            return hidden.float()

    def compare_items(self, items: Tensor, n_items: int) -> Tensor:
        """Return the cosines of the item vectors, `[B, I]`; -inf for items without embedding and features."""
        with torch.no_grad():
            table = self.network.items
            found = cosines(table.vectors().float(), items)
            unscorable = table.all_logits(table.vectors()[:1]) == -torch.inf
            return found.masked_fill(unscorable, -torch.inf)

    def add_items(self, features: ItemFeatures) -> None:
        """Add new items, whose vectors are the projections of their features."""
        projection = self.network.items.projection
        if projection is None:
            super().add_items(features)
            return
        features.check_width(projection.width)
        new = features.values.shape[0]
        self.network.items.add_items(features.values)
        popularity = self.network.popularity
        self.network.popularity = torch.cat([popularity, _log_counts(popularity.new_zeros(new))])
        self.sizes = replace(self.sizes, n_items=self.sizes.n_items + new)

    grow = add_items
    """The name of `add_items` in plugin API 1, for classes that extend it."""

    def state(self) -> State:
        """Return the weights, the item features if there are any, and the sizes."""
        projection = self.network.items.projection
        features = {} if projection is None else {FEATURES: projection.features}
        values = {"sizes": asdict(self.sizes), **self._training()}
        return State({**weights(self.network), **features}, values)

    def state_schema(self) -> dict[str, Any]:
        """Return the form of the entries; the encoder's weights have the shapes of the network that `build` returns."""
        return {
            "items.known": "bool [I]",
            "items.weight": "float32 [I, D] | none",
            FEATURES: "float32 [I, F] | csr float32 [I, F] | none",
            "popularity": "float32 [I]",
            "sizes": {
                "n_items": Annotated[int, "I - 1"],
                "n_users": Annotated[int, "U"],
                "n_events": Annotated[int, "E"],
            },
            **TRAINING,
            "*": "any",
        }

    def load_state(self, state: State) -> None:
        """Build the network for the saved sizes and restore its weights."""
        self.sizes = Sizes(**state.values["sizes"])
        self.trained = Trained.of_json(state.values)
        self.params = with_saved_rates(self._given_params, self.trained.chosen)
        tensors = {name: tensor.cpu() for name, tensor in state.tensors.items()}
        with torch.random.fork_rng(devices=[]):  # what it draws is overwritten
            self.network = self._built(tensors["items.known"], tensors.get(FEATURES)).eval()
        restore(self.network, tensors)

    def migrate(self, state: State) -> State:
        """Convert item features that an earlier version saved as dense parts to one tensor."""
        if "width" not in state.values:
            return state
        start, values = f"{FEATURES}.", {name: value for name, value in state.values.items() if name != "width"}
        parts = {name.removeprefix(start): part for name, part in state.tensors.items() if name.startswith(start)}
        tensors = {name: tensor for name, tensor in state.tensors.items() if not name.startswith(start)}
        if parts:
            tensors[FEATURES] = of_saved_parts(parts, state.values["width"])
        return State(tensors, values)

    def _choose(self, log: Interactions, context: RunContext) -> tuple[RunContext, dict[str, Any]]:
        """Set `params`, and return a context with all settings, and the values that the data chose."""
        examples = len(self.objective.examples(log, 1, np.random.default_rng(0)))
        self.params, settings, chosen = fill(
            self._given_params,
            context.training.settings,
            Amount(len(log), int((log.counts() > 0).sum()), examples),
            largest_batch=self.objective.largest_batch,
            validated=context.validate is not None,
            earlier=context.training.chosen,
        )
        return context.for_training(settings=settings), chosen

    def _has_own_loss(self) -> bool:
        """Return whether the class overrides `loss`.

        Raises:
            ConfigError: The `loss` parameter contradicts this.
        """
        overrides, name = type(self).loss is not NeuralPredictor.loss, type(self).__name__
        if overrides and self.params.loss != OWN_LOSS:
            raise ConfigError(
                f"{name}: it overrides `loss`, and its parameters say loss = {self.params.loss!r}. Declare "
                f'`loss: Literal["{OWN_LOSS}"] = "{OWN_LOSS}"` in its params, so that reports say by what it is trained.'
            )
        if not overrides and self.params.loss == OWN_LOSS:
            raise ConfigError(
                f"{name}: its parameters say loss = {OWN_LOSS!r}, and it does not override `loss`. Do so."
            )
        return overrides

    def _built(self, known: Tensor, features: Tensor | None) -> Network:
        """Return the untrained network."""
        p = self.params
        items = ItemTable(known, p.dim, sparse=p.sparse_updates, features=features, ids=p.ids)
        return Network(items, self.build(self.sizes, items))


def _log_counts(counts: Tensor) -> Tensor:
    """Return the log of item counts, `[I]`; an item without events comes last."""
    return counts.float().clamp(min=0.5).log()
