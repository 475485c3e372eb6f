"""Tasks on real data: published counts, and the whole way from an experiment."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from zoo.config.experiment import EvaluateSettings
from zoo.config.load import experiment_from
from zoo.config.split_settings import Given, LeaveLastOut, Temporal
from zoo.data.catalogue import Catalogue
from zoo.data.interactions import Interactions
from zoo.data.task import Task, load_task
from zoo.errors import DataError


def task_on(data_dir, name, *, items=True, **sections):
    """Load one of the real data sets through an experiment."""
    source = {"name": "files", "interactions": str(data_dir / name / "interactions.parquet")}
    if items:
        source["items"] = str(data_dir / name / "items.parquet")
    data = {"source": source, **sections.pop("data", {})}
    return load_task(experiment_from({"data": data, "model": [{"predictor": "popular"}], **sections}))


def history_and_targets(task, part):
    """Return {user: (history, targets)} by their own ids."""
    q, ids, users = task.queries(part), task.catalogue.ids.to_pylist(), task.user_ids.to_pylist()
    h, t = q.histories, q.targets
    return {
        users[row]: (
            [ids[i] for i in h.items[h.offsets[n] : h.offsets[n + 1]]],
            {ids[i] for i in t.items[t.offsets[n] : t.offsets[n + 1]]},
        )
        for n, row in enumerate(q.row)
    }


def test_amazon_beauty_leaves_the_last_two_out(data_dir):
    task = task_on(data_dir, "amazon-beauty", data={"time": "position"}, split={"policy": "leave-last-out"})
    assert (task.log.n_users, task.log.n_items, len(task.log)) == (22_363, 12_101, 198_502)
    assert len(task.queries("test")) == len(task.queries("validate")) == 22_363
    assert len(task.training("validate")) == 198_502 - 2 * 22_363
    assert len(task.training("test")) == 198_502 - 22_363
    assert task.notes["test: cold targets"] == 52
    found = history_and_targets(task, "test")
    table = pq.read_table(data_dir / "amazon-beauty" / "interactions.parquet").to_pylist()
    for user in (1, 77, 22_363):
        items = [str(r["item_id"]) for r in sorted(table, key=lambda r: r["position"]) if r["user_id"] == user]
        assert found[str(user)] == (items[:-1], {items[-1]})
    titles = {
        str(r["item_id"]): r["title"] for r in pq.read_table(data_dir / "amazon-beauty" / "items.parquet").to_pylist()
    }
    ids = task.catalogue.ids.to_pylist()
    assert task.catalogue.column("title").to_pylist()[1:] == [titles[i] for i in ids[1:]]


def test_movielens_1m_leaves_the_last_out(data_dir):
    task = task_on(
        data_dir,
        "ml-1m",
        items=False,
        data={"time": "position"},
        split={"policy": "leave-last-out", "validation": False},
    )
    assert (task.log.n_users, task.log.n_items, len(task.log)) == (6_040, 3_416, 999_611)
    assert len(task.queries("test")) == 6_040
    assert len(task.training("test")) == len(task.training("validate")) == 999_611 - 6_040
    assert task.parts.held_out == ("test",)


def test_movielens_1m_has_films_without_an_id_which_must_be_dropped_explicitly(data_dir):
    sections = {"data": {"time": "position"}, "split": {"policy": "leave-last-out"}}
    with pytest.raises(
        DataError, match=r"items.parquet, row \d+: item_id is empty, expected an id \(rows without item_id: 467\)"
    ):
        task_on(data_dir, "ml-1m", **sections)
    sections["data"]["null_ids"] = "drop"
    assert len(task_on(data_dir, "ml-1m", **sections).catalogue) == 3_417


def test_gowalla_comes_split(data_dir):
    task = task_on(data_dir, "gowalla", items=False, data={"time": "file-order"}, split={"policy": "given"})
    assert (task.log.n_users, task.log.n_items) == (29_858, 40_981)
    assert len(task.training("test")) == 810_128
    queries = task.queries("test")
    assert (len(queries), len(queries.targets.items)) == (29_858, 1_027_370 - 810_128)
    assert queries.lengths.sum() == 810_128
    assert not queries.targets.cold.any()


def test_diginetica_asks_after_every_prefix_of_a_session(data_dir):
    task = task_on(
        data_dir,
        "diginetica-sessions",
        items=False,
        split={"policy": "given", "unit": "session"},
        evaluate={"exclude_seen": False},
    )
    assert len(task.queries("test")) == 60_858  # as published with SR-GNN
    assert int((task.training("test").lengths[task.training("test").lengths > 0] - 1).sum()) == 719_470
    assert task.queries("test").lengths.min() == 1


def test_yoochoose_asks_after_every_prefix_of_a_session(data_dir):
    split = {"policy": "given", "unit": "session"}
    task = task_on(data_dir, "yoochoose-100k", items=False, split=split, evaluate={"exclude_seen": False})
    table = pq.read_table(data_dir / "yoochoose-100k" / "interactions.parquet").to_pylist()
    for part, name in (("validate", "valid"), ("test", "test")):
        moments = {(row["session_id"], row["timestamp"]) for row in table if row["split"] == name}
        sessions = {session for session, _ in moments}
        assert len(task.queries(part)) == len(moments) - len(sessions)  # each moment but the first of a session


def test_online_retail_is_cut_in_time(data_dir):
    task = task_on(
        data_dir,
        "online-retail",
        data={"events": ["purchase"]},
        split={"policy": "temporal", "cuts": ["2011-09-01", "2011-11-01"]},
        evaluate={"eligible": {"is_product": True}},
    )
    assert len(task.log) == 397_924
    assert task.notes["left out: event 'cancel'"] == 8_905
    table = pq.read_table(data_dir / "online-retail" / "interactions.parquet").to_pylist()
    bought = [r for r in table if r["event"] == "purchase"]
    cut = 1_320_105_600_000  # 2011-11-01 UTC
    before, after = {}, {}
    for row in bought:
        (before if row["timestamp"] < cut else after).setdefault(str(row["user_id"]), set()).add(row["item_id"])
    items = pq.read_table(data_dir / "online-retail" / "items.parquet").to_pylist()
    products = {r["item_id"] for r in items if r["is_product"]}
    expected = {user: (after[user] & products) - before.get(user, set()) for user in after}
    found = history_and_targets(task, "test")
    assert {user: targets for user, (_, targets) in found.items()} == {u: t for u, t in expected.items() if t}
    assert all(set(history) == before.get(user, set()) for user, (history, _) in found.items())
    assert len(task.training("test")) == sum(r["timestamp"] < cut for r in bought)
    assert (task.queries("test").now == cut).all()
    assert int(task.eligible.sum()) == len(products)


def small(seed=0, **evaluate):
    rng = np.random.default_rng(seed)
    log = Interactions.from_arrays(rng.integers(0, 30, 500), rng.integers(1, 20, 500), rng.integers(0, 1000, 500))
    return Task.of(log, Temporal(), EvaluateSettings(**evaluate))


def test_a_task_can_be_made_of_a_log_alone():
    task = small()
    assert task.exclude_seen is True
    assert task.user_ids.to_pylist()[:2] == ["1", "2"]
    assert set(task.description()) == {"data", "events", "users", "items", "split", "evaluate"}


def test_the_description_tells_tasks_apart():
    log = small().log
    tasks = [
        small(),
        small(seed=1),
        small(exclude_seen=False),
        small(new_users=False),
        Task.of(log, Temporal(cuts=[0.7, 0.9])),
        Task.of(log, LeaveLastOut(policy="leave-last-out")),
        Task.of(log, Temporal(cold_items=0.3)),
        Task.of(log, Temporal(cold_items=0.3, seed=1)),
    ]
    described = [str(t.description()) for t in tasks]
    assert len(set(described)) == len(tasks)
    assert str(small().description()) == described[0]
    assert str(small(bootstrap=200).description()) == described[0]


def test_the_description_tells_apart_what_only_the_column_of_a_given_split_does():
    parts = [["train", "train", "test"], ["train", "test", "train"], ["train", "train", "test"]]
    tasks = [
        Task.of(
            Interactions.from_arrays(
                np.array([0, 0, 0]), np.array([1, 2, 3]), np.arange(3), source=pa.table({"split": column})
            ),
            Given(policy="given"),
        )
        for column in parts
    ]
    first, other, same = (task.description() for task in tasks)
    assert first["data"] == other["data"]
    assert first == same != other


def test_targets_are_a_set_and_those_without_a_price_are_counted():
    users, items = np.array([0, 0, 0, 0, 0, 1, 1]), np.array([1, 2, 2, 3, 4, 1, 3])
    log = Interactions.from_arrays(users, items, np.array([0, 5, 6, 7, 8, 1, 9]))
    ids = pa.array([None, *"abcd"])
    priced = Catalogue(ids, pa.table({"price": [None, 1.0, 2.0, None, None]}))
    task = Task.of(log, Temporal(cuts=[0.3]), catalogue=priced)
    assert task.notes["test: targets"] == 4  # 2, 3, 4 and 3: the second 2 is no further one
    assert task.notes["test: targets without a price"] == 3
    for column in (["", "cheap", "cheap", "", ""], [None, 1, 1, 1, 1]):
        task = Task.of(log, Temporal(cuts=[0.3]), catalogue=Catalogue(ids, pa.table({"price": column})))
        assert "test: targets without a price" not in task.notes


def test_a_sample_of_the_test_queries_is_the_same_each_time_and_is_stated():
    rng = np.random.default_rng(0)
    log = Interactions.from_arrays(
        rng.integers(0, 80, 800), rng.integers(1, 30, 800), rng.permutation(800), clock="timestamp"
    )
    whole = Task.of(log, Temporal(cuts=[0.5, 0.7]))
    tasks = [Task.of(log, Temporal(cuts=[0.5, 0.7]), EvaluateSettings(queries=20)) for _ in range(2)]
    first, second = (task.queries("test") for task in tasks)
    of_whole, of_first = (
        {
            int(row): set(one)
            for row, one in zip(q.row, np.split(q.answers().items, q.answers().offsets[1:-1]), strict=True)
        }
        for q in (whole.queries("test"), first)
    )
    assert len(first) == 20
    assert len(set(first.row)) == 20
    assert first.row.tolist() == second.row.tolist() != sorted(of_whole)[:20]
    assert of_first == {row: of_whole[row] for row in of_first}
    assert len(tasks[0].queries("validate")) == len(whole.queries("validate"))
    assert tasks[0].notes["test: queries"] == 20
    assert tasks[0].notes["test: targets"] == len(first.answers().items)
    assert tasks[0].description()["evaluate"]["queries"] == {"drawn": 20, "of": len(of_whole)}
    assert Task.of(log, Temporal(cuts=[0.5, 0.7]), EvaluateSettings(queries=800)).description() == whole.description()


def test_new_users_are_counted_and_may_be_left_out():
    log = Interactions.from_arrays(np.array([0, 0, 1]), np.array([1, 2, 1]), np.array([1, 10, 11]))
    asked, left_out = (
        Task.of(log, Temporal(cuts=[0.5]), EvaluateSettings(new_users=new_users)) for new_users in (True, False)
    )
    assert (len(asked.queries("test")), asked.notes["test: queries of new users"]) == (2, 1)
    assert (len(left_out.queries("test")), left_out.notes["test: queries without a history, left out"]) == (1, 1)


@pytest.mark.parametrize(
    ("wanted", "items"),
    [
        ({"sale": True}, [1, 3]),
        ({"sale": [True, False]}, [1, 2, 3]),
        ({"code": "007"}, [1]),
        ({"code": ["7", "NA"]}, [2, 3]),
        ({"size": 2}, [2]),
        ({"size": [2.0, 1]}, [1, 2]),
        ({"tags": "red"}, [1, 2]),
        ({"tags": ["blue", "green"], "sale": True}, [1]),
    ],
)
def test_items_are_eligible_by_the_values_of_their_columns(wanted, items):
    table = pa.table(
        {
            "sale": [None, "True", "FALSE", "true"],  # as a CSV file has it
            "code": [None, "007", "7", "NA"],
            "size": [None, 1.0, 2.0, None],
            "tags": [None, ["red", "blue"], ["red"], []],
        }
    )
    log = Interactions.from_arrays(np.array([0, 0, 0, 0]), np.array([1, 2, 3, 1]), np.arange(4))
    rules = EvaluateSettings(eligible=wanted, exclude_seen=False)
    task = Task.of(log, Temporal(cuts=[0.3]), rules, Catalogue(pa.array([None, "a", "b", "c"]), table))
    assert np.flatnonzero(task.eligible).tolist() == items


def test_eligible_columns_and_values_that_do_not_exist_are_refused(data_dir):
    sections = {"data": {"events": ["purchase"]}, "split": {"policy": "temporal"}}
    with pytest.raises(DataError) as error:
        task_on(data_dir, "online-retail", evaluate={"eligible": {"is_prodct": True}}, **sections)
    assert str(error.value).startswith(
        "evaluate.eligible: the catalogue has no column 'is_prodct'. Did you mean 'is_product'? Its columns: title, "
    )
    with pytest.raises(DataError) as error:
        task_on(data_dir, "online-retail", evaluate={"eligible": {"is_product": "yes"}}, **sections)
    assert str(error.value) == (
        "evaluate.eligible: no item has is_product = 'yes'. Most frequent values: 'true' (4,053 items), 'false' (17 items). "
        "Choose one of its values."
    )
