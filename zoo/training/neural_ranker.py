"""The base class of neural rankers: inputs, batches of lists, training, early stopping, scoring, saving."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Annotated, Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from zoo.errors import DataError, ScoreError
from zoo.neural_params import NeuralRankerParams
from zoo.nn.lists import ListInputs
from zoo.nn.scorers import scorer
from zoo.stages.candidates import CandidateLists
from zoo.stages.context import RunContext
from zoo.stages.epochs import DEFAULT_EPOCHS, choose_epochs
from zoo.stages.ranker import Ranker
from zoo.stages.ranking_data import RankingData, places, refuse_other_columns
from zoo.stages.stage import State
from zoo.trained import TRAINING, Trained
from zoo.training.list_batches import BLOCK, ListBatch, ListExamples, ListValidator, ReadLists
from zoo.training.loop import train
from zoo.training.module import restore, weights

P = TypeVar("P", bound=NeuralRankerParams)


class RankerNetwork(nn.Module):
    """The trained and saved network: the input normalisation and the scorer."""

    def __init__(self, inputs: ListInputs, scorer: nn.Module) -> None:
        super().__init__()
        self.inputs, self.scorer = inputs, scorer

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        """Return scores `[B, K]` for features `[B, K, F]`."""
        scores: Tensor = self.scorer(self.inputs(features, mask), mask)
        return scores


class ListTrainingStep(nn.Module):
    """A scorer with its loss, the module that the trainer optimises."""

    def __init__(self, scorer: nn.Module, loss: Callable[[Tensor, Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.scorer, self._loss = scorer, loss

    def loss(self, batch: ListBatch) -> Tensor:
        """Return the loss of a batch of lists."""
        return self._loss(self.scorer(batch.inputs, batch.mask).float(), batch.labels, batch.mask)


class NeuralRanker(Ranker[P]):
    """A ranker for which a plugin implements the loss, and optionally the scorer.

    Unless `context.epochs` is set, early stopping by NDCG@`cutoff` on the validation lists chooses the number of epochs and
    keeps the best weights. Without validation lists, a share of the lists is held out for early stopping; the ranker then
    trains on all lists for the chosen number of epochs.
    """

    fitted = ("network", "columns", "ignored")
    network: RankerNetwork
    columns: list[str]

    @abstractmethod
    def loss(self, scores: Tensor, labels: Tensor, mask: Tensor) -> Tensor:
        """Return the loss of lists as a number; lower is better.

        Args:
            scores: `[B, K]` float32.
            labels: Grades from 0, `[B, K]` float32; each list has at least two different grades.
            mask: Which slots hold a candidate, `[B, K]` bool.
        """

    def build(self, width: int) -> nn.Module:
        """Return the scorer, `forward(inputs [B, K, W], mask [B, K]) -> [B, K]`; by default the one the parameters select.

        It must be permutation equivariant, and padded slots must not affect other scores.
        """
        return scorer(self.params, width)

    def pretrain(self, scorer: nn.Module, examples: ListExamples, context: RunContext) -> None:
        """Pretrain the scorer without labels; by default this does nothing.

        Args:
            scorer: The scorer that `build` returned; trained in place.
            examples: All lists, labelled or not.
            context: The context of the fit.
        """

    def learn(self, step: nn.Module, examples: ListExamples, context: RunContext, epochs: int) -> None:
        """Train a module that has `loss(batch: ListBatch)` on lists, with the core's training loop.

        Raises:
            TrainingError: The loss is not finite.
        """
        parameters = self.params.model_dump(mode="json")
        name = f"{type(self).__name__}-{type(step).__name__}"
        train(step, examples, replace(context, epochs=epochs), name, streams=(examples.rng,), params=parameters)

    def fit(self, data: RankingData, context: RunContext) -> None:
        """Train the scorer.

        Raises:
            DataError: A feature is infinite.
            TrainingError: No list is informative, or the loss is not finite.
        """
        name, p = type(self).__name__, self.params
        self._check_features(data)
        data.refuse_undecided(name)
        inputs = ListInputs.of(data.features, p.inputs)
        self.columns = list(data.columns)
        self.ignored = [c for c, steady in zip(data.columns, inputs.steady.tolist(), strict=True) if steady]
        context = context.for_training(settings=context.training.settings.model_copy(update=p.training()))
        self.trained = choose_epochs(
            context,
            partial(self._train_validated, inputs, data),
            partial(self._train, inputs, data, name=f"{name}-on-all"),
            default=min(context.training.settings.filled().max_epochs, DEFAULT_EPOCHS),
            keep_validated=data.validation is not None,
        )

    def score(self, lists: CandidateLists) -> Tensor:
        """Return the network's scores, `[B, K]`.

        Raises:
            ScoreError: The lists have different features from those of the fit, or a feature is infinite.
        """
        refuse_other_columns(lists, self.columns, type(self).__name__)
        infinite = lists.features.isinf().any(0).any(0)
        if infinite.any():
            raise ScoreError(
                f"{type(self).__name__}: the ranking feature {_named(lists.columns, infinite)} is infinite."
            )
        device = self.network.inputs.mean.device
        with torch.no_grad():
            scores: Tensor = self.network(lists.features.to(device), lists.mask.to(device))
        return scores.float().cpu()

    def state(self) -> State:
        """Return the weights, the names of the features and the training result."""
        inputs = self.network.inputs
        sizes = {"features": len(inputs.mean), "gaps": len(inputs.gaps)}
        values = {"sizes": sizes, "columns": self.columns, "ignored": self.ignored, **self._training()}
        return State(weights(self.network), values)

    def state_schema(self) -> dict[str, Any]:
        """Return the form of the entries; the scorer's weights have the shapes of the network that `build` returns."""
        return {
            "inputs.mean": "float32 [F]",
            "inputs.scale": "float32 [F]",
            "inputs.gaps": "int64 [G] < F",
            "sizes": {"features": Annotated[int, "F"], "gaps": Annotated[int, "G"]},
            "columns": Annotated[list[str], "F"],
            "ignored": list[str],
            **TRAINING,
            "*": "any",
        }

    def load_state(self, state: State) -> None:
        """Build the network for the saved sizes and restore its weights."""
        sizes = state.values["sizes"]
        self.columns, self.ignored = state.values["columns"], state.values["ignored"]
        self.trained = Trained.of_json(state.values)
        inputs = ListInputs(sizes["features"], sizes["gaps"], self.params.inputs)
        with torch.random.fork_rng(devices=[]):  # what it draws is overwritten
            self.network = RankerNetwork(inputs, self.build(inputs.width)).eval()
        restore(self.network, state.tensors)

    def _check_features(self, data: RankingData) -> None:
        """Check that the features are finite or NaN.

        Raises:
            DataError: A feature is infinite.
        """
        infinite = data.features.isinf().any(0)
        if infinite.any():
            column = _named(data.columns, infinite)
            at = int(data.features[:, data.columns.index(column)].isinf().nonzero()[0])
            raise DataError(
                f"{type(self).__name__}: the ranking feature {column!r} is infinite (list {int(data.list_of[at]) + 1} of "
                f"{len(data):,}): expected finite numbers, or NaN for a missing value. Correct the column."
            )

    def _train_validated(self, inputs: ListInputs, data: RankingData, context: RunContext) -> Trained | None:
        """Train with early stopping on validation or held-out lists; return None if there are too few."""
        name = type(self).__name__
        learned, chosen = data.held_out(self.params.held_out, context.rng(f"{name}/held-out"))
        return None if chosen is None else self._train(inputs, learned, context, name, chosen.where(chosen.decided))

    def _train(
        self,
        inputs: ListInputs,
        data: RankingData,
        context: RunContext,
        name: str,
        chosen: RankingData | None = None,
    ) -> Trained:
        """Train a new network on lists, with early stopping if `chosen` has lists for it."""
        p, label = self.params, type(self).__name__
        rng = context.rng(f"{label}/lists")
        with context.seeded(f"{label}/init"):
            self.network = RankerNetwork(inputs, self.build(inputs.width)).to(context.device)
        settings = context.training.settings.filled()
        size = math.ceil(settings.batch_size / settings.devices)
        lists = self._read(data)
        examples = ListExamples(lists, np.flatnonzero(data.decided), size, rng)
        everything = ListExamples(lists, np.arange(len(data)), size, rng)
        before = context.for_training(phase="pretraining").below(f"{name}-pretraining")
        self.pretrain(self.network.scorer, everything, before)
        self.network.train()  # pretraining leaves the network in evaluation mode
        validate = None
        if chosen is not None:
            validate = ListValidator(self.network.scorer, self._read(chosen), p.cutoff, context.device)
        step, parameters = ListTrainingStep(self.network.scorer, self.loss), p.model_dump(mode="json")
        monitor = f"ndcg@{p.cutoff}"
        trained = train(step, examples, context, name, validate, streams=(rng,), params=parameters, monitor=monitor)
        self.network.eval()
        return trained

    def _read(self, data: RankingData) -> ReadLists:
        """Return the lists with precomputed scorer inputs, which do not change in training."""
        inputs = self.network.inputs
        values = torch.zeros(len(data.items), inputs.width)
        order = np.argsort(data.lengths, kind="stable")
        with torch.no_grad():
            for start in range(0, len(order), BLOCK):
                place, mask = places(data.offsets, order[start : start + BLOCK])
                features = data.features[place].to(inputs.mean.device)
                values[place[mask]] = inputs(features, mask.to(features.device)).cpu()[mask]
        labels = data.labels * torch.from_numpy(np.repeat(data.labelled, data.lengths))
        return ReadLists(values, labels, data.offsets)


def _named(columns: tuple[str, ...], chosen: Tensor) -> str:
    """Return the name of the first column selected by a mask, `[F]` bool."""
    return columns[int(chosen.nonzero()[0])]
