"""`zoo data describe`: each folder says which data it used; other folders are refused with what was expected."""

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from zoo.version import __version__

FIXTURES = Path(__file__).parents[1] / "fixtures"


@pytest.fixture
def experiment(tmp_path):
    """Return an experiment on files with a row without a user, copies, and a temporal split."""
    rng = np.random.default_rng(0)
    n = 3000
    events = {
        "customer": [None, *map(str, rng.integers(0, 60, n - 1))],
        "sku": rng.integers(0, 30, n),
        "timestamp": 1_700_000_000_000 + 60_000 * np.arange(n),
    }
    table = pa.table(events)
    pq.write_table(pa.concat_tables([table, table.slice(5, 7)]), tmp_path / "events.parquet")
    pq.write_table(
        pa.table({"customer": [str(u) for u in range(80)], "age": np.arange(80)}), tmp_path / "users.parquet"
    )
    file = tmp_path / "shop.toml"
    file.write_text(
        "references = false\n[data]\n"
        'source = { name = "files", interactions = "events.parquet", users = "users.parquet" }\n'
        'columns = { user_id = "customer", item_id = "sku" }\nuser_columns = { user_id = "customer" }\nnull_ids = "drop"\n'
        'clean = ["duplicates"]\n[split]\ncuts = [0.7, 0.8]\n[[model]]\npredictor = "popular"\n'
    )
    return file


def described(zoo, folder):
    """Return the description as JSON, and as the lines of the table."""
    lines = zoo("data", "describe", folder).stdout.splitlines()
    return json.loads(zoo("data", "describe", folder, "--json").stdout), [line.split(None, 1) for line in lines]


def test_a_benchmark_and_an_artifact_of_the_same_data_agree(zoo, experiment, tmp_path):
    zoo("bench", experiment, "--out", tmp_path / "run", "--keep-artifacts")
    zoo("fit", experiment, "--out", tmp_path / "shop")
    run, lines = described(zoo, tmp_path / "run")
    artifact, _ = described(zoo, tmp_path / "shop")
    (kept,) = [path.parent for path in (tmp_path / "run" / "runs").glob("*/zoo.json")]
    assert described(zoo, kept)[0] == {**artifact, "folder": str(kept)}
    for name in ("settings", "fingerprint", "counts", "cuts", "cleaners", "notes"):
        assert run[name] == artifact[name]
    assert (run["kind"], artifact["kind"]) == ("benchmark", "artifact")
    assert run["source"]["interactions"] == [str(tmp_path / "events.parquet")]
    assert artifact["source"]["interactions"] == ["events.parquet"]
    assert run["left_out"] == {
        f"rows of {tmp_path / 'events.parquet'} without user_id": 1,
        "cleaner duplicates, same user, item, time and event": 7,
    }
    assert artifact["left_out"] == {
        "rows of events.parquet without user_id": 1,
        "cleaner duplicates, same user, item, time and event": 7,
    }
    assert str(tmp_path) not in (tmp_path / "shop" / "zoo.json").read_text()
    assert run["settings"] == {
        "columns": {"user_id": "customer", "item_id": "sku"}, "user_columns": {"user_id": "customer"}, "null_ids": "drop",
    }  # fmt: skip
    assert run["counts"] == {"rows": 3007, "events": 2999, "users": 60, "items": 30}
    assert list(run["cuts"]) == ["validate", "test"]
    assert run["cuts"]["test"].startswith("2023-11-16 ")
    assert [cleaner["name"] for cleaner in run["cleaners"]] == ["shopzoo-cleaning/duplicates"]
    assert artifact["versions"]["shopzoo"] == __version__ == run["versions"]["shopzoo"].partition("+")[0]
    assert lines[0] == ["folder", f"{tmp_path / 'run'} (benchmark)"]
    assert ["fingerprint", run["fingerprint"]] in lines
    assert ["left", f"out     rows of {tmp_path / 'events.parquet'} without user_id: 1"] in lines
    assert ["users", "of the user table without an event: 20"] in lines


def test_cleaned_data(zoo, experiment, tmp_path):
    zoo("data", "clean", experiment, "--out", tmp_path / "cleaned")
    found, lines = described(zoo, tmp_path / "cleaned")
    assert found["kind"] == "cleaned data"
    assert found["source"]["interactions"] == [str(tmp_path / "events.parquet")]
    assert found["counts"] == {"rows": 3007, "rows of interactions": 2999, "rows of rejected": 8, "rows of users": 80}
    assert found["left_out"]["cleaner duplicates, same user, item, time and event"] == 7
    assert list(found["fingerprint"]) == ["interactions", "rejected", "users"]
    assert list(found["cuts"]) == ["cut 1", "cut 2"]
    assert found["versions"] == {"shopzoo": __version__}
    (cleaners,) = [line for line in lines if line[0] == "cleaners"]
    assert cleaners[1].startswith("duplicates")
    zoo("data", "clean", experiment, "--out", tmp_path / "again")
    assert described(zoo, tmp_path / "again")[0] == {**found, "folder": str(tmp_path / "again")}


def test_a_prepared_log_has_the_fingerprint_of_a_benchmark(zoo, experiment, tmp_path, monkeypatch):
    pytest.importorskip("duckdb", reason="preparing data needs DuckDB")
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    plain = ("--set", "data.clean=[]")
    zoo("data", "prepare", experiment, *plain)
    (folder,) = [path.parent for path in (tmp_path / "cache" / "prepared").glob("*/manifest.json")]
    zoo("bench", experiment, "--out", tmp_path / "run", *plain)
    found, run = (described(zoo, of)[0] for of in (folder, tmp_path / "run"))
    assert found["kind"] == "prepared log"
    assert found["fingerprint"] == run["fingerprint"]
    assert found["counts"] == run["counts"]
    assert found["settings"] == run["settings"]
    assert found["source"]["users"] == [str(tmp_path / "users.parquet")]
    assert found["versions"] == {"shopzoo": __version__}
    (folder / "items.bin").unlink()
    error = zoo("data", "describe", folder, code=2).stderr
    assert (
        f"{folder} is not whole, or was prepared by another version: a file that manifest.json lists is missing"
        in error
    )


@pytest.mark.parametrize(
    "folder", ["written_by_api_1/runs/finished", "written_by_api_1/runs/finished-rank", "benchmarks/rank"]
)
def test_older_folders_are_described(zoo, folder):
    found, _ = described(zoo, FIXTURES / folder)
    assert found["kind"] == "benchmark"
    assert found["source"]["name"].startswith("shopzoo/")
    assert len(found["fingerprint"]) == 32
    assert found["counts"]


def test_an_artifact_that_says_nothing_of_its_source_is_described_without(zoo):
    found, lines = described(zoo, FIXTURES / "written_by_api_1" / "artifacts" / "als" / "artifact")
    assert found["source"] == {}
    assert len(found["fingerprint"]) == 32
    assert ["source", "not stored"] in lines


def test_other_folders_are_refused(zoo, experiment, tmp_path):
    expected = (
        "expected the results of `zoo bench` (manifest.json), an artifact of `zoo fit` (zoo.json), data of `zoo data clean` "
        "(cleaned.json) or a prepared log of `zoo cache list` (manifest.json), and {}. Give one of these folders."
    )
    empty = tmp_path / "empty"
    empty.mkdir()
    for folder, found in (
        (empty, "it is empty"),
        (tmp_path / "nothing", "it does not exist"),
        (experiment, "it is a file"),
        (tmp_path, "it has empty, events.parquet, shop.toml, users.parquet"),
    ):
        assert f"{folder}: {expected.format(found)}" in zoo("data", "describe", folder, code=2).stderr
    (empty / "cleaned.json").write_text("[1")
    assert f"{empty / 'cleaned.json'} cannot be read: " in zoo("data", "describe", empty, code=2).stderr
    (empty / "cleaned.json").write_text("[1]")
    assert (
        "cleaned.json holds list, expected a table. Make the folder again"
        in zoo("data", "describe", empty, code=2).stderr
    )
    damaged = shutil.copytree(FIXTURES / "written_by_api_1" / "artifacts" / "als" / "artifact", tmp_path / "als")
    (damaged / "zoo.json").write_text("{}")
    assert "has no format number: it is not an artifact manifest" in zoo("data", "describe", damaged, code=2).stderr
