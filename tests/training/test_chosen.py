"""What a fit does with the rates and settings that the data choose."""

import numpy as np
import pytest
import torch

from zoo.data.interactions import Interactions
from zoo.stages.context import RunContext, TrainingEnvironment
from zoo.stages.stage import TrainingData


def test_a_fit_says_what_the_data_chose(cycle, fit):
    predictor = fit(cycle, {"dropout": None}, max_epochs=None, batch_size=None, learning_rate=None)
    items = len(set(cycle.items.tolist()))
    assert predictor.params.dropout == predictor.trained.chosen["dropout"]
    assert predictor.trained.chosen == {
        "dropout": pytest.approx(0.6 - 0.1 * torch.tensor(len(cycle) / items / 16).log2().item(), abs=1e-3),
        "max_epochs": 100,
        "patience": 334,  # an epoch is three batches
        "batch_size": 32,
        "learning_rate": 0.004,  # at width 16
        "warmup_steps": 100,
    }


def test_a_fit_with_every_value_set_chooses_nothing(cycle, fit):
    settings = {"max_epochs": 2, "patience": 1, "batch_size": 16, "learning_rate": 0.01, "warmup_steps": 0}
    predictor = fit(cycle, {"dropout": 0.1}, epoch_batches=9, **settings)
    assert predictor.trained.chosen == {}
    assert "chosen" not in predictor.state().values


def test_the_same_values_set_give_the_same_weights(cycle, fit):
    by_data = fit(cycle, {"dropout": None}, batch_size=None, learning_rate=None, max_epochs=3)
    chosen = dict(by_data.trained.chosen)
    by_hand = fit(cycle, {"dropout": chosen.pop("dropout")}, **{**chosen, "max_epochs": 3})
    one, other = by_data.state().tensors, by_hand.state().tensors
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_second_fit_chooses_anew(cycle, make):
    predictor = make(dropout=None)
    predictor.fit(TrainingData.of(cycle), RunContext(epochs=1))
    first = predictor.params.dropout
    few = Interactions.from_arrays(np.array([0, 0, 1, 1]), np.array([1, 2, 2, 3]), np.array([0, 1, 0, 1]), n_items=3)
    predictor.fit(TrainingData.of(few), RunContext(epochs=1))
    assert first < predictor.params.dropout == 0.6


def test_a_refit_uses_what_the_first_fit_chose(cycle, make):
    environment = TrainingEnvironment(chosen={"dropout": 0.33, "batch_size": 16, "patience": 3})
    predictor = make(dropout=None)
    predictor.fit(TrainingData.of(cycle), RunContext(epochs=1, training=environment))
    chosen = predictor.trained.chosen
    assert (predictor.params.dropout, chosen["batch_size"], chosen["patience"]) == (0.33, 16, 3)


def test_a_value_that_is_set_overrules_what_the_first_fit_chose(cycle, make):
    environment = TrainingEnvironment(chosen={"dropout": 0.33})
    predictor = make(dropout=0.1)
    predictor.fit(TrainingData.of(cycle), RunContext(epochs=1, training=environment))
    assert predictor.params.dropout == 0.1
    assert "dropout" not in predictor.trained.chosen


def test_a_loaded_predictor_has_the_rate_that_was_chosen(cycle, fit, make):
    predictor = fit(cycle, {"dropout": None})
    loaded = make(dropout=None)
    loaded.load_state(predictor.state())
    assert loaded.params == predictor.params
    assert loaded.trained.chosen == predictor.trained.chosen


def test_a_state_of_an_earlier_version_is_loaded(cycle, fit, make):
    state = fit(cycle, {"dropout": 0.1}).state()
    loaded = make(dropout=None)
    loaded.load_state(state)
    assert loaded.params.dropout == 0.0


def test_a_plateau_of_few_steps_does_not_end_a_training(cycle, fit):
    curve = [0.05] * 16 + [0.2] + [0.1] * 20  # better after 34 steps
    values = iter(curve)
    settings = {"max_epochs": 30, "batch_size": None, "learning_rate": None}
    found = fit(cycle, validate=lambda predictor: next(values), **settings).trained
    assert (found.epochs, found.stopped) == (17, "max_epochs")
    values = iter(curve)
    found = fit(cycle, validate=lambda predictor: next(values), patience=10, **settings).trained
    assert (found.epochs, found.stopped) == (1, "patience")
