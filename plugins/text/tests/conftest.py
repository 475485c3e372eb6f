"""A catalogue with texts, and a log in which some of its items occur."""

import numpy as np
import pyarrow as pa
import pytest

from zoo.api import Catalogue, Interactions, RunContext, TrainingData

TITLES = [
    None, "Red wool hat", "Blue wool scarf, wool!", "The red lamp", None, "",
    "Wool hat for the zebra", "Blue lamp", "red red hat", "A lamp of its own",
]  # fmt: skip
BRANDS = [None, "Ash", "Ash", "Oak", "Oak", None, "Zen", "Elm", "Ash", "Elm"]


@pytest.fixture(scope="session")
def catalogue():
    """Return ten items, padding included, two of them without a title."""
    ids = pa.array([None, *map(str, range(1, len(TITLES)))])
    return Catalogue(ids, pa.table({"title": TITLES, "brand": BRANDS, "price": [None] + [1.0] * 9}))


@pytest.fixture(scope="session")
def log():
    """Return a log that knows items 1 to 5, 7 and 8; items 6 and 9 are new."""
    users, items = np.array([0, 0, 0, 1, 1, 2, 2, 3]), np.array([1, 2, 1, 3, 4, 5, 7, 8])
    return Interactions.from_arrays(users, items, n_items=9, n_users=5)


@pytest.fixture(scope="session")
def fitted(log, catalogue):
    """Return a function that fits a component on the log."""

    def fit(component, features=None, log=log):
        component.fit(TrainingData.of(log, catalogue, features), RunContext())
        return component

    return fit
