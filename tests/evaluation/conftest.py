"""Lists and targets written as Python lists."""

from importlib import import_module

import numpy as np
import pytest
import torch

from zoo.builtin import zoo_components
from zoo.data.queries import Targets
from zoo.stages.candidates import Candidates


@pytest.fixture(scope="session")
def targets_of():
    """Return a function that makes targets of a set of item numbers a query."""

    def made(sets):
        offsets = np.concatenate([[0], np.cumsum([len(s) for s in sets])]).astype(np.int64)
        items = np.array([i for s in sets for i in sorted(s)], np.int32)
        return Targets(offsets, items, np.zeros(len(items), np.bool_))

    return made


@pytest.fixture(scope="session")
def lists_of():
    """Return a function that makes candidates of lists of item numbers, empty slots last."""

    def made(lists, width):
        items = torch.zeros(len(lists), width, dtype=torch.int64)
        for row, found in zip(items, lists, strict=True):
            row[: len(found)] = torch.tensor(found, dtype=torch.int64)
        scores = -torch.arange(width).float().expand(len(lists), -1)
        scores = scores.masked_fill(items == 0, -torch.inf)
        return Candidates(items, scores, torch.zeros(len(lists), dtype=torch.bool))

    return made


@pytest.fixture(scope="session")
def metric():
    """Return a function that builds a metric of the core by its name."""
    specs = {spec.name: spec for spec in zoo_components() if spec.stage == "metric"}

    def built(name, **params):
        module, _, cls = specs[name].target.partition(":")
        return getattr(import_module(module), cls)(specs[name].params(**params))

    return built
