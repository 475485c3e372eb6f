"""How the pipeline lets a predictor find its epochs, and fits it again with them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from zoo.config.chosen import Chosen
from zoo.config.experiment import EvaluateSettings
from zoo.config.resolved import ResolvedModel
from zoo.config.split_settings import LeaveLastOut, Temporal
from zoo.config.train import NetworkSettings
from zoo.data.interactions import Interactions
from zoo.data.task import Task
from zoo.params import Params
from zoo.pipeline import Pipeline, Rules
from zoo.pipeline.fitting import fit
from zoo.registry.registry import default_registry
from zoo.spec import Capabilities
from zoo.stages.context import RunContext, TrainingEnvironment
from zoo.stages.predictor import Predictor
from zoo.stages.ranker import Ranker
from zoo.trained import Trained

FITS, CHOSEN = [], []


class Epochs(Predictor):
    """Takes down how it is fitted; it needs three epochs, and scores item by its number, the lower first."""

    def fit(self, data, context):
        value = None if context.validate is None else context.validate(self)
        FITS.append((len(data.interactions), value, context.epochs, context.training.settings, self))
        CHOSEN.append(dict(context.training.chosen))
        stopped = "pruned" if value is not None and context.training.prune else ""
        chosen = {"batch_size": 7 if context.epochs is None else 8}
        self.trained = Trained(context.epochs or 3, stopped=stopped, chosen=chosen)
        context.progress(self.trained.epochs, self.trained.epochs)

    def score(self, queries):
        return -torch.arange(queries.log.n_items + 1).float().repeat(len(queries), 1)


class Learns(Ranker):
    def fit(self, data, context):
        FITS.append((int(data.lengths.max()), None, context.epochs, context.training.settings, self))

    def score(self, lists):
        return lists.scores


def component(stage, name, target, **capabilities):
    like = default_registry().find(stage, name)
    spec = replace(like.spec, target=f"{__name__}:{target}", params=Params, capabilities=Capabilities(**capabilities))
    return Chosen(replace(like, spec=spec), Params())


@pytest.fixture(autouse=True)
def fits(monkeypatch):
    """Return what was fitted, in order."""
    monkeypatch.setattr(
        "zoo.registry.registry.Component.target",
        lambda self: (
            {"Epochs": Epochs, "Learns": Learns}[self.spec.target.rpartition(":")[2]]
            if self.spec.target.startswith(f"{__name__}:")
            else _target(self)
        ),
    )
    FITS.clear()
    CHOSEN.clear()
    return FITS


_target = type(default_registry().find("predictor", "popular")).target


def resolved(rankers=(), **settings):
    metric = default_registry().find("metric", "hit")
    return ResolvedModel(
        "model",
        component("predictor", "popular", "Epochs", trains_in_epochs=True),
        rankers=tuple(rankers),
        train=NetworkSettings(**settings),
        monitor=Chosen(metric, metric.params({"k": 2})),
    )


@pytest.fixture
def log():
    """Thirty users with six events each; a user's last but one item is 1, 2 or 3."""
    items = np.tile([4, 5, 6, 7, 0, 8], (30, 1))
    items[:, 4] = np.arange(30) % 3 + 1
    return Interactions.from_arrays(np.repeat(np.arange(30), 6), items.ravel(), np.tile(np.arange(6), 30))


def last_out(log, **evaluate):
    return Task.of(log, LeaveLastOut(policy="leave-last-out"), EvaluateSettings(**evaluate))


def test_epochs_are_found_on_the_validation_part_and_the_refit_takes_them(log, fits):
    # Seen items are excluded and a model may name known items only, so items 1 to 3 must have been taken in training.
    log = Interactions.from_arrays(
        np.concatenate([log.users, [30, 30, 30, 30, 30]]), np.concatenate([log.items, [1, 2, 3, 4, 5]]),
        np.concatenate([log.times, np.arange(5)]),
    )  # fmt: skip
    told = []
    model = fit(resolved(learning_rate=0.5), last_out(log), RunContext(progress=lambda *p: told.append(p))).pipeline
    (first, value, epochs, settings, predictor), (second, none, fixed, same, again) = fits
    assert (first, second) == (30 * 4 + 3, 30 * 5 + 4)
    # Of thirty users ten each have target 1, 2 and 3 and get 1, 2; the last has seen these, has target 4 and gets 4, 5.
    assert value == pytest.approx(21 / 31)
    assert (epochs, none, fixed) == (None, None, 3)
    assert settings is same is model.model.train
    assert again is model.predictor is not predictor
    assert told == [(3, 3), (3, 3)]


def test_without_a_refit_the_validated_model_is_the_one(log, fits):
    model = fit(resolved(), last_out(log), RunContext(), refit=False).pipeline
    ((events, value, _, _, predictor),) = fits
    assert events == 30 * 4
    assert value is not None
    assert model.predictor is predictor
    lists = model.recommend(last_out(log).queries("test"), 3, Rules(np.arange(9) > 0, exclude_seen=False))
    assert lists.items[0].tolist() == [4, 5, 6]


def test_a_split_without_a_validate_part_is_trained_to_the_end(log, fits):
    fit(resolved(), Task.of(log, LeaveLastOut(policy="leave-last-out", validation=False)), RunContext())
    ((events, value, epochs, _, _),) = fits
    assert (events, value, epochs) == (30 * 5, None, None)


def test_rankers_learn_from_a_predictor_with_the_epochs_found(fits):
    rng = np.random.default_rng(0)
    log = Interactions.from_arrays(rng.integers(0, 20, 400), rng.integers(1, 9, 400), np.arange(400))
    task = Task.of(log, Temporal(cuts=[0.4, 0.6, 0.8]), EvaluateSettings(exclude_seen=False))
    fit(resolved([component("ranker", "borda", "Learns")]), task, RunContext(), candidates=5)
    assert [(type(f[4]).__name__, f[0], f[2]) for f in fits] == [
        ("Epochs", 160, None),
        ("Epochs", 240, 3),
        ("Learns", 5, None),
        ("Epochs", 320, 3),
    ]  # fmt: skip; a ranker finds out its own
    assert [f[1] is not None for f in fits] == [True, False, False, False]
    assert CHOSEN == [{}, {"batch_size": 7}, {"batch_size": 7}]  # what the first fit chose by its data


def test_after_a_training_that_is_pruned_nothing_is_fitted(fits):
    rng = np.random.default_rng(0)
    log = Interactions.from_arrays(rng.integers(0, 20, 400), rng.integers(1, 9, 400), np.arange(400))
    task = Task.of(log, Temporal(cuts=[0.4, 0.6, 0.8]), EvaluateSettings(exclude_seen=False))
    context = RunContext(training=TrainingEnvironment(prune=lambda values: True))
    found = fit(resolved([component("ranker", "borda", "Learns")]), task, context, candidates=5)
    assert [(type(f[4]).__name__, f[0]) for f in fits] == [("Epochs", 160)]
    assert [training["stopped"] for training in found.record.trainings] == ["pruned"]


def test_so_many_validation_queries_are_asked(log, fits, monkeypatch):
    asked = []
    score = Epochs.score
    monkeypatch.setattr(Epochs, "score", lambda self, queries: asked.append(len(queries)) or score(self, queries))
    fit(resolved(validation_queries=7), last_out(log), RunContext())
    assert sum(asked) == 7


def test_a_model_without_epochs_is_fitted_once(log, fits):
    model = Pipeline.of("popular")
    assert model.model.monitors == ()
    assert model.fit(last_out(log), RunContext(validate=lambda p: pytest.fail("asked"))).predictor.state()
