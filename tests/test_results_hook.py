"""The hook `zoo_results`: a tracker gets every stored row, and its errors end nothing."""

import json
import sys
from pathlib import Path

import pytest

import zoo
from zoo.benchmark.progress import Progress

EXAMPLES = Path(__file__).parents[1] / "examples" / "plugins"
EXPERIMENT = {
    "data": {"source": {"name": "synthetic-shop", "customers": 60, "items": 40, "events": 1500, "seed": 0}},
    "evaluate": {"metrics": ["ndcg@5", "gini@5"]},
    "references": False,
    "model": [{"predictor": "popular"}, {"predictor": {"name": "gru4rec", "dim": 8}, "train": {"max_epochs": 1}}],
}


class Warnings(Progress):
    """Keeps what failed beside the runs."""

    def __init__(self):
        self.texts = []

    def warned(self, text):
        self.texts.append(text)


def tracker(folder, name, body):
    """Write a plugin with the hook, and return its file."""
    file = folder / f"{name}.py"
    file.write_text(f"from zoo.api import hookimpl\nROWS = []\n@hookimpl\ndef zoo_results(row):\n    {body}\n")
    return file


def test_a_tracker_gets_each_row_once_as_it_is_stored(tmp_path):
    file = tracker(tmp_path, "keeps_rows", "ROWS.append(row)")
    store = zoo.bench(EXPERIMENT, tmp_path / "out", plugins=[file])
    rows = sys.modules["keeps_rows"].ROWS
    assert [row["label"] for row in rows] == ["popular", "gru4rec"]
    stored = [json.loads((tmp_path / "out" / "runs" / f"{row.key}.json").read_text()) for row in store.rows()]
    assert rows == stored
    zoo.bench(EXPERIMENT, tmp_path / "out", plugins=[file])  # finished runs are not told again
    assert len(rows) == 2


def test_a_row_that_failed_is_told_too(tmp_path):
    file = tracker(tmp_path, "keeps_failures", "ROWS.append(row['error'])")
    model = {"predictor": {"name": "ease", "l2": 1e-30}, "label": "singular"}
    zoo.bench({**EXPERIMENT, "model": [model]}, tmp_path / "out", plugins=[file])
    (error,) = sys.modules["keeps_failures"].ROWS
    assert "l2" in error


def test_an_error_of_a_tracker_is_told_and_ends_nothing(tmp_path):
    file, warnings = tracker(tmp_path, "cannot_log", "raise OSError('no server')"), Warnings()
    store = zoo.bench(EXPERIMENT, tmp_path / "out", plugins=[file], progress=warnings)
    assert [row.error for row in store.rows()] == [None, None]
    assert len(warnings.texts) == 2
    assert warnings.texts[0].startswith("zoo_results of the plugin cannot_log file failed: OSError: no server")
    assert warnings.texts[0].endswith("Fix it, or run without --plugin.")


def test_a_tracker_is_no_part_of_a_rows_key(tmp_path):
    plain = zoo.bench(EXPERIMENT, tmp_path / "plain").rows()
    tracked = zoo.bench(EXPERIMENT, tmp_path / "out", plugins=[tracker(tmp_path, "passes_by", "pass")]).rows()
    assert [row.key for row in plain] == [row.key for row in tracked]


def test_the_example_logs_rows_in_mlflow(tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow", reason="MLflow is not installed: pip install mlflow-skinny")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow.set_tracking_uri((tmp_path / "mlruns").as_uri())
    store = zoo.bench(EXPERIMENT, tmp_path / "out", plugins=[EXAMPLES / "mlflow_rows.py"])
    runs = {run.info.run_name: run.data for run in mlflow.search_runs(output_format="list")}
    assert set(runs) == {"popular", "gru4rec, seed 0"}
    for row in store.rows():
        name = row.label if row.seed is None else f"{row.label}, seed {row.seed}"
        assert runs[name].metrics["ndcg_at_5"] == pytest.approx(row.metrics["ndcg@5"][0])
    assert runs["gru4rec, seed 0"].params["predictor.dim"] == "8"


def test_the_example_takes_apart_what_a_row_has(tmp_path):
    """What it gives MLflow, without MLflow."""
    (row,) = zoo.bench({**EXPERIMENT, "model": EXPERIMENT["model"][:1]}, tmp_path / "out").rows()
    stored = json.loads((tmp_path / "out" / "runs" / f"{row.key}.json").read_text())
    names = {}
    exec((EXAMPLES / "mlflow_rows.py").read_text(encoding="utf-8"), names)
    figures = dict(names["figures"](stored))
    assert figures["ndcg_at_5"] == row.metrics["ndcg@5"][0]
    assert {"gini_at_5", "fit_seconds", "p50_ms"} <= set(figures)
    stored["metrics"]["ndcg@5"] = [0.5, 0.4, 0.6]
    found = dict(names["figures"](stored))
    assert [found[f"ndcg_at_5{end}"] for end in ("", "_low", "_high")] == [0.5, 0.4, 0.6]
    assert names["flat"]({"a": {"b": [1, {"c": 2}]}, "d": []}) == {"a.b.0": 1, "a.b.1.c": 2, "d": []}
