"""Folders that an earlier version wrote, one for each task: they load, and make the same report and the same rows.

A row may have further fields, which have their defaults.
"""

import json
import shutil
from pathlib import Path

import pytest

from zoo.benchmark.results_folder.export import export, read_runs
from zoo.benchmark.results_folder.store import Store
from zoo.benchmark.tables.report import markdown

FOLDERS = Path(__file__).parents[1] / "fixtures" / "benchmarks"


@pytest.mark.parametrize(("task", "labels"), [
    ("recommend", ["popular", "item-knn", "knn + lr", "gru4rec"]),
    ("rank", ["by x", "cosine", "neural-ranker"]),
])  # fmt: skip
def test_a_folder_loads_and_makes_the_same_files(tmp_path, task, labels):
    shutil.copytree(FOLDERS / task, tmp_path / "out")
    store = Store(tmp_path / "out")
    assert [row.label for row in store.rows()] == labels
    assert all(store.lists(row) is not None for row in store.rows())
    for name in ("report.md", "results.jsonl"):
        (tmp_path / "out" / name).unlink()
    store.compose(markdown)
    assert (tmp_path / "out" / "report.md").read_bytes() == (FOLDERS / task / "report.md").read_bytes()
    before, after = (
        [json.loads(line) for line in (folder / "results.jsonl").read_text(encoding="utf-8").splitlines()]
        for folder in (FOLDERS / task, tmp_path / "out")
    )
    assert [{key: row[key] for key in old} for old, row in zip(before, after, strict=True)] == before
    assert len(read_runs(export(store, tmp_path / "kept"))) == len(labels)
