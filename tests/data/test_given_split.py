"""The `given` split: a rank part, a share for validation, and units that a column divides."""

import numpy as np
import pyarrow as pa
import pytest

import zoo
from zoo.config.experiment import EvaluateSettings
from zoo.config.split_settings import Given
from zoo.data.interactions import Interactions
from zoo.data.parts import PARTS
from zoo.errors import SplitError

ALLOWED = EvaluateSettings(exclude_seen=False)


def log_of(parts, times=None, n_users=1, **columns):
    """Return a log of one event for each part, of the users in turn."""
    n = len(parts)
    source = pa.table({"part": parts, **columns})
    return Interactions.from_arrays(np.arange(n) % n_users, np.arange(n) + 1, times, source=source)


def task_of(log, **settings):
    return zoo.Task.of(log, Given(column="part", **settings), ALLOWED)


def test_the_column_may_have_a_rank_part():
    task = task_of(log_of(["train", "train", "valid", "rank", "rank", "test"]))
    assert task.parts.held_out == ("validate", "rank", "test")
    found = {
        part: (task.queries(part).lengths.tolist(), task.queries(part).targets.items.tolist()) for part in PARTS[1:]
    }
    assert found == {"validate": ([2], [3]), "rank": ([3], [4, 5]), "test": ([5], [6])}
    assert task.training("rank").items.tolist() == [1, 2, 3]
    assert task_of(log_of(["train", "test"])).parts.held_out == ("test",)
    assert task_of(log_of(["a", "b", "c"]), train=["a"], rank=["b"], test=["c"]).parts.held_out == ("rank", "test")


def test_the_latest_share_of_the_training_events_validates():
    rng = np.random.default_rng(0)
    times = rng.permutation(100) + 1
    parts = ["test" if time > 80 else "train" for time in times]
    task = task_of(log_of(parts, times, n_users=5), validate_share=0.25)
    assert task.parts.held_out == ("validate", "test")
    late = task.log.times[task.parts.is_target("validate")]
    assert sorted(late.tolist()) == list(range(61, 81))  # the latest 20 of 80
    assert task.training("validate").times.max() == 60


def test_without_a_clock_the_validation_events_are_drawn_by_user_and_item():
    n = 400
    parts = ["train"] * 300 + ["test"] * 100
    task = task_of(log_of(parts, n_users=20), validate_share=0.1)
    assert int(task.parts.is_target("validate").sum()) == 30
    rows = np.random.default_rng(1).permutation(n)
    users, items = np.arange(n) % 20, np.arange(n) + 1
    other = Interactions.from_arrays(users[rows], items[rows], source=pa.table({"part": [parts[i] for i in rows]}))
    again = task_of(other, validate_share=0.1)
    for one in ("validate", "test"):
        drawn = [
            {(int(u), int(i)) for u, i in zip(t.log.users[m], t.log.items[m], strict=True)}
            for t, m in ((t, t.parts.is_target(one)) for t in (task, again))
        ]
        assert drawn[0] == drawn[1]
    seeded = task_of(log_of(parts, n_users=20), validate_share=0.1, seed=1)
    assert (seeded.parts.codes != task.parts.codes).any()


@pytest.mark.parametrize("unit", ["basket", "session"])
def test_units_without_an_id_are_drawn_one_by_one(unit):
    parts = ["train"] * 300 + ["test"] * 100
    for ids, n_without in ((["a", "b"] * 20 + [None] * 360, 260), ([None] * 400, 300)):
        log = log_of(parts, n_users=20, **{f"{unit}_id": pa.array(ids, pa.string())})
        task = task_of(log, unit=unit, validate_share=0.25, targets="all")
        without = task.log.column(f"{unit}_id").is_null().to_numpy()
        drawn = int(np.count_nonzero(task.parts.is_target("validate") & without))
        assert 0.15 * n_without < drawn < 0.35 * n_without


def test_a_share_in_addition_to_validation_values_is_refused():
    with pytest.raises(SplitError) as error:
        task_of(log_of(["train", "valid", "test"]), validate_share=0.1)
    assert str(error.value) == (
        "split.validate_share = 0.1, and the column 'part' has validation values (valid, validate, validation) already. "
        "Remove split.validate_share, or set split.validate = []."
    )


@pytest.mark.parametrize("unit", ["basket", "session"])
def test_a_unit_with_events_in_two_parts_is_refused(unit):
    log = log_of(["train", "train", "test", "test"], **{f"{unit}_id": ["a", "b", "b", "c"]})
    with pytest.raises(SplitError) as error:
        task_of(log, unit=unit)
    assert str(error.value) == (
        f"split.column 'part' puts events of {unit}_id 'b' into the parts train and test (1 of 3 {unit}s are divided in this way), "
        f"and split.unit = '{unit}' never divides a {unit}. Give all its rows the same value, or set split.unit = \"event\"."
    )


def test_a_moment_that_the_column_divides_stays_as_given_and_is_counted():
    task = task_of(log_of(["train", "train", "test"], np.array([1, 2, 2])))
    assert task.notes["moments that the column divides between parts"] == 1
    assert task.queries("test").lengths.tolist() == [2]
