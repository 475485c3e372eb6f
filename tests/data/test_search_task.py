"""The task of a search: its test part is the validation part, and no event of the test part is in it."""

import numpy as np
import pytest

from zoo.config.experiment import EvaluateSettings
from zoo.config.split_settings import LeaveLastOut, StrongGeneralisation, Temporal
from zoo.data.interactions import Interactions
from zoo.data.search_task import without_test
from zoo.data.task import Task
from zoo.errors import ConfigError

SPLITS = {
    "temporal": Temporal(cuts=[0.6, 0.8]),
    "leave-last-out": LeaveLastOut(),
    "strong-generalisation": StrongGeneralisation(validate_users=0.3, test_users=0.3),
}
WITH_RANK = {"temporal": Temporal(cuts=[0.5, 0.65, 0.8]), "leave-last-out": LeaveLastOut(rank=True)}


def log(seed=0):
    rng = np.random.default_rng(seed)
    users, items = rng.integers(0, 40, 600), rng.integers(1, 31, 600)
    return Interactions.from_arrays(users, items, np.sort(rng.integers(0, 10**9, 600)), n_users=40, n_items=30)


def same_queries(one, other):
    for name in ("row", "now", "users"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
    assert np.array_equal(one.lengths, other.lengths)
    for name in ("offsets", "items"):
        assert np.array_equal(getattr(one.targets, name), getattr(other.targets, name)), name
    for at in range(len(one)):
        histories = [q.log.items[q.end[at] - q.lengths[at] : q.end[at]] for q in (one, other)]
        assert np.array_equal(*histories)


@pytest.mark.parametrize("split", SPLITS.values(), ids=SPLITS)
def test_the_validation_part_takes_the_place_of_the_test_part(split):
    task = Task.of(log(), split, EvaluateSettings())
    seen = without_test(task, rankers_learn=False, refit=False)
    assert seen.parts.held_out == ("validate", "test")
    same_queries(seen.queries("test"), task.queries("validate"))
    same_queries(seen.queries("validate"), task.queries("validate"))
    for before in ("validate", "test"):
        assert np.array_equal(seen.training(before).items, task.training("validate").items)
        assert np.array_equal(seen.training(before).times, task.training("validate").times)


@pytest.mark.parametrize("split", WITH_RANK.values(), ids=WITH_RANK)
def test_rankers_learn_from_the_validation_part_and_the_rank_part_measures_them(split):
    task = Task.of(log(), split, EvaluateSettings())
    seen = without_test(task, rankers_learn=True, refit=True)
    assert seen.parts.held_out == ("validate", "rank", "test")
    same_queries(seen.queries("rank"), task.queries("validate"))
    same_queries(seen.queries("test"), task.queries("rank"))
    assert np.array_equal(seen.training("rank").items, task.training("validate").items)
    assert np.array_equal(seen.training("test").items, task.training("rank").items)


@pytest.mark.parametrize("split", (SPLITS | WITH_RANK).values())
@pytest.mark.parametrize("rankers_learn", [False, True])
def test_no_event_of_the_test_part_is_in_it(split, rankers_learn):
    task = Task.of(log(), split, EvaluateSettings())
    if rankers_learn and "rank" not in task.parts.held_out:
        pytest.skip("no rank part")
    seen = without_test(task, rankers_learn=rankers_learn, refit=rankers_learn)
    before = task.parts.before("test")
    assert len(seen.log) <= np.count_nonzero(before)
    whole = set(zip(task.log.users[before], task.log.items[before], task.log.times[before], strict=True))
    logs = [seen.log, seen.units.log, *(seen.queries(part).log for part in seen.parts.held_out)]
    for found in logs:
        assert set(zip(found.users, found.items, found.times, strict=True)) <= whole
        assert found.source is None or found.source.num_rows <= np.count_nonzero(before)


@pytest.mark.parametrize("split", SPLITS.values(), ids=SPLITS)
def test_another_test_part_gives_the_same_task(split):
    events = log()
    task = Task.of(events, split, EvaluateSettings())
    tested = task.parts.codes >= 6
    other = task.log.items.copy()
    other[tested] = other[tested] % 30 + 1
    changed = Task.of(
        Interactions.from_arrays(task.log.users, other, task.log.times, n_users=40, n_items=30),
        split,
        EvaluateSettings(),
    )
    one, two = (without_test(t, rankers_learn=False, refit=False) for t in (task, changed))
    assert np.array_equal(one.log.items, two.log.items)
    same_queries(one.queries("test"), two.queries("test"))


def test_without_a_validation_part_it_says_so():
    task = Task.of(log(), Temporal(cuts=[0.8]), EvaluateSettings())
    with pytest.raises(ConfigError) as error:
        without_test(task, rankers_learn=False, refit=False)
    assert str(error.value) == (
        "tune: models are tuned on the `validate` part, and the split has none (parts: train, test). Hold one out, such as "
        "with [split] cuts = [0.8, 0.9], or remove [tune]."
    )
