"""`zoo data clean`."""

import json
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

PLUGIN = """
import numpy as np
from zoo.api import Cleaned, Cleaner, ComponentSpec, Flag, Params, hookimpl


class NoParams(Params):
    pass


class Dear(Cleaner[NoParams]):
    def clean(self, data):
        return Cleaned((Flag(data.log.column("price").to_numpy() > 100, "dear"),))


class Alike(Cleaner[NoParams]):
    def clean(self, data):
        titles = data.catalogue.column("title").to_pylist()
        return Cleaned(items=np.array([titles.index(title) for title in titles]))


@hookimpl
def zoo_components():
    return [
        ComponentSpec("dear", "cleaner", "cleaners_of_a_test:Dear", NoParams, "Removes what is dear.", api=2),
        ComponentSpec("alike", "cleaner", "cleaners_of_a_test:Alike", NoParams, "Merges titles.", api=2),
    ]
"""


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    """Return a plugin with two cleaners."""
    file = tmp_path_factory.mktemp("plugin") / "cleaners_of_a_test.py"
    file.write_text(PLUGIN)
    return file


@pytest.fixture
def experiment(tmp_path):
    """Return an experiment with columns of other names, a row without an item, a dear row and an item under two ids."""
    events = {
        "customer": [2, 1, 1, 2, 1],
        "sku": ["b", "a", "c", None, "b"],
        "timestamp": [5, 1, 2, 3, 4],
        "price": [1.0, 500.0, 2.0, 3.0, 4.0],
        "shop": ["x", "y", "x", "y", "x"],
    }
    pq.write_table(pa.table(events), tmp_path / "events.parquet")
    pq.write_table(pa.table({"item_id": ["a", "b", "c"], "title": ["A", "B", "B"]}), tmp_path / "items.parquet")
    file = tmp_path / "shop.toml"
    file.write_text(
        '[data]\nsource = { name = "files", interactions = "events.parquet", items = "items.parquet" }\n'
        'columns = { user_id = "customer", item_id = "sku" }\nnull_ids = "drop"\nclean = ["dear", "alike"]\n'
        '[[model]]\npredictor = "popular"\n'
    )
    return file


def test_nothing_is_lost(zoo, experiment, plugin, tmp_path):
    out = tmp_path / "cleaned"
    lines = zoo("data", "clean", experiment, "--out", out, "--plugin", plugin).stdout.splitlines()
    assert lines == [
        "left out: rows of " + str(tmp_path / "events.parquet") + " without item_id: 1",
        "left out: cleaner dear, dear: 1",
        "items replaced: cleaner alike, the same article: 1",
        f"{out}: 3 rows of interactions, 2 rows of rejected, 2 rows of items",
    ]
    kept, rejected, items = (pq.read_table(out / f"{name}.parquet") for name in ("interactions", "rejected", "items"))
    assert kept.to_pydict() == {
        "user_id": [2, 1, 1],
        "item_id": ["b", "b", "b"],
        "timestamp": [5, 2, 4],
        "price": [1.0, 2.0, 4.0],
        "shop": ["x", "x", "x"],
    }
    assert rejected.to_pydict() == {
        "user_id": [1, 2],
        "item_id": ["a", None],
        "timestamp": [1, 3],
        "price": [500.0, 3.0],
        "shop": ["y", "y"],
        "cleaner": ["dear", "[data]"],
        "reason": ["dear", "no id, or left out by data.events or data.until"],
    }
    assert items.column("item_id").to_pylist() == ["a", "b"]
    report = (out / "report.md").read_text()
    assert "- `rejected.parquet`: 2 rows" in report
    assert "| left out: cleaner dear, dear | 1 |" in report


def test_an_existing_folder_and_no_cleaner_are_refused(zoo, experiment, plugin, tmp_path):
    out = tmp_path / "cleaned"
    arguments = ("data", "clean", experiment, "--plugin", plugin, "--out")
    assert "data.clean lists no cleaner" in zoo(*arguments, out, "--set", "data.clean=[]", code=2).stderr
    assert not out.exists()
    out.mkdir()
    assert "exists already. Choose a new folder" in zoo(*arguments, out, code=2).stderr
    assert os.listdir(out) == []


def test_the_counts_stand_in_the_report_of_a_benchmark(zoo, plugin, tmp_path):
    file = tmp_path / "shop.toml"
    file.write_text(
        'references = false\n[data]\nsource = { name = "synthetic-shop", customers = 60, items = 80, events = 1500 }\n'
        'clean = ["dear"]\n[evaluate]\nbootstrap = 100\nmetrics = ["ndcg@5"]\n[[model]]\npredictor = "popular"\n'
    )
    zoo("bench", file, "--plugin", plugin, "--out", tmp_path / "results")
    assert "left out: cleaner dear, dear" in (tmp_path / "results" / "report.md").read_text()
    manifest = json.loads((tmp_path / "results" / "manifest.json").read_text())
    assert "cleaners_of_a_test/dear" in json.dumps(manifest)
