"""Facts about the test queries and the sampled users: files beside the runs, from the data alone."""

import json
from hashlib import blake2b

import numpy as np
import pyarrow.parquet as pq
import pytest

import zoo
from zoo.benchmark.results_folder.queried_users import _KEY, SHOWN_EVENTS
from zoo.benchmark.results_folder.store import Store
from zoo.benchmark.results_folder.user_sample import read_query_facts, read_sample
from zoo.config.load import experiment_from
from zoo.data.task import load_task
from zoo.errors import ResultsError
from zoo.evaluation.query_slices import slice_queries

EXPERIMENT = {
    "data": {"source": {"name": "synthetic-shop", "customers": 150, "items": 80, "events": 6000}},
    "split": {"policy": "temporal", "cuts": [0.7, 0.8]},
    "evaluate": {"metrics": ["ndcg@5"], "bootstrap": 100},
    "model": [{"predictor": "popular"}, {"predictor": "item-knn"}],
}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return zoo.bench(EXPERIMENT, tmp_path_factory.mktemp("shop") / "out")


@pytest.fixture(scope="module")
def task():
    return load_task(experiment_from(EXPERIMENT))


def test_the_facts_are_those_of_each_query(store, task):
    facts = read_query_facts(store)
    queries, targets = task.queries("test"), task.queries("test").answers()
    lists = store.lists(store.rows()[0])
    assert facts["user_id"].to_pylist() == lists["user_id"].to_pylist()
    assert facts["now"].cast("int64").to_pylist() == lists["now"].to_pylist()
    categories = task.catalogue.column("category").to_pylist()
    for at in range(len(queries)):
        items = targets.items[targets.offsets[at] : targets.offsets[at + 1]]
        names = [categories[item] for item in items]
        assert names.count(facts["category"][at].as_py()) == max(map(names.count, names))


def test_the_groups_are_those_of_the_slices_and_in_their_order(store, task):
    facts = read_query_facts(store)
    expected = slice_queries(task.queries("test"), task.training("test").counts())
    assert {found.name for found in expected} >= {"history", "targets"}
    for found in expected:
        assert (np.array(facts[found.name].to_pylist()) == found.value).tolist() == found.queries.tolist()
    groups = json.loads(facts.schema.metadata[b"groups"])
    assert [(name, value) for name, values in groups.items() for value in values] == [
        (f.name, f.value) for f in expected
    ]


def test_a_keyed_hash_of_the_ids_chooses_the_users(store, task):
    sample = read_sample(store)
    users = set(read_query_facts(store)["user_id"].to_pylist())
    expected = sorted(users, key=lambda user: blake2b(user.encode(), key=_KEY, digest_size=16).digest())[:20]
    assert [user.user for user in sample.users] == expected


def test_a_sampled_user_has_history_targets_and_items_with_titles(store, task):
    sample = read_sample(store)
    queries, ids = task.queries("test"), task.catalogue.ids
    for user in sample.users:
        query = queries[user.query : user.query + 1]
        items = query.histories.items[-SHOWN_EVENTS:]
        assert [event.item for event in user.history] == [ids[int(i)].as_py() for i in items]
        assert user.events == int(query.lengths[0])
        assert user.targets == [ids[int(i)].as_py() for i in query.answers().items]
        for row in store.rows():
            assert set(store.lists(row)["items"][user.query].as_py()) <= set(sample.items)
        assert {event.item for event in user.history} | set(user.targets) <= set(sample.items)
    titles = dict(zip(ids.to_pylist(), task.catalogue.column("title").to_pylist(), strict=True))
    prices = dict(zip(ids.to_pylist(), task.catalogue.numbers("price"), strict=True))
    for name, item in sample.items.items():
        assert (item.title, item.price) == (titles[name], prices[name])


def test_the_sample_does_not_depend_on_the_models(store, tmp_path):
    other = zoo.bench({**EXPERIMENT, "model": [{"predictor": "random"}]}, tmp_path / "out")
    assert read_sample(other).users == read_sample(store).users


def test_a_log_without_a_clock_or_a_catalogue_has_what_it_has(tmp_path):
    lines = ["user_id,item_id,position"]
    lines += [f"u{user},i{(user + step) % 7},{step}" for user in range(30) for step in range(6)]
    (tmp_path / "events.csv").write_text("\n".join(lines) + "\n")
    experiment = {
        "data": {"source": {"name": "files", "interactions": str(tmp_path / "events.csv")}, "time": "position"},
        "split": {"policy": "leave-last-out"},
        "evaluate": {"metrics": ["ndcg@3"], "bootstrap": 100, "exclude_seen": False},
        "model": [{"predictor": "popular"}],
    }
    store = zoo.bench(experiment, tmp_path / "out")
    facts, sample = read_query_facts(store), read_sample(store)
    assert "category" not in facts.column_names
    assert str(facts.schema.field("now").type) == "int64"
    assert {user.now for user in sample.users} == {None}
    assert {item.title for item in sample.items.values()} == {None}


def test_a_folder_without_the_files_has_neither(tmp_path):
    assert read_query_facts(Store(tmp_path)) is None
    assert read_sample(Store(tmp_path)) is None


@pytest.mark.parametrize(("content", "problem"), [
    ("{", "Expecting property name"),
    ('{"users": 3}', "users: input should be a valid list"),
    (json.dumps({"users": [], "format": 2}), "format: input should be 1"),
])  # fmt: skip
def test_a_damaged_sample_is_named(tmp_path, content, problem):
    (tmp_path / "sample_users.json").write_text(content)
    with pytest.raises(
        ResultsError, match=rf"sample_users.json cannot be read: {problem}.*Remove it and run the benchmark again"
    ):
        read_sample(Store(tmp_path))


def test_damaged_facts_are_named(tmp_path):
    (tmp_path / "queries.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(
        ResultsError, match=r"queries.parquet cannot be read: .*which writes it anew and keeps the finished runs"
    ):
        read_query_facts(Store(tmp_path))


def test_a_finished_folder_gets_the_files_without_a_new_run(store, tmp_path):
    out = zoo.bench(EXPERIMENT, tmp_path / "out").folder
    keys = sorted((out / "runs").iterdir())
    before = [file.stat().st_mtime_ns for file in keys]
    for name in ("queries.parquet", "sample_users.json"):
        (out / name).unlink()
    again = zoo.bench(EXPERIMENT, out)
    assert [file.stat().st_mtime_ns for file in sorted((out / "runs").iterdir())] == before
    assert pq.read_table(out / "queries.parquet").equals(read_query_facts(store))
    assert read_sample(again) == read_sample(store)
