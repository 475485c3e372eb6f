"""Small logs with a known structure, for all tests of the family."""

import numpy as np
import pytest

from zoo.api import Interactions, RunContext, TrainingData
from zoo.config.train import NetworkSettings


@pytest.fixture(scope="session")
def cycle():
    """Eighty users who walk a circle of fifteen items, each from a place of its own."""
    lengths = np.random.default_rng(0).integers(3, 14, 80)
    users = np.repeat(np.arange(80), lengths)
    steps = np.arange(len(users)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return Interactions.from_arrays(users, (users * 7 + steps) % 15 + 1, np.arange(len(users)), n_items=16)


@pytest.fixture(scope="session")
def fit():
    """Return a function that fits a predictor on a log."""

    def fitted(predictor, log, seed=0, **settings):
        settings = NetworkSettings(**{"max_epochs": 1, "batch_size": 16, "learning_rate": 0.01, **settings})
        predictor.fit(TrainingData.of(log), RunContext(seed, settings=settings))
        return predictor

    return fitted
