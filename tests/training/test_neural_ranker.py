"""The neural ranker of the core: what it learns, chooses, keeps and refuses."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from zoo.errors import DataError, ScoreError, TrainingError
from zoo.neural_params import NeuralRankerParams
from zoo.nn.lists import list_ndcg
from zoo.stages.context import RunContext
from zoo.stages.ranking_data import RankingData
from zoo.trained import Trained
from zoo.training.neural_ranker import ListTrainingStep, NeuralRanker


class Pointwise(NeuralRanker[NeuralRankerParams]):
    """Learns each label by itself."""

    def loss(self, scores: Tensor, labels: Tensor, mask: Tensor) -> Tensor:
        """Return the mean squared error."""
        return (scores - labels)[mask].square().mean()


def lists(n: int = 120, seed: int = 0) -> RankingData:
    """Return lists of 2 to 12 candidates, whose label depends on one of three features, which has gaps; one is constant."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(2, 13, n)
    total = int(lengths.sum())
    features = rng.normal(size=(total, 3)).astype(np.float32)
    labels = (features[:, 1] > 0).astype(np.float32) + (features[:, 1] > 1)
    features[:, 2] = 7.0
    features[rng.random(total) < 0.1, 0] = np.nan
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    of = torch.from_numpy
    return RankingData(
        offsets, torch.arange(1, total + 1), torch.zeros(total), of(features), of(labels), ("a", "b", "c"), None,
        np.ones(n, np.bool_),
    )  # fmt: skip


def quality(ranker: NeuralRanker[Any], data: RankingData) -> float:
    asked = data.where(data.decided).lists()
    assert asked.labels is not None
    return float(list_ndcg(ranker.score(asked), asked.labels, asked.mask, 10).nanmean())


@pytest.mark.parametrize("scorer", ["mlp", "set-attention"])
def test_it_learns_an_order_that_it_was_not_shown(
    scorer: Any, training_seed: int, assert_learned: Callable[..., None]
) -> None:
    params = NeuralRankerParams(scorer=scorer, dim=16, blocks=1)
    ranker = Pointwise(params)
    ranker.fit(lists(), RunContext(training_seed).for_ranker(max_epochs=15, learning_rate=1e-2))

    assert_learned(quality(ranker, lists(seed=1)), above=0.97)
    assert ranker.ignored == ["c"]
    assert ranker.trained is not None
    history = ranker.trained.history
    assert history[ranker.trained.epochs - 1]["value"] == max(at["value"] for at in history)


def test_the_epochs_that_validation_lists_choose_are_kept_with_their_weights() -> None:
    """Validation lists whose labels are upside down: the first epoch is the best, and its weights are not trained on."""
    upside_down = replace(lists(seed=2), labels=2 - lists(seed=2).labels)
    params = NeuralRankerParams(dim=16, blocks=1)
    ranker = Pointwise(params)
    ranker.fit(
        replace(lists(), validation=upside_down), RunContext().for_ranker(max_epochs=6, patience=3, learning_rate=1e-2)
    )

    assert ranker.trained is not None
    assert ranker.trained.epochs == 1
    assert quality(ranker, upside_down) == pytest.approx(ranker.trained.history[0]["value"], abs=1e-6)


def test_the_number_of_epochs_may_be_settled() -> None:
    ranker = Pointwise(NeuralRankerParams(dim=4, blocks=1))
    ranker.fit(lists(), RunContext(epochs=2).for_ranker())

    assert ranker.trained == Trained(2, [], "max_epochs")


def test_lists_without_labels_are_not_learned_from(training_seed: int, assert_learned: Callable[..., None]) -> None:
    """The few lists that have labels are upside down, and so is what is learned."""
    data, few = lists(), np.arange(120) < 40
    labels = torch.where(torch.from_numpy(data.list_of < 40), 2 - data.labels, data.labels)
    ranker = Pointwise(NeuralRankerParams(dim=16, blocks=1))
    context = RunContext(training_seed, epochs=15).for_ranker(learning_rate=1e-2)
    ranker.fit(replace(data, labels=labels, labelled=few), context)

    upside_down = replace(lists(seed=1), labels=2 - lists(seed=1).labels)
    assert_learned(quality(ranker, upside_down), above=0.95)


class Taught(Pointwise):
    """Learns something before the labels, and remembers what it saw."""

    def pretrain(self, scorer: Any, examples: Any, context: RunContext) -> None:
        """Take a step, and look at labels and mode afterwards."""
        self.seen = [batch.labels for batch in examples]
        self.learn(ListTrainingStep(scorer, self.loss), examples, context, 1)

    def loss(self, scores: Tensor, labels: Tensor, mask: Tensor) -> Tensor:
        """Return the mean squared error, and note in which mode the scorer is."""
        self.modes = [*getattr(self, "modes", []), self.network.scorer.training]
        return super().loss(scores, labels, mask)


def test_what_learns_before_the_labels_sees_those_that_are_known_and_none_other() -> None:
    data = replace(lists(), labels=torch.full_like(lists().labels, 2.0))
    few = np.arange(120) < 40
    taught = torch.from_numpy(data.list_of < 40)
    ranker = Taught(NeuralRankerParams(dim=4, blocks=1))
    ranker.fit(
        replace(data, labels=torch.where(taught, lists().labels, 2.0), labelled=few), RunContext(epochs=1).for_ranker()
    )

    assert sum(float(labels.sum()) for labels in ranker.seen) == float(lists().labels[taught].sum())
    assert all(ranker.modes)  # dropout is on before the labels and after


def test_what_was_saved_scores_as_before() -> None:
    params = NeuralRankerParams(scorer="set-attention", dim=8, blocks=1)
    ranker = Pointwise(params)
    ranker.fit(lists(), RunContext(epochs=1).for_ranker())
    again = Pointwise(params)
    again.load_state(ranker.state())

    assert torch.equal(again.score(lists(seed=1).lists()), ranker.score(lists(seed=1).lists()))


def test_an_infinite_feature_is_named() -> None:
    data = lists()
    data.features[5, 1] = torch.inf
    with pytest.raises(DataError, match="the ranking feature 'b' is infinite"):
        Pointwise(NeuralRankerParams()).fit(data, RunContext())


def test_lists_that_teach_no_order_are_an_error() -> None:
    data = lists()
    with pytest.raises(TrainingError, match="none of 120 lists is informative"):
        Pointwise(NeuralRankerParams()).fit(replace(data, labels=torch.zeros_like(data.labels)), RunContext())


def test_other_features_than_those_of_the_fit_are_an_error() -> None:
    ranker = Pointwise(NeuralRankerParams(dim=4, blocks=1))
    ranker.fit(lists(), RunContext(epochs=1).for_ranker())
    with pytest.raises(ScoreError, match="fitted on the ranking features a, b, c, and the lists have a, b"):
        ranker.score(replace(lists().lists(), columns=("a", "b"), features=lists().lists().features[..., :2]))
