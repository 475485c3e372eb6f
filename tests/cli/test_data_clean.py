"""`zoo data clean`."""

import json
import os
import shutil
import subprocess
import sys
import tomllib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from zoo import read_log

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


@pytest.mark.parametrize("numbers", [int, float, str])
def test_items_that_others_replace_are_gone_whatever_the_type_of_ids(zoo, plugin, tmp_path, numbers):
    sku = [numbers(item) for item in (1, 2, 3, 2)]
    pq.write_table(pa.table({"user_id": [1, 1, 2, 2], "item_id": sku, "timestamp": [1, 2, 3, 4], "price": [1.0] * 4}), tmp_path / "events.parquet")  # fmt: skip
    items = {"item_id": [numbers(item) for item in (1, 2, 3, 4)], "title": ["A", "B", "B", "C"]}
    pq.write_table(pa.table(items), tmp_path / "items.parquet")
    (tmp_path / "shop.toml").write_text(
        '[data]\nsource = { name = "files", interactions = "events.parquet", items = "items.parquet" }\nclean = "alike"\n'
        '[[model]]\npredictor = "popular"\n'
    )
    zoo("data", "clean", tmp_path / "shop.toml", "--out", tmp_path / "out", "--plugin", plugin)
    assert pq.read_table(tmp_path / "out" / "items.parquet")["title"].to_pylist() == ["A", "B", "C"]


def test_nothing_is_lost(zoo, experiment, plugin, tmp_path):
    out = tmp_path / "cleaned"
    lines = zoo("data", "clean", experiment, "--out", out, "--plugin", plugin).stdout.splitlines()
    assert lines[:-2] == [
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


def test_sessions_without_users_keep_their_columns(zoo, plugin, tmp_path):
    events = {"session_id": [1, 1, 2], "item_id": ["a", "b", "a"], "timestamp": [1, 2, 3], "price": [1.0, 500.0, 2.0]}
    pq.write_table(pa.table(events), tmp_path / "clicks.parquet")
    file = tmp_path / "clicks.toml"
    file.write_text(
        '[data]\nsource = { name = "files", interactions = "clicks.parquet" }\nclean = ["dear"]\n'
        '[split]\nunit = "session"\n[[model]]\npredictor = "popular"\n'
    )
    zoo("data", "clean", file, "--out", tmp_path / "cleaned", "--plugin", plugin)
    kept, rejected = (pq.read_table(tmp_path / "cleaned" / f"{name}.parquet") for name in ("interactions", "rejected"))
    assert kept.column_names == list(events)
    assert kept["session_id"].to_pylist() == [1, 2]
    assert rejected.select(list(events)).to_pylist() == [
        {"session_id": 1, "item_id": "b", "timestamp": 2, "price": 500.0}
    ]


def test_users_are_written_under_canonical_names(zoo, experiment, plugin, tmp_path):
    pq.write_table(pa.table({"customer": [1, 2, 3], "age": [20, 30, 40]}), tmp_path / "users.parquet")
    users = ["--set", "data.source.users=users.parquet", "--set", 'data.user_columns={user_id = "customer"}']
    lines = zoo("data", "clean", experiment, "--out", tmp_path / "out", "--plugin", plugin, *users).stdout.splitlines()
    assert lines[-3].endswith("2 rows of items, 3 rows of users")
    assert pq.read_table(tmp_path / "out" / "users.parquet").to_pydict() == {"user_id": [1, 2, 3], "age": [20, 30, 40]}


def test_the_line_for_an_experiment_file_reads_what_was_written(zoo, experiment, plugin, tmp_path):
    shown = zoo("data", "clean", experiment, "--out", tmp_path / "out", "--plugin", plugin).stdout.splitlines()
    assert shown[-2] == (
        "In an experiment file they stand in place of source, clean, columns, item_columns and user_columns of [data]:"
    )
    source = tomllib.loads(shown[-1])["source"]
    assert source.pop("name") == "files"
    assert [*source] == ["interactions", "items"]
    assert len(read_log(source["interactions"], items=source["items"]).log) == 3


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


def test_preparing_a_log_with_cleaners_says_to_write_it_first(zoo, experiment, plugin):
    shown = zoo("data", "prepare", experiment, "--plugin", plugin, code=2).stderr
    assert "data.clean lists cleaners, and a log with cleaners is read into memory" in shown
    assert f"Write the cleaned files once, `zoo data clean {experiment} --out DIR`, and prepare those." in shown


KILLED = """
import os, signal, sys
import pyarrow.parquet as pq
from zoo.cli.main import main

number, out, arguments = int(sys.argv[1]), os.path.realpath(sys.argv[2]), sys.argv[3:]
moments = 0


def pass_moment():
    global moments
    moments += 1
    if moments == number:
        os.kill(os.getpid(), signal.SIGKILL)


def count(event, args):
    if args and event.startswith(("open", "os.", "shutil.")) and os.path.basename(out) in str(args[0]):
        pass_moment()


write_table = pq.write_table


def write(table, file, **options):  # the files are written outside Python, where no audit event tells of them
    write_table(table.slice(0, table.num_rows // 2), file)
    pass_moment()
    write_table(table, file, **options)
    pass_moment()


pq.write_table = write
sys.addaudithook(count)
main(["data", "clean", *arguments, "--out", out], standalone_mode=False)
print(moments, file=sys.stderr)
"""


@pytest.mark.robust
def test_killed_at_every_moment(zoo, experiment, plugin, tmp_path):
    out = tmp_path / "place" / "cleaned"
    out.parent.mkdir()

    def run(number):
        command = [sys.executable, "-c", KILLED, str(number), str(out), str(experiment)]
        return subprocess.run([*command, "--plugin", str(plugin)], capture_output=True, text=True, check=False)

    def content():
        return {file.name: pq.read_table(file).to_pydict() for file in sorted(out.glob("*.parquet"))} | {
            "report.md": (out / "report.md").read_text()
        }

    whole = run(0)
    assert whole.returncode == 0, whole.stderr
    expected, moments = content(), int(whole.stderr.split()[-1])
    assert len(expected) == 4
    assert moments >= 15
    for number in range(1, moments + 1):
        shutil.rmtree(out)
        assert run(number).returncode == -9
        if out.exists():
            assert content() == expected
            shutil.rmtree(out)
        zoo("data", "clean", experiment, "--plugin", plugin, "--out", out)
        assert content() == expected
        assert os.listdir(out.parent) == ["cleaned"]  # what the killed process left is gone
