"""`zoo.read_log` reads what an experiment's `[data]` reads."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import zoo
from zoo.errors import ConfigError, DataError

EVENTS = {
    "user_id": ["b", "a", "a", "b", "a"],
    "item_id": ["x", "y", "x", "y", "z"],
    "timestamp": [1_700_000_000_000 + i for i in range(5)],
}


@pytest.fixture
def events(tmp_path):
    pq.write_table(pa.table(EVENTS), tmp_path / "events.parquet")
    return tmp_path / "events.parquet"


def test_it_reads_the_log_that_an_experiment_reads(events, tmp_path):
    items = tmp_path / "items.jsonl"
    items.write_text("".join(json.dumps({"item_id": name, "title": name.upper()}) + "\n" for name in "xyzw"))
    data = zoo.read_log(events, items, salt="s")
    source = {"name": "files", "interactions": str(events), "items": str(items)}
    task = zoo.load_task(zoo.load_experiment(_file(tmp_path, source)))
    for name in ("offsets", "items", "times"):
        assert np.array_equal(getattr(data.log, name), getattr(task.log, name))
    assert data.catalogue.ids.equals(task.catalogue.ids)
    assert data.catalogue.column("title").to_pylist() == [i and i.upper() for i in data.catalogue.ids.to_pylist()]
    assert data.user_ids.equals(task.user_ids)


def _file(folder, source):
    file = folder / "experiment.toml"
    pairs = ", ".join(f"{key} = {json.dumps(value)}" for key, value in source.items())
    file.write_text(
        f'[data]\nsource = {{ {pairs} }}\nsalt = "s"\n[split]\ncuts = [0.6]\n[[model]]\npredictor = "popular"\n'
    )
    return file


def test_its_settings_are_the_keys_of_data(events):
    data = zoo.read_log([str(events)], k_core={"item": 2})
    assert data.notes["events"] == len(data.log) == 4
    task = zoo.Task.of(data.log, zoo.LeaveLastOut(validation=False), catalogue=data.catalogue, user_ids=data.user_ids)
    assert len(task.queries("test")) == 2


def test_a_setting_that_does_not_exist_is_refused(events):
    with pytest.raises(ConfigError, match=r"data\.k_cores: .*Did you mean 'k_core'"):
        zoo.read_log(events, k_cores=2)
    with pytest.raises(ConfigError, match="pass the files or data frames as the first arguments"):
        zoo.read_log(events, source="files")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match=r"none\.parquet"):
        zoo.read_log(tmp_path / "none.parquet")


def test_a_log_shows_its_size_and_what_was_noted(events):
    assert repr(zoo.read_log(events)).startswith(
        "Data(5 events, 2 users, 3 items; 2.5 events per user (median); 2023-11-14T22:13:20Z to 2023-11-14T22:13:20Z; rows: 5; times read as: milliseconds"
    )


def test_a_dataset_is_read_like_its_tables():
    shop = zoo.load("synthetic-shop", customers=30, items=30, events=300)
    tables = shop.read()
    log, same = zoo.read_log(shop), zoo.read_log(tables.interactions, tables.items)
    assert (len(log.log), log.user_ids.to_pylist()) == (len(same.log), same.user_ids.to_pylist())
    assert log.catalogue.table.equals(same.catalogue.table)
    assert zoo.read_log(shop, {"item_id": ["p00000"], "title": ["one"]}, k_core=2).catalogue.columns == ["title"]
