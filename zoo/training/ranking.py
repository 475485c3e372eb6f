"""What a neural ranker need not write: inputs, batches of lists, training, choosing epochs, scoring, saving."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeVar

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
from zoo.stages.ranking import RankingData, places, refuse_other_columns
from zoo.stages.stage import State
from zoo.trained import Trained
from zoo.training.lists import BLOCK, ListBatch, ListExamples, ListValidator, ReadLists
from zoo.training.loop import train
from zoo.training.module import restore, weights

P = TypeVar("P", bound=NeuralRankerParams)


class RankerNetwork(nn.Module):
    """What makes inputs of features, and the scorer that reads them: what is trained and saved."""

    def __init__(self, inputs: ListInputs, scorer: nn.Module) -> None:
        super().__init__()
        self.inputs, self.scorer = inputs, scorer

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        """Return scores `[B, K]` of features `[B, K, F]`."""
        scores: Tensor = self.scorer(self.inputs(features, mask), mask)
        return scores


class ListLesson(nn.Module):
    """A scorer with its loss: what the trainer steps."""

    def __init__(self, scorer: nn.Module, loss: Callable[[Tensor, Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.scorer, self._loss = scorer, loss

    def loss(self, batch: ListBatch) -> Tensor:
        """Return the loss of a batch of lists."""
        return self._loss(self.scorer(batch.inputs, batch.mask).float(), batch.labels, batch.mask)


class NeuralRanker(Ranker[P]):
    """A ranker of which a plugin writes the loss, and perhaps the scorer, and the core does the rest.

    Where `context.epochs` does not say how long to train, NDCG@`cutoff` on the data's validation lists decides, and the
    best weights are kept. Without such lists a share of the lists is held out first; the number of epochs after which
    these are ranked best is then trained on all.
    """

    fitted = ("network", "columns", "ignored")
    network: RankerNetwork
    columns: list[str]

    @abstractmethod
    def loss(self, scores: Tensor, labels: Tensor, mask: Tensor) -> Tensor:
        """Return the loss of lists as a number; lower is better.

        Args:
            scores: `[B, K]` float32.
            labels: Grades from 0, `[B, K]` float32; a list has two that differ.
            mask: Which slots hold a candidate, `[B, K]` bool.
        """

    def build(self, width: int) -> nn.Module:
        """Return the scorer, `forward(inputs [B, K, W], mask [B, K]) -> [B, K]`; by default the one the parameters name.

        A permutation of a list must permute its scores, and padded slots must change none.
        """
        return scorer(self.params, width)

    def pretrain(self, scorer: nn.Module, examples: ListExamples, context: RunContext) -> None:
        """Teach a fresh scorer what can be learned without labels; nothing by default.

        Args:
            scorer: As `build` made it; trained in place.
            examples: All lists, labelled or not.
            context: Of the fit.
        """

    def learn(self, lesson: nn.Module, examples: ListExamples, context: RunContext, epochs: int) -> None:
        """Step a module that has `loss(batch: ListBatch)` through lists, as the core trains all networks.

        Raises:
            TrainingError: The loss is no number any more.
        """
        made_of = self.params.model_dump(mode="json")
        name = f"{type(self).__name__}-{type(lesson).__name__}"
        train(lesson, examples, replace(context, epochs=epochs), name, streams=(examples.rng,), params=made_of)

    def fit(self, data: RankingData, context: RunContext) -> None:
        """Train the scorer.

        Raises:
            DataError: A feature is infinite.
            TrainingError: No list has two labels that differ, or the loss is no number any more.
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
            default=min(context.training.settings.max_epochs, DEFAULT_EPOCHS),
            keep_validated=data.validation is not None,
        )

    def score(self, lists: CandidateLists) -> Tensor:
        """Return the network's scores, `[B, K]`.

        Raises:
            ScoreError: The lists have other features than those of the fit, or one is infinite.
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
        """Return the weights, the names of the features, and how the training went."""
        inputs = self.network.inputs
        sizes = {"features": len(inputs.mean), "gaps": len(inputs.gaps)}
        values = {"sizes": sizes, "columns": self.columns, "ignored": self.ignored, **self._training()}
        return State(weights(self.network), values)

    def load_state(self, state: State) -> None:
        """Build the network for the sizes saved, and take the weights."""
        sizes = state.values["sizes"]
        self.columns, self.ignored = state.values["columns"], state.values["ignored"]
        self.trained = Trained.of_json(state.values)
        inputs = ListInputs(sizes["features"], sizes["gaps"], self.params.inputs)
        with torch.random.fork_rng(devices=[]):  # what it draws is overwritten
            self.network = RankerNetwork(inputs, self.build(inputs.width)).eval()
        restore(self.network, state.tensors)

    def _check_features(self, data: RankingData) -> None:
        """Refuse features that no scale fits.

        Raises:
            DataError: One is infinite.
        """
        infinite = data.features.isinf().any(0)
        if infinite.any():
            column = _named(data.columns, infinite)
            at = int(data.features[:, data.columns.index(column)].isinf().nonzero()[0])
            raise DataError(
                f"{type(self).__name__}: the ranking feature {column!r} is infinite (list {int(data.list_of[at]) + 1} of "
                f"{len(data):,}): expected finite numbers, or NaN where one is missing. Mend the column."
            )

    def _train_validated(self, inputs: ListInputs, data: RankingData, context: RunContext) -> Trained | None:
        """Train until the validation lists, or a held-out share, are ranked no better; None where there are too few."""
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
        """Train a fresh network on lists; where there are lists to choose by, until these are ranked no better."""
        p, label = self.params, type(self).__name__
        rng = context.rng(f"{label}/lists")
        with context.seeded(f"{label}/init"):
            self.network = RankerNetwork(inputs, self.build(inputs.width)).to(context.device)
        settings = context.training.settings
        size = math.ceil(settings.batch_size / settings.devices)
        lists = self._read(data)
        examples = ListExamples(lists, np.flatnonzero(data.decided), size, rng)
        everything = ListExamples(lists, np.arange(len(data)), size, rng)
        before = context.for_training(phase="pretraining").below(f"{name}-pretraining")
        self.pretrain(self.network.scorer, everything, before)
        self.network.train()  # what was trained before is left in evaluation mode
        validate = None
        if chosen is not None:
            validate = ListValidator(self.network.scorer, self._read(chosen), p.cutoff, context.device)
        lesson, made_of = ListLesson(self.network.scorer, self.loss), p.model_dump(mode="json")
        monitor = f"ndcg@{p.cutoff}"
        trained = train(lesson, examples, context, name, validate, streams=(rng,), params=made_of, monitor=monitor)
        self.network.eval()
        return trained

    def _read(self, data: RankingData) -> ReadLists:
        """Return lists with what the scorer reads of them: made once, since no training changes it."""
        inputs = self.network.inputs
        made = torch.zeros(len(data.items), inputs.width)
        order = np.argsort(data.lengths, kind="stable")
        with torch.no_grad():
            for start in range(0, len(order), BLOCK):
                place, mask = places(data.offsets, order[start : start + BLOCK])
                features = data.features[place].to(inputs.mean.device)
                made[place[mask]] = inputs(features, mask.to(features.device)).cpu()[mask]
        told = data.labels * torch.from_numpy(np.repeat(data.labelled, data.lengths))
        return ReadLists(made, told, data.offsets)


def _named(columns: tuple[str, ...], chosen: Tensor) -> str:
    """Return the name of the first column that is chosen, `[F]` bool."""
    return columns[int(chosen.nonzero()[0])]
