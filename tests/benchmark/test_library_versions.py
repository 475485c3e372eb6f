"""A folder that has rows of several versions of a library names them; callbacks of plugins belong to a run."""

import json
import sys

import numpy as np
import torch

import zoo
from zoo.benchmark.progress import Progress

CONFIG = {
    "data": {"source": {"name": "synthetic-shop", "customers": 60, "items": 40}},
    "split": {"cuts": [0.7, 0.85]},
    "evaluate": {"metrics": ["ndcg@5"], "bootstrap": 100},
    "references": False,
    "model": [{"predictor": "popular"}, {"predictor": "transition-graph"}],
}
SMALL = {"predictor": {"name": "sasrec", "dim": 8, "length": 5}, "train": {"max_epochs": 1}}


class Seen(Progress):
    def __init__(self):
        self.notes, self.resumed = [], {}

    def differs(self, note):
        self.notes.append(note)

    def finished(self, row, *, resumed):
        self.resumed[row.label] = resumed


def bench(out, config=CONFIG, **more):
    seen = Seen()
    zoo.bench(config, out, progress=seen, **more)
    return seen


def test_a_folder_that_is_resumed_with_other_libraries_names_the_difference(tmp_path):
    out = tmp_path / "out"
    assert bench(out).notes == [""]
    file = next(path for path in (out / "runs").glob("*.json") if json.loads(path.read_text())["label"] == "popular")
    row = json.loads(file.read_text())
    row["versions"] |= {"torch": "2.0.0", "numpy": "1.0", "pyarrow": "1.0"}
    file.write_text(json.dumps(row))
    seen = bench(out)
    assert seen.resumed == {"popular": True, "transition-graph": True}
    assert seen.notes == [
        f"{out} has 1 run that was measured with torch 2.0.0, numpy 1.0; this process uses torch {torch.__version__}, numpy "
        f"{np.__version__}. The finished runs are kept; to measure all with it, choose another folder."
    ]
    report = (out / "report.md").read_text()
    assert (
        f"The rows were measured with several versions of libraries: torch 2.0.0, {torch.__version__}; numpy 1.0"
        in report
    )


def test_a_plugin_that_adds_callbacks_is_part_of_the_runs_that_train_in_epochs(tmp_path, monkeypatch):
    file, out = tmp_path / "own_tracker.py", tmp_path / "out"
    config = {**CONFIG, "model": [*CONFIG["model"][:1], SMALL]}

    def run(body=None):
        monkeypatch.delitem(sys.modules, "own_tracker", raising=False)
        if body is None:
            return bench(out, config).resumed
        file.write_text(f"from zoo.api import hookimpl\n@hookimpl\ndef zoo_callbacks(run):\n    return []{body}\n")
        return bench(out, config, plugins=[file]).resumed

    assert run() == {"popular": False, "sasrec": False}
    assert run("") == {"popular": True, "sasrec": False}
    assert run("") == {"popular": True, "sasrec": True}
    assert run(" or []") == {"popular": True, "sasrec": False}
    assert run() == {"popular": True, "sasrec": True}
    [row] = [r for r in zoo.bench(config, out, plugins=[file]).rows() if r.label == "sasrec"]
    assert "own_tracker" in row.versions
