"""Sessions as units: the prefixes of held-out sessions ask, as in the literature on session-based recommendation."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import zoo
from zoo.config.experiment import EvaluateSettings
from zoo.config.load import experiment_from
from zoo.data.interactions import Interactions
from zoo.data.task import load_task
from zoo.errors import DataError, SplitError

HOUR = 3_600_000
START = 1_700_000_000_000
ALLOWED = EvaluateSettings(exclude_seen=False)


def tables_of(n=40, seed=0):
    """Return sessions of clicks as lists of items, with their start and their part."""
    rng = np.random.default_rng(seed)
    sessions = [rng.integers(0, 12, rng.integers(1, 7)).tolist() for _ in range(n)]
    return [(f"s{at:03}", at * HOUR, items, "train" if at < 24 else "valid" if at < 32 else "test") for at, items in enumerate(sessions)]  # fmt: skip


def file_of(folder, sessions, clock="timestamp"):
    """Write one row for each click, in no order."""
    rows = [
        (name, f"i{item}", START + start + 1000 * at if clock == "timestamp" else at, part)
        for name, start, items, part in sessions
        for at, item in enumerate(items)
    ]
    order = np.random.default_rng(1).permutation(len(rows))
    columns = zip(*(rows[i] for i in order), strict=True)
    names = ("session_id", "item_id", clock, "split")
    pq.write_table(pa.table(dict(zip(names, map(list, columns), strict=True))), folder / "clicks.parquet")
    return folder / "clicks.parquet"


def task_of(file, split, **data):
    return load_task(experiment_from({
        "data": {"source": {"name": "files", "interactions": str(file)}, **data}, "split": {"unit": "session", **split},
        "evaluate": {"exclude_seen": False}, "model": [{"predictor": "popular"}],
    }))  # fmt: skip


def asked(task, part):
    """Return the queries of a part as (session, history, target) by their ids."""
    q, ids, users = task.queries(part), task.catalogue.ids.to_pylist(), task.user_ids.to_pylist()
    h, t = q.histories, q.targets
    return [
        (
            users[q.row[n]],
            [ids[i] for i in h.items[h.offsets[n] : h.offsets[n + 1]]],
            [ids[i] for i in t.items[t.offsets[n] : t.offsets[n + 1]]],
        )
        for n in range(len(q))
    ]


def prefixes(sessions):
    """Return the test cases of SR-GNN: for i = 1, ..., the prefix `session[:-i]` and the target `session[-i]`."""
    found = []
    for name, _, items, _ in sessions:
        ids = [f"i{item}" for item in items]
        found += [(name, ids[:-i], [ids[-i]]) for i in range(len(ids) - 1, 0, -1)]
    return found


@pytest.mark.parametrize("clock", ["timestamp", "position"])
def test_the_prefixes_of_held_out_sessions_ask_as_in_sr_gnn(tmp_path, clock):
    sessions = tables_of()
    task = task_of(file_of(tmp_path, sessions, clock), {"policy": "given"})
    assert task.notes["users are"] == "sessions"
    for part, name in (("validate", "valid"), ("test", "test")):
        assert asked(task, part) == prefixes([s for s in sessions if s[3] == name])
    assert task.training("validate").lengths[:24].tolist() == [len(s[2]) for s in sessions[:24]]
    assert len(task.training("validate")) == sum(len(s[2]) for s in sessions[:24])


def test_a_session_belongs_to_the_part_in_which_its_last_event_falls(tmp_path):
    sessions = [*tables_of(), ("long", 20 * HOUR, list(range(6)), "-")]
    rows_end = {name: START + start + 1000 * (len(items) - 1) for name, start, items, _ in sessions}
    cuts = [START + 20 * HOUR + 3000, START + 30 * HOUR]  # the first cut divides the long session
    moments = [np.datetime64(cut, "ms").item().isoformat() for cut in cuts]
    task = task_of(file_of(tmp_path, sessions), {"cuts": moments})
    in_order = sorted(sessions)
    for part, first, last in (("validate", *cuts), ("test", cuts[1], 2**62)):
        assert asked(task, part) == prefixes([s for s in in_order if first <= rows_end[s[0]] < last])


def test_a_share_of_the_latest_training_sessions_validates(tmp_path):
    sessions = [(*s[:3], "test" if s[3] == "test" else "train") for s in tables_of()]
    task = task_of(file_of(tmp_path, sessions), {"policy": "given", "validate_share": 0.25})
    assert asked(task, "validate") == prefixes(sessions[24:32])  # the latest 8 of 32
    assert asked(task, "test") == prefixes(sessions[32:])


def test_without_a_clock_the_validation_sessions_are_drawn(tmp_path):
    sessions = [(*s[:3], "test" if s[3] == "test" else "train") for s in tables_of(200)]
    sessions = [(*s[:3], "train" if at < 150 else "test") for at, s in enumerate(sessions)]
    file = file_of(tmp_path, sessions, "position")
    drawn = []
    for seed in (0, 0, 1):
        task = task_of(file, {"policy": "given", "validate_share": 0.2, "seed": seed})
        kept = task.training("validate").lengths > 0
        assert int(np.count_nonzero(~kept[:150])) == 30
        drawn.append(np.flatnonzero(~kept[:150]).tolist())
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_users_next_session_asks_with_the_sessions_before_it(tmp_path):
    log = Interactions.from_arrays(
        np.zeros(7, np.int64), np.array([1, 2, 3, 4, 5, 1, 2]), np.arange(7) * 1000,
        source=pa.table({"session_id": ["a", "a", "a", "b", "b", "c", "c"]}),
    )  # fmt: skip
    task = zoo.Task.of(log, zoo.LeaveLastOut(unit="session"), ALLOWED)
    q = task.queries("test")
    assert [q[n : n + 1].histories.items.tolist() for n in range(len(q))] == [[1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 1]]
    assert q.targets.items.tolist() == [1, 2]
    whole = zoo.Task.of(log, zoo.LeaveLastOut(unit="session", targets="all"), ALLOWED).queries("test")
    assert (len(whole), whole.targets.items.tolist(), whole.lengths.tolist()) == (1, [1, 2], [5])


def test_users_with_too_few_units_are_not_held_out_and_are_counted():
    users, times = np.array([0, 0, 0, 0, 0, 0, 1, 1, 2, 2]), np.array([1, 1, 2, 2, 3, 3, 1, 1, 1, 2])
    log = Interactions.from_arrays(users, np.array([1, 2, 3, 4, 5, 1, 2, 3, 4, 5]), times)
    task = zoo.Task.of(log, zoo.LeaveLastOut(), ALLOWED)
    assert task.notes["users not held out: too few moments"] == 2
    assert task.queries("test").row.tolist() == [0]
    assert task.queries("test").targets.items.tolist() == [1, 5]
    baskets = Interactions.from_arrays(
        users, log.items, np.arange(10), source=pa.table({"basket_id": list("aabbccddde")})
    )
    task = zoo.Task.of(baskets, zoo.LeaveLastOut(unit="basket"), ALLOWED)
    assert task.notes["users not held out: too few baskets"] == 2
    for without in (Interactions.from_arrays(users, log.items), replace(log, ties="file")):
        few = {
            note: n for note, n in zoo.Task.of(without, zoo.LeaveLastOut(), ALLOWED).notes.items() if "too few" in note
        }
        assert few == {"users not held out: too few events": 2}


def test_a_unit_without_its_column_is_refused():
    log = Interactions.from_arrays(np.zeros(4, np.int64), np.arange(1, 5), source=pa.table({"order_no": list("aabb")}))
    with pytest.raises(SplitError) as error:
        zoo.Task.of(log, zoo.LeaveLastOut(unit="basket"))
    assert str(error.value) == (
        "split.unit = 'basket' needs the column 'basket_id' of the events, and the log does not have it. Its columns: order_no. "
        'Map the column that identifies the basket: data.columns = { basket_id = "order_no" } (in Python, '
        'columns={"basket_id": "order_no"}).'
    )


def test_sessions_without_users_need_sessions_as_units(tmp_path):
    file = file_of(tmp_path, tables_of())
    with pytest.raises(DataError) as error:
        task_of(file, {"policy": "given", "unit": "event"})
    assert str(error.value) == (
        f"{file}: no column 'user_id'. Its columns: session_id, item_id, timestamp, split. "
        'Map the column that holds it: data.columns = { user_id = ... } (in Python, columns={"user_id": ...}). '
        "If the sessions have no users, split.unit = "
        '"session" makes each session a user.'
    )
    columns = {"user_id": "session_id", "session_id": "session_id"}
    data = zoo.read_log(file, columns=columns)
    task = zoo.Task.of(data.log, zoo.Given(unit="session"), ALLOWED, data.catalogue, user_ids=data.user_ids)
    assert asked(task, "test") == prefixes(tables_of()[32:])


def test_sessions_that_are_users_have_no_last_session_to_hold_out(tmp_path):
    with pytest.raises(SplitError) as error:
        task_of(file_of(tmp_path, tables_of()), {"policy": "leave-last-out"})
    assert str(error.value) == (
        "the split leaves no validate queries (policy 'leave-last-out'; events: train 145, validate 0, test 0; users not held out: "
        "too few sessions: 40). Hold out more, or relax the rules of [evaluate]."
    )


def test_a_basket_column_may_have_another_canonical_name(tmp_path):
    table = pa.table({"user_id": [1, 1, 1], "item_id": [1, 2, 3], "timestamp": [START] * 3, "session_id": [1, 2, 3]})
    pq.write_table(table, tmp_path / "orders.parquet")
    log = zoo.read_log(tmp_path / "orders.parquet", columns={"basket_id": "session_id"}).log
    assert sorted(log.column("basket_id").to_pylist()) == [1, 2, 3]
