"""A log with a known structure, for the tests of all networks."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from zoo.api import Interactions, RunContext, TrainingData
from zoo.config.train import NetworkSettings
from zoo.stages.context import TrainingEnvironment


@pytest.fixture(scope="session")
def cycle() -> Interactions:
    """Eighty users who walk a circle of fifteen items, each from a place of its own."""
    lengths = np.random.default_rng(0).integers(3, 14, 80)
    users = np.repeat(np.arange(80), lengths)
    steps = np.arange(len(users)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return Interactions.from_arrays(users, (users * 7 + steps) % 15 + 1, np.arange(len(users)), n_items=16)


@pytest.fixture(scope="session")
def fit() -> Callable[..., Any]:
    """Return a function that fits a predictor on a log."""

    def fitted(predictor: Any, log: Interactions, seed: int = 0, **settings: Any) -> Any:
        chosen = NetworkSettings(**{"max_epochs": 1, "batch_size": 16, "learning_rate": 0.01, **settings})
        predictor.fit(TrainingData.of(log), RunContext(seed, training=TrainingEnvironment(settings=chosen)))
        return predictor

    return fitted
