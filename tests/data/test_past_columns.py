"""What a stage can reach ends at its cutoff: further columns, and the shop of the kit."""

import gc
import pickle
from types import CellType

import numpy as np
import pyarrow as pa
import pytest

from zoo.config.experiment import Temporal
from zoo.data.interactions import Interactions
from zoo.data.schema import MappedTable
from zoo.data.task import Task
from zoo.testing.data import shop


@pytest.fixture
def log():
    """Forty users with ten random events; the column `note` names the row of the table."""
    rng = np.random.default_rng(0)
    users, times = np.repeat(np.arange(40), 10), rng.permutation(400)
    table = pa.table({"note": [f"row {row}" for row in range(400)], "price": rng.random(400)})
    source = MappedTable.of(table, {}, "data.columns", "events")
    return Interactions.from_arrays(users, rng.integers(1, 21, 400), times, n_items=20, source=source)


def reachable(value, depth=6):
    """Yield the objects that attributes and fields of a value lead to."""
    yield value
    if depth and not isinstance(value, (str, bytes, int, float, np.ndarray)):
        slots = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
        for name in [*slots, *getattr(value, "__dict__", ())]:
            if hasattr(value, name):
                yield from reachable(getattr(value, name), depth - 1)


def tables(value):
    return [part for part in reachable(value) if isinstance(part, (pa.Table, pa.ChunkedArray, MappedTable))]


@pytest.mark.parametrize("before", ["validate", "test"])
def test_a_training_log_has_no_way_to_later_rows(log, before):
    task = Task.of(log, Temporal(cuts=[0.6, 0.8]))
    training, kept = task.training(before), task.parts.before(before)
    assert 0 < len(training) < len(log)
    assert len(tables(task.log)) > 0
    assert tables(training) == []
    assert training.source.select(["note"]).num_rows == len(training)
    expected = [f"row {row}" for row in task.log.rows[kept]]
    assert training.column("note").to_pylist() == expected
    half = np.arange(len(training)) % 2 == 0
    assert training.where(half).column("note").to_pylist() == expected[::2]
    with pytest.raises(AttributeError):
        _ = training.source.table


def test_no_closure_leads_from_the_columns_to_the_table(log):
    source = Task.of(log, Temporal(cuts=[0.6, 0.8])).training("validate").source
    members = [getattr(source, name) for name in dir(source)]
    held = [part for member in [source, *members] for part in gc.get_referents(member) if part is not type(source)]
    held += [
        part for value in held if not isinstance(value, type) for part in getattr(value, "__closure__", None) or ()
    ]
    assert not any(isinstance(part, (pa.Table, MappedTable, CellType)) for part in held)


def test_the_columns_of_a_training_log_survive_pickling(log):
    training = Task.of(log, Temporal(cuts=[0.6, 0.8])).training("validate")
    again = pickle.loads(pickle.dumps(training))
    assert again.column("note").equals(training.column("note"))
    assert again.source.column_names == ["note", "price"]


def test_a_log_without_further_columns_is_cut_as_well():
    log = Interactions.from_arrays(np.array([0, 0, 1]), np.array([1, 2, 3]), np.arange(3))
    cut = log.extract(np.array([True, False, True]))
    assert (cut.items.tolist(), cut.offsets.tolist(), cut.source) == ([1, 3], [0, 1, 2], None)


def test_the_shop_of_the_kit_is_cut_off_as_a_task_is():
    world = shop()
    assert isinstance(world.log.source, MappedTable)  # as `[data]` makes it
    assert tables(world.training) == []
    assert len(world.training.column("price")) == int(world.before.sum())
