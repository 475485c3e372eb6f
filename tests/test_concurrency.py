"""Two benchmarks, two fits, and a benchmark with a report in one folder at once: every round ends complete, nothing is lost."""

import json
import os
import subprocess
import sys

import pyarrow.parquet as pq
import pytest

import zoo
from zoo.benchmark.results_folder.store import Store

WORKER = """
import json, sys, traceback
import zoo
from zoo.benchmark.tables.report import markdown
from zoo.benchmark.results_folder.store import Store

DATA = {
    "references": False,
    "data": {"source": {"name": "synthetic-shop", "customers": 40, "items": 60, "events": 900}},
    "split": {"cuts": [0.8]},
    "evaluate": {"metrics": ["ndcg@5"], "bootstrap": 100},
}

def work(do, out, models):
    experiment = {**DATA, "model": [{"predictor": model} for model in models]}
    if do == "bench":
        return [row.error for row in zoo.bench(experiment, out, wait=True).rows()]
    if do == "fit":
        return [item.item_id for item in zoo.fit(experiment, out=out, wait=True).recommend("c000001", k=3)]
    times = 0
    while len(Store(out).rows()) < len(models) or times < 3:
        Store(out).compose(markdown)
        times += 1
    return times

print("ready", flush=True)
for line in sys.stdin:
    try:
        answer = work(**json.loads(line))
    except BaseException:
        answer = {"error": traceback.format_exc()}
    print(json.dumps(answer), flush=True)
"""
FIRST, SECOND = ("popular", "transition-graph"), ("popular", "transition-graph", "personal-popular", "random")


@pytest.fixture
def workers():
    """Return two processes that work on request."""
    started = [
        subprocess.Popen([sys.executable, "-c", WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    assert [process.stdout.readline() for process in started] == ["ready\n"] * 2
    yield started
    for process in started:
        process.communicate()


def at_once(workers, *requests):
    """Give each process a request at the same time, and return their answers."""
    for process, (do, out, models) in zip(workers, requests, strict=True):
        process.stdin.write(json.dumps({"do": do, "out": str(out), "models": models}) + "\n")
        process.stdin.flush()
    answers = [json.loads(process.stdout.readline()) for process in workers]
    failed = [answer["error"] for answer in answers if isinstance(answer, dict)]
    assert not failed, failed[0]
    return answers


def assert_complete(out, models):
    """Assert that the files of a benchmark are those of its runs."""
    assert [row.label for row in Store(out).rows()] == list(models)
    lines = [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]
    assert [line["label"] for line in lines] == list(models)
    assert set(pq.read_table(out / "lists.parquet")["model"].to_pylist()) == set(models)
    report = (out / "report.md").read_text()
    assert all(f"\n| {model} |" in report for model in models)
    assert "not finished yet" not in report
    assert not [name for name in os.listdir(out) if name.startswith(".")]


@pytest.mark.parametrize("rounds", [2, pytest.param(20, marks=pytest.mark.slow)])
@pytest.mark.robust
def test_nothing_is_lost(tmp_path, workers, rounds):
    for number in range(rounds):
        out, model = tmp_path / f"out-{number}", tmp_path / f"model-{number}"
        assert at_once(workers, ("bench", out, FIRST), ("bench", out, FIRST)) == [[None, None]] * 2
        assert_complete(out, FIRST)
        kept = {path: path.stat().st_mtime_ns for path in out.glob("runs/*")}
        one, other = at_once(workers, ("fit", model, ["item-knn"]), ("fit", model, ["item-knn"]))
        assert one == other == [item.item_id for item in zoo.load_artifact(model).recommend("c000001", k=3)]
        done, _ = at_once(workers, ("bench", out, SECOND), ("report", out, SECOND))
        assert done == [None] * 4
        assert_complete(out, SECOND)
        assert {path: path.stat().st_mtime_ns for path in kept} == kept  # no run was measured twice
        assert sorted(path.name for path in tmp_path.iterdir() if path.name.endswith(f"-{number}")) == [
            f"model-{number}",
            f"out-{number}",
        ]
