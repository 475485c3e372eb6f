"""Slices of queries against loops over the queries."""

import numpy as np
import pytest

from zoo.config.split_settings import LeaveLastOut, Temporal
from zoo.data.interactions import Interactions
from zoo.data.task import Task
from zoo.evaluation.query_slices import popular_items, slice_queries


def random_task(split, seed=0, n=900):
    rng = np.random.default_rng(seed)
    users, items, times = rng.integers(0, 40, n), rng.zipf(1.5, n) % 60 + 1, rng.permutation(n) * 1000
    log = Interactions.from_arrays(users, items, times, n_items=60, n_users=40)
    return Task.of(log, split)


@pytest.mark.parametrize("split", [Temporal(cuts=[0.6, 0.8]), LeaveLastOut()], ids=["temporal", "last"])
def test_each_query_is_in_the_groups_that_a_loop_finds(split):
    task = random_task(split)
    queries, counts = task.queries("test"), task.training("test").counts()
    popular = set(np.flatnonzero(popular_items(counts)))
    found = {(s.name, s.value): s.queries for s in slice_queries(queries, counts)}
    ranges = {"no events": (0, 1), "1 to 4 events": (1, 5), "5 to 9 events": (5, 10), "10 to 19 events": (10, 20),
              "20 to 49 events": (20, 50), "50 events or more": (50, 10**9)}  # fmt: skip
    assert found
    for at in range(len(queries)):
        one = queries[at : at + 1]
        targets = set(one.answers().items.tolist())
        length = int(one.end[0] - queries.log.offsets[one.row[0]])
        head = targets & popular
        of = {
            "history": next(name for name, (low, high) in ranges.items() if low <= length < high),
            "user": "known" if one.users[0] else "new",
            "targets": "cold" if any(counts[t] == 0 for t in targets) else "warm",
            "popularity": "head" if head == targets else "mixed" if head else "tail",
        }
        for (name, value), chosen in found.items():
            assert chosen[at] == (of[name] == value)


def test_a_property_with_one_group_is_no_slice():
    task = random_task(LeaveLastOut())
    names = [s.name for s in slice_queries(task.queries("test"), task.training("test").counts())]
    assert "user" not in names  # every user has events in training
    assert all(names.count(name) > 1 for name in names)


def test_popular_items_are_the_fewest_with_half_of_the_events():
    assert popular_items(np.array([0, 5, 1, 3, 1])).tolist() == [False, True, False, False, False]
    assert popular_items(np.array([0, 4, 1, 4, 1])).tolist() == [False, True, False, True, False]
    assert not popular_items(np.zeros(3, np.int64)).any()
