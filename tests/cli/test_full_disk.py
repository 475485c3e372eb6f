"""A full disk: each command ends with a sentence, nothing is half written, and the same command goes on when there is room.

The limit on the size of a file stands in for the disk: a write beyond it fails, as on a full disk.
"""

import json
import re
import resource
import sys
from contextlib import contextmanager

import pyarrow.parquet as pq
import pytest

EXPERIMENT = """
references = false
[data]
source = { name = "synthetic-shop", customers = 60, items = 40, events = 900 }
[split]
policy = "leave-last-out"
[evaluate]
metrics = ["ndcg@5"]
[[model]]
predictor = "popular"
[[model]]
predictor = "item-knn"
"""
SIZES = (100, 1500, 2500, 4000)
"""Bytes of a file that the disk takes: less than the manifest, than a row, than the report."""


@contextmanager
def room_for(size):
    """Limit the size of files; meanwhile, Python writes no bytecode, which it would leave cut off."""
    writes_none, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        sys.dont_write_bytecode = writes_none


@pytest.fixture
def experiment(tmp_path):
    file = tmp_path / "shop.toml"
    file.write_text(EXPERIMENT)
    return file


def check_whole(folder):
    """Check that no file of a benchmark is half written, and that nothing hidden is left."""
    for path in folder.rglob("*"):
        assert not path.name.startswith("."), path
        if path.suffix == ".json":
            json.loads(path.read_text())
        if path.suffix == ".parquet":
            pq.read_table(path)


def content(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_benchmark(zoo, experiment, tmp_path):
    out = tmp_path / "out"
    for size in SIZES:
        with room_for(size):
            stderr = zoo("bench", experiment, "--out", out, code=2).stderr
        last = stderr.splitlines()[-1]
        assert last.startswith(f"zoo: {out}/")
        assert (
            " cannot be written: File too large. Finished runs are kept: free some space or choose another folder"
            in last
        )
        check_whole(out)
    zoo("bench", experiment, "--out", out)
    assert "runs are not finished" not in (out / "report.md").read_text()
    assert len((out / "results.jsonl").read_text().splitlines()) == 2


def test_a_report_keeps_the_one_before(zoo, experiment, tmp_path):
    out = tmp_path / "out"
    zoo("bench", experiment, "--out", out)
    before = content(out)
    with room_for(1500):
        stderr = zoo("report", out, code=2).stderr
    assert " cannot be written: File too large. " in stderr
    assert content(out) == before
    with room_for(100_000):
        zoo("report", out)
    kept = tmp_path / "kept"
    before = content(out)
    with room_for(2 * len((out / "report.html").read_bytes())):
        zoo("report", out)  # what a report needs is room for it
    assert content(out).keys() == before.keys()
    zoo("report", out, "--keep", kept)
    (lines,) = kept.iterdir()
    assert len(lines.read_text().splitlines()) == 2


def test_a_fit_and_recommendations(zoo, experiment, tmp_path):
    out, lists = tmp_path / "artifact", tmp_path / "lists.csv"
    with room_for(600):
        stderr = zoo("fit", experiment, "--model", "item-knn", "--out", out, code=2).stderr
    assert stderr.splitlines()[-1].startswith(f"zoo: {out} cannot be written: ")
    assert stderr.splitlines()[-1].endswith("Free some space, or choose another folder.")
    assert [path.name for path in tmp_path.iterdir()] == ["shop.toml"]
    zoo("fit", experiment, "--model", "item-knn", "--out", out)
    users = pq.read_table(out / "users.parquet")["user_id"].to_pylist()[:30]
    (tmp_path / "queries.csv").write_text("user_id\n" + "".join(f"{user}\n" for user in users))
    lists.write_text("before")
    for ending in ("csv", "parquet", "jsonl"):
        target = lists.with_suffix(f".{ending}")
        with room_for(300):
            stderr = zoo("recommend", out, "--queries", tmp_path / "queries.csv", "--out", target, code=2).stderr
        assert stderr.startswith(f"zoo: {target} cannot be written: ")
    assert lists.read_text() == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["artifact", "lists.csv", "queries.csv", "shop.toml"]
    zoo("recommend", out, "--queries", tmp_path / "queries.csv", "--out", lists)
    assert len(lists.read_text().splitlines()) > 30


def test_cleaned_data(zoo, experiment, tmp_path):
    out = tmp_path / "place" / "cleaned"
    out.parent.mkdir()
    clean = ("data", "clean", experiment, "--out", out, "--set", 'data.clean=["duplicates"]')
    for size in SIZES:
        with room_for(size):
            stderr = zoo(*clean, code=2).stderr
        assert stderr.splitlines()[-1].startswith(
            f"zoo: --out: {out} cannot be written: File too large. It needs up to "
        )
        assert re.search(
            r"needs up to [\d.]+ \w+ of disk, and [\d.,]+ \w+ are free\. Free space on its disk, or choose", stderr
        )
        assert list(out.parent.iterdir()) == []
    zoo(*clean)
    assert {path.name for path in out.iterdir()} == {
        "cleaned.json",
        "interactions.parquet",
        "items.parquet",
        "rejected.parquet",
        "report.md",
    }
