"""A small encoder of the core's own blocks, and logs whose next item is known."""

import numpy as np
import pytest
import torch
from torch import nn

from zoo.config.train import NetworkSettings
from zoo.data.interactions import Interactions
from zoo.neural_params import NeuralParams
from zoo.nn.layers import TransformerBlock
from zoo.stages.context import RunContext, TrainingEnvironment
from zoo.stages.stage import TrainingData
from zoo.training.neural import NeuralPredictor


class Encoder(nn.Module):
    def __init__(self, params, items):
        super().__init__()
        self.items = items
        self.positions = nn.Parameter(torch.randn(params.length, params.dim) * 0.02)
        self.block = TransformerBlock(params.dim, 2, params.dropout, causal=True)

    def forward(self, batch):
        return self.block(self.items.inputs(batch.items) + self.positions[: batch.items.shape[1]])


class Small(NeuralPredictor):
    def build(self, sizes, items):
        return Encoder(self.params, items)


@pytest.fixture(scope="session")
def cycle():
    """Sixty users who walk a circle of twelve items, each from a place of its own; item 13 is never taken."""
    lengths = np.random.default_rng(0).integers(4, 12, 60)
    users = np.repeat(np.arange(60), lengths)
    steps = np.arange(len(users)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return Interactions.from_arrays(users, (users * 5 + steps) % 12 + 1, np.arange(len(users)), n_items=13)


@pytest.fixture(scope="session")
def make():
    """Return a function that makes the predictor."""

    def made(**params):
        return Small(NeuralParams(**{"dim": 16, "length": 8, "dropout": 0.1, "negatives": 8, **params}))

    return made


@pytest.fixture(scope="session")
def fit(make):
    """Return a function that fits the predictor: parameters, then settings, then the context's own fields."""

    def fitted(log, params=None, validate=None, seed=0, epochs=None, **settings):
        predictor = make(**(params or {}))
        settings = NetworkSettings(**{"max_epochs": 2, "batch_size": 16, "learning_rate": 0.01, **settings})
        context = RunContext(seed, validate=validate, epochs=epochs, training=TrainingEnvironment(settings))
        predictor.fit(TrainingData.of(log), context)
        return predictor

    return fitted
