"""The settings and dropout rates that the data choose."""

import pytest

from zoo.config.train import FIXED, NetworkSettings
from zoo.neural_params import NeuralParams
from zoo.training.by_data import choose_batch_size, choose_dropout, choose_learning_rate, choose_rates, choose_settings


@pytest.mark.parametrize(
    ("events", "items", "rate"),
    [
        (10, 10, 0.6),  # one event per item: the highest rate
        (160, 10, 0.6),
        (320, 10, 0.5),
        (640, 10, 0.4),
        (16 * 2**4, 1, 0.2),
        (16 * 2**5, 1, 0.1),
        (10**9, 1, 0.1),  # the lowest
        (0, 0, 0.6),
        (198_502, 12_101, 0.596),  # amazon-beauty: 16.4 events per item
        (999_611, 3_416, 0.181),  # ml-1m: 292.6
    ],
)
def test_the_fewer_events_an_item_has_the_higher_is_the_dropout_rate(events, items, rate):
    assert choose_dropout(events, items) == pytest.approx(rate, abs=5e-4)


@pytest.mark.parametrize(
    ("examples", "largest", "size"),
    [
        (0, 256, 32),
        (10, 256, 32),
        (4_500, 256, 32),  # 45 is nearer to 32 than to 64 on a scale of powers
        (4_600, 256, 64),
        (12_800, 256, 128),
        (22_363, 256, 256),
        (10**7, 256, 256),
        (10**7, 1024, 1024),
    ],
)
def test_the_batch_size_is_the_power_of_two_that_makes_about_a_hundred_batches(examples, largest, size):
    assert choose_batch_size(examples, largest) == size


@pytest.mark.parametrize(("width", "rate"), [(64, 0.002), (256, 0.001), (16, 0.004), (128, 0.00141)])
def test_the_learning_rate_falls_with_the_square_root_of_the_width(width, rate):
    assert choose_learning_rate(width) == rate


def chosen(settings=None, examples=20_000, width=64, largest_batch=256, validated=True):
    settings = NetworkSettings(**(settings or {}))
    return choose_settings(settings, examples=examples, width=width, largest_batch=largest_batch, validated=validated)


def test_a_hundred_batches_an_epoch_need_the_usual_patience():
    assert chosen(examples=12_800) == {
        "max_epochs": 100, "patience": 10, "batch_size": 128, "learning_rate": 0.002, "warmup_steps": 100,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "examples", "patience", "max_epochs"),
    [
        ({}, 900, 35, 345),  # 29 batches of 32: 1,000 and 10,000 steps
        ({}, 60, 500, 1_000),  # 2 batches: as many epochs as are allowed
        ({"validate_every": 5}, 900, 10, 345),  # ten validations are 1,450 steps
        ({"accumulate": 2}, 900, 67, 667),  # 15 steps
        ({"batch_size": 900}, 900, 1_000, 1_000),
        ({}, 10**6, 10, 100),
    ],
)
def test_patience_and_epochs_last_for_enough_steps_on_small_data(settings, examples, patience, max_epochs):
    found = chosen(settings, examples)
    assert (found["patience"], found["max_epochs"]) == (patience, max_epochs)


def test_without_validation_small_data_are_not_trained_longer():
    assert chosen(examples=60, validated=False)["max_epochs"] == 100


def test_only_an_epoch_of_more_than_a_thousand_batches_is_cut():
    assert "epoch_batches" not in chosen(examples=256_000)
    assert chosen(examples=256_001)["epoch_batches"] == 1_000
    assert "epoch_batches" not in chosen({"epoch_batches": 10}, examples=10**6)


def test_what_is_set_is_not_chosen():
    settings = {
        "max_epochs": 7,
        "patience": 2,
        "batch_size": 8,
        "learning_rate": 0.1,
        "warmup_steps": 3,
        "epoch_batches": 5,
    }
    assert chosen(settings) == {}
    assert chosen({"learning_rate": 0.1})["warmup_steps"] == 0
    filled = NetworkSettings(**settings).filled(patience=99)
    assert {name: getattr(filled, name) for name in settings} == settings


def test_settings_that_no_data_choose_are_those_of_earlier_versions():
    filled = NetworkSettings().filled()
    assert {name: getattr(filled, name) for name in FIXED} == FIXED
    assert FIXED == {
        "max_epochs": 100, "patience": 10, "batch_size": 256, "learning_rate": 1e-3, "warmup_steps": 0,
    }  # fmt: skip


def test_a_rate_that_is_set_stays_and_the_others_are_chosen():
    assert choose_rates(NeuralParams(), 320, 10) == {"dropout": 0.5}
    assert choose_rates(NeuralParams(dropout=0.0), 320, 10) == {}
