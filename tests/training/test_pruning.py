"""A training that a search prunes: when it is asked, and that a resumed training ends where it would have."""

import pytest
import torch

from zoo.config.train import NetworkSettings
from zoo.stages.context import RunContext, TrainingEnvironment
from zoo.stages.stage import TrainingData
from zoo.training.loop import train


class Poor:
    """Prunes a curve whose last value is below .2, and records what it was asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, values):
        self.asked.append(tuple(values))
        return values[-1] < 0.2


@pytest.fixture
def go(cycle, make, tmp_path):
    """Return a function that trains in a folder under a pruner, with values that each epoch will have."""

    def trained(prune, values, *, epochs=None, interrupt=None, folder="run", **settings):
        done = []

        def validate(predictor):
            if len(done) == interrupt:
                raise KeyboardInterrupt
            return values[done[-1] if done else 0]

        context = RunContext(
            3,
            validate=validate,
            epochs=epochs,
            progress=lambda at, total, note="", **_: done.append(at),
            training=TrainingEnvironment(
                settings=NetworkSettings(**{"max_epochs": len(values), "batch_size": 32, **settings}),
                folder=tmp_path / folder,
                prune=prune,
            ),
        )
        predictor = make()
        predictor.fit(TrainingData.of(cycle), context)
        return predictor.trained

    return trained


def test_a_poor_curve_ends_a_training(go):
    prune = Poor()
    found = go(prune, [0.3, 0.4, 0.1, 0.5])
    assert (found.stopped, found.epochs, len(found.history)) == ("pruned", 2, 3)
    assert prune.asked == [(0.3,), (0.3, 0.4), (0.3, 0.4, 0.1)]


def test_a_training_that_is_over_anyway_is_not_pruned(go):
    last = go(Poor(), [0.3, 0.4, 0.1])
    assert (last.stopped, len(last.history)) == ("max_epochs", 3)
    patience = go(Poor(), [0.3, 0.1, 0.4], patience=1, folder="other")
    assert (patience.stopped, len(patience.history)) == ("patience", 2)


def test_a_training_of_settled_epochs_is_not_pruned(go):
    prune = Poor()
    assert go(prune, [0.1, 0.1, 0.1], epochs=2).stopped == "max_epochs"
    assert prune.asked == []


class Line(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.w = torch.nn.Parameter(torch.zeros(()))

    def loss(self, batch):
        return self.w * batch


def test_a_featurizer_or_ranker_that_validates_itself_is_not_pruned():
    prune = Poor()
    context = RunContext(training=TrainingEnvironment(settings=NetworkSettings(max_epochs=2), prune=prune))
    found = train(Line(), [1.0, 1.0], context, "line", lambda: 0.1, monitor="pair-ndcg@10")
    assert (found.stopped, len(found.history), prune.asked) == ("max_epochs", 2, [])


def test_a_resumed_training_is_pruned_where_it_would_have_been(go):
    values = [0.3, 0.4, 0.3, 0.1, 0.5]
    with pytest.raises(KeyboardInterrupt):
        go(Poor(), values, interrupt=2)
    prune = Poor()
    found = go(prune, values)
    assert (found.stopped, len(found.history)) == ("pruned", 4)
    assert prune.asked[-1] == (0.3, 0.4, 0.3, 0.1)
    again = Poor()
    repeated = go(again, values)  # the process was killed before the trial was stored
    assert (repeated.stopped, repeated.epochs, len(repeated.history)) == ("pruned", 2, 4)
    assert again.asked == [(0.3, 0.4, 0.3, 0.1)]
