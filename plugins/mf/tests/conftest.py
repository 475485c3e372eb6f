"""Small logs, drawn by hypothesis, for all tests of the family."""

import numpy as np
import pytest
from hypothesis import strategies as st

from zoo.api import Interactions, RunContext, TrainingData


@st.composite
def _logs(draw, min_events=1):
    """Draw a log with repeated pairs, users and items without events, and two event types of different weight."""
    n_items, n_users = draw(st.integers(1, 8)), draw(st.integers(1, 7))
    event = st.tuples(st.integers(0, n_users - 1), st.integers(1, n_items), st.sampled_from([0, 0, 1]))
    users, items, events = np.array(draw(st.lists(event, min_size=min_events, max_size=40))).T
    return Interactions.from_arrays(
        users, items, n_items=n_items + draw(st.integers(0, 2)), n_users=n_users,
        events=events, event_names=("view", "purchase"), event_weights=(1.0, 3.0),
    )  # fmt: skip


@pytest.fixture(scope="session")
def logs():
    """Return the strategy that draws a log."""
    return _logs()


@pytest.fixture(scope="session")
def clustered():
    """Return a log of 60 users with tastes: most of their events fall on a third of 30 items; two items are never taken."""
    rng = np.random.default_rng(7)
    users = np.repeat(np.arange(60), 12)
    items = np.where(rng.random(720) < 0.8, users % 3 * 10 + rng.integers(1, 11, 720), rng.integers(1, 31, 720))
    return Interactions.from_arrays(users, items, n_items=32, events=rng.integers(0, 2, 720),
                                    event_names=("view", "purchase"), event_weights=(1.0, 3.0))  # fmt: skip


@pytest.fixture(scope="session")
def fitted():
    """Return a function that fits a component on a log."""

    def fit(component, log, seed=0):
        component.fit(TrainingData.of(log), RunContext(seed))
        return component

    return fit
