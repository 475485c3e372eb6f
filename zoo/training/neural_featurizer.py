"""The base class of neural text encoders: tokenizer, training pairs, training, item features, saving."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from zoo.data.catalogue import Catalogue
from zoo.data.interactions import Interactions
from zoo.data.texts import Texts
from zoo.errors import TrainingError
from zoo.neural_params import NeuralTextParams
from zoo.stages.context import RunContext
from zoo.stages.epochs import DEFAULT_EPOCHS, choose_epochs
from zoo.stages.featurizer import Featurizer
from zoo.stages.item_features import ItemFeatures
from zoo.stages.stage import State, TrainingData
from zoo.trained import TRAINING, Trained
from zoo.training.loop import train
from zoo.training.module import restore, weights
from zoo.training.pair_validation import PairValidator
from zoo.training.pairs import Neighbours, PairBatch, PairExamples, sample_distinct
from zoo.training.tokenizer import Tokenizer

P = TypeVar("P", bound=NeuralTextParams)
HELD_OUT = 0.1
"""Share of the items held out for early stopping."""
QUESTIONS = 2_000
"""Maximum number of held-out pairs for validation."""
BLOCK = 1_024
"""Texts to encode at a time."""
MIN_HELD_OUT = 20
"""Minimum number of held-out items; with fewer, nothing is held out."""


class PairTrainingStep(nn.Module):
    """An encoder with its contrastive loss: retrieve the second item of a pair among the items of the batch.

    A softmax over cosines with logQ correction (Yi et al., RecSys 2019). Each candidate appears once per batch, and no
    item is its own negative.
    """

    def __init__(self, network: nn.Module, temperature: float, *, logq: bool) -> None:
        super().__init__()
        self.network, self.temperature, self.logq = network, temperature, logq

    def loss(self, batch: PairBatch) -> Tensor:
        """Return the mean of -log p(second item | first item)."""
        vectors = normalize(self.network(batch.texts).float(), dim=1)
        with torch.autocast(vectors.device.type, enabled=False):
            scores = vectors[batch.left] @ vectors[batch.candidates].T / self.temperature
        if self.logq:
            own = torch.arange(len(batch.log_q), device=scores.device) == batch.right[:, None]
            scores = scores - torch.where(own, 0.0, batch.log_q)
        return cross_entropy(scores.masked_fill(batch.itself, -torch.inf), batch.right)


class NeuralFeaturizer(Featurizer[P]):
    """A featurizer for which a plugin implements only the text encoder.

    The encoder learns to place items close together that occur within a few events in a history, so that the text of a new
    item is close to the items its buyers take. Unless `context.epochs` is set, early stopping on a held-out tenth of the
    items chooses the number of epochs by NDCG@10 among the held-out items; the encoder then trains on all items for that
    number. Vectors have norm 1; an item without a text has a zero vector.
    """

    fitted = ("network", "tokenizer")
    network: nn.Module
    tokenizer: Tokenizer

    @abstractmethod
    def build(self, tokens: int) -> nn.Module:
        """Return the encoder, `forward(batch: TextBatch) -> [N, D]`, for token numbers below `tokens`.

        The vector of a text must not depend on its padding, nor on the other texts of the batch.
        """

    def fit(self, data: TrainingData, context: RunContext) -> None:
        """Train the tokenizer on the texts of the training items, and the encoder on pairs of items from one history.

        Raises:
            DataError: No training item has a text.
            TrainingError: No user has two items with a text, or the loss is not finite.
        """
        p, name = self.params, type(self).__name__
        texts = data.texts(p.columns)
        self.tokenizer = Tokenizer.learned([t for t, known in zip(texts, data.known, strict=True) if known], p.tokens)
        tokenized = self.tokenizer(texts, p.text_length)
        usable = data.known & (tokenized.lengths > 0)
        neighbours = Neighbours(data.interactions, p.window, usable)
        if len(np.unique(neighbours.items)) < 2:
            raise TrainingError(
                f"{name}: no user took two items with a text, so there is nothing to learn from. Use `tf-idf`."
            )
        self.trained = choose_epochs(
            context,
            partial(self._train_validated, data.interactions, tokenized, usable),
            partial(self._train, neighbours, tokenized, name=name),
            default=min(context.training.settings.filled().max_epochs, DEFAULT_EPOCHS),
        )

    def transform(self, catalogue: Catalogue) -> ItemFeatures:
        """Return the vectors of the items' texts, `[I, D]`; zeros for an item without a text."""
        texts = self.tokenizer(catalogue.texts(self.params.columns), self.params.text_length)
        vectors = self._vectors(texts, next(self.network.parameters()).device).cpu()
        name = type(self).__name__.lower()
        return ItemFeatures(vectors, tuple(f"{name}-{i}" for i in range(vectors.shape[1])))

    def state(self) -> State:
        """Return the encoder's weights and the tokenizer."""
        values = {"tokenizer": self.tokenizer.json, **self._training()}
        return State(weights(self.network), values)

    def state_schema(self) -> dict[str, Any]:
        """Return the form of the entries; the weights have the shapes of the network that `build` returns."""
        return {"tokenizer": str, **TRAINING, "*": "any"}

    def load_state(self, state: State) -> None:
        """Build the encoder for the saved tokenizer and restore its weights."""
        self.tokenizer = Tokenizer.of_json(state.values["tokenizer"])
        self.trained = Trained.of_json(state.values)
        with torch.random.fork_rng(devices=[]):  # what it draws is overwritten
            self.network = self.build(self.tokenizer.size).eval()
        restore(self.network, state.tensors)

    def _train_validated(
        self, log: Interactions, texts: Texts, usable: NDArray[np.bool_], context: RunContext
    ) -> Trained | None:
        """Train without the held-out items, validating on them; return None if there are too few."""
        name, rng = f"{type(self).__name__}-held-out", context.rng(f"{type(self).__name__}/held-out")
        held = usable & (rng.random(len(usable)) < HELD_OUT)
        everything, rest = (Neighbours(log, self.params.window, items) for items in (usable, usable & ~held))
        among_held = np.flatnonzero(held[everything.items])
        questions = among_held[sample_distinct(len(among_held), QUESTIONS, rng)]
        right, left = everything.draw(questions, rng)
        among = np.flatnonzero(held)
        if min(len(among), len(right), len(np.unique(rest.items))) < MIN_HELD_OUT:
            return None

        needed = np.union1d(left, among)
        encode = partial(self._vectors, texts.of(needed), context.device)
        validate = PairValidator(encode, needed, among, left, right)
        return self._train(rest, texts, context, name, validate)

    def _train(
        self,
        neighbours: Neighbours,
        texts: Texts,
        context: RunContext,
        name: str,
        validate: Callable[[], float] | None = None,
    ) -> Trained:
        """Train a new encoder on pairs."""
        p, rng = self.params, context.rng(f"{type(self).__name__}/pairs")
        with context.seeded(f"{type(self).__name__}/init"):
            self.network = self.build(self.tokenizer.size).to(context.device)
        settings = context.training.settings.filled()
        size = math.ceil(settings.batch_size / settings.devices)
        examples = PairExamples(neighbours, texts, p.epoch_pairs, size, rng)
        step = PairTrainingStep(self.network, p.temperature, logq=p.logq)
        params = p.model_dump(mode="json")
        return train(step, examples, context, name, validate, streams=(rng,), params=params, monitor="pair-ndcg@10")

    def _vectors(self, texts: Texts, device: torch.device) -> Tensor:
        """Return the vectors of all texts, `[I, D]`, with the current weights."""
        vectors: Tensor | None = None
        with torch.no_grad():
            for items in texts.blocks(BLOCK):
                found = normalize(self.network(texts.batch(items).to(device)).float(), dim=1)
                if vectors is None:
                    vectors = found.new_zeros(len(texts.lengths), found.shape[1])
                vectors[torch.from_numpy(items)] = found
        if vectors is None:
            vectors = torch.zeros(len(texts.lengths), self.params.text_dim, device=device)
        return vectors
