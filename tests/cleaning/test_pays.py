"""The measurement of what cleaning is worth asks models of raw and of cleaned data the same."""

import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import zoo
from zoo.config.load import experiment_from

HERE = Path(__file__).parent
CHEAP = {"seeds": [0], "threads": 1}


@pytest.fixture(scope="module")
def pays():
    """Return the script as a module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(HERE)
        yield importlib.import_module("pays")
    for name in ("pays", "dirty_shop"):
        sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def folder(pays, tmp_path_factory):
    """Return the folder of a small shop with planted defects."""
    folder = tmp_path_factory.mktemp("pays") / "planted"
    folder.mkdir()
    events, n_planted = importlib.import_module("dirty_shop").dirty_shop(400, 200, 12_000)
    assert n_planted > 0.2 * len(events)
    pq.write_table(events, folder / "events.parquet")
    pays.construct(folder)
    return folder


def task_of(pays, folder, data):
    return zoo.load_task(experiment_from(pays.experiment(folder, data, ["popular"], CHEAP)))


def asked(task):
    """Return the targets of each test query by user."""
    queries, ids = task.queries("test"), task.catalogue.ids
    found = queries.answers()
    users = task.user_ids.take(pa.array(queries.row)).to_pylist()
    items = [ids.take(pa.array(found[at : at + 1].items)).to_pylist() for at in range(len(queries))]
    return {user: sorted(own) for user, own in zip(users, items, strict=True)}


def test_the_targets_are_the_same_and_the_training_is_not(pays, folder):
    raw, cleaned = (task_of(pays, folder, data) for data in ("raw", "cleaned"))
    assert asked(raw) == asked(cleaned)
    assert len(asked(raw)) > 50
    about = json.loads((folder / "experiment.json").read_text())
    assert len(raw.training("test")) - len(cleaned.training("test")) == about["removed"] > 500


def test_planted_rows_before_the_test_are_in_the_raw_data_only(pays, folder):
    cut = np.datetime64(
        json.loads((folder / "experiment.json").read_text())["split"]["cuts"][1].removesuffix("Z"), "ms"
    )
    tables = {name: pq.read_table(folder / f"{name}.parquet") for name in ("events", "raw", "cleaned")}
    stray = {name: int(np.count_nonzero(table["timestamp"].to_numpy() == 0)) for name, table in tables.items()}
    returned = {name: int(np.count_nonzero(table["quantity"].to_numpy() < 0)) for name, table in tables.items()}
    assert stray["events"] > stray["raw"] > stray["cleaned"] == 0  # those of sessions in the test are in neither
    assert returned["events"] > returned["raw"] > returned["cleaned"] == 0
    late = [table["timestamp"].to_numpy() >= cut.astype(np.int64) for table in (tables["raw"], tables["cleaned"])]
    assert late[0].sum() == late[1].sum() > 0


def test_rejected_events_lie_before_the_test_if_the_rest_of_their_session_does(pays):
    kept = pa.table({"session_id": [1, 1, 2], "timestamp": [5, 12, 7]})
    rejected = pa.table({"session_id": [1, 2, 2, 3], "timestamp": [6, 8, 11, 9]})
    assert pays.before(rejected, kept, 10, "session").tolist() == [False, True, False, True]
    assert pays.before(rejected, kept, 10, "event").tolist() == [True, True, False, True]


def test_the_table_compares_both_on_all_queries_and_goes_on_where_it_was(pays, folder):
    lines = list(pays.table("planted", folder, ["popular", "item-knn"], CHEAP))
    assert [line.split(" | ")[2] for line in lines] == ["popular", "item-knn"]
    rows = zoo.BenchmarkResult(folder / "on-cleaned").rows()
    assert {row.label for row in rows} == {"popular", "item-knn", "popular on raw data", "item-knn on raw data"}
    assert {row.queries for row in rows} == {len(asked(task_of(pays, folder, "cleaned")))}
    own = {row.label: row.metrics["ndcg@10"][0] for row in zoo.BenchmarkResult(folder / "on-raw").rows()}
    judged = {row.label.removesuffix(" on raw data"): row.metrics["ndcg@10"][0] for row in rows if row.external}
    assert own == pytest.approx(judged)  # the task of the raw data gives the same figure
    assert list(pays.table("planted", folder, ["popular", "item-knn"], CHEAP)) == lines
