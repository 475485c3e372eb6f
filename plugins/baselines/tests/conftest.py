"""Small logs, drawn by hypothesis, for all tests of the baselines."""

import numpy as np
import pytest
from hypothesis import strategies as st

from zoo.api import Interactions, RunContext, TrainingData

DAY = 86_400_000


@st.composite
def _logs(draw):
    """Draw a log with ties in time, repeated items, users and items without events, and two event types."""
    n_items, n_users = draw(st.integers(1, 7)), draw(st.integers(1, 5))
    event = st.tuples(
        st.integers(0, n_users - 1), st.integers(1, n_items), st.integers(0, 12), st.sampled_from([0, 0, 1])
    )
    users, items, days, events = np.array(draw(st.lists(event, min_size=1, max_size=30))).T
    return Interactions.from_arrays(
        users, items, days * DAY, n_items=n_items, n_users=n_users,
        events=events, event_names=("view", "purchase"), event_weights=(1.0, 4.0),
    )  # fmt: skip


@pytest.fixture(scope="session")
def logs():
    """Return the strategy that draws a log."""
    return _logs()


@pytest.fixture(scope="session")
def fitted():
    """Return a function that fits a component on a log."""

    def fit(component, log, catalogue=None, features=None, seed=0):
        component.fit(TrainingData.of(log, catalogue, features), RunContext(seed))
        return component

    return fit


@pytest.fixture(scope="session")
def rows():
    """Return a function that gives each user's events as (item, day, weight), oldest first, in plain Python."""

    def of(log):
        events = zip(log.items.tolist(), (log.times / DAY).tolist(), log.weights.tolist(), strict=True)
        events = list(events)
        return [events[a:b] for a, b in zip(log.offsets, log.offsets[1:], strict=False)]

    return of
