"""`zoo bench` and `zoo report`, from a file to the table and back."""

import json
import subprocess
import sys

import pytest

FILE = """
[data]
source = { name = "synthetic-shop", customers = 60, items = 40, events = 1500 }
accept = ["few-queries", "seen-targets"]
[evaluate]
metrics = ["ndcg@10", "hit@5"]
bootstrap = 100
[[model]]
predictor = "shelf"
[[model]]
label = "fragile"
predictor = "fragile"
[[model]]
label = "steep"
predictor = { name = "shelf", step = 2.0, from_end = true }
"""

FRAGILE = """
from zoo.api import ComponentSpec, Params, Predictor, hookimpl


@hookimpl
def zoo_components():
    return [ComponentSpec("fragile", "predictor", "fragile_model:Fragile", Params, "Breaks while it is fitted.")]


class Fragile(Predictor[Params]):
    def fit(self, data, context):
        raise RuntimeError("no [luck] today")

    def score(self, queries):
        raise RuntimeError("never fitted")
"""


@pytest.fixture
def bench(zoo, install, tmp_path):
    """Return a function that runs the benchmark of the file in one folder."""
    install("good")
    (tmp_path / "fragile_model.py").write_text(FRAGILE, encoding="utf-8")
    (tmp_path / "shop.toml").write_text(FILE, encoding="utf-8")

    def run(*more, code):
        plugin = ("--plugin", tmp_path / "fragile_model.py")
        return zoo("bench", tmp_path / "shop.toml", "--out", tmp_path / "out", *plugin, *more, code=code)

    yield run
    sys.modules.pop("fragile_model", None)


def test_a_benchmark_prints_its_table_and_goes_on_where_it_was(bench, zoo, tmp_path):
    first = bench(code=1)  # one of the models fails
    table = [line.split() for line in first.stdout.splitlines()]
    assert table[0][:3] == ["model", "ndcg@10", "hit@5"]
    assert [line[0] for line in table[1:4]] == ["shelf", "fragile", "steep"]
    assert table[2] == ["fragile", "failed"]
    assert first.stdout.splitlines()[-2:] == [
        f"In {tmp_path / 'out'}: report.md, results.jsonl, lists.parquet",
        f"Open {tmp_path / 'out' / 'report.html'} in a browser.",
    ]
    told = [line for line in first.stderr.splitlines() if not line.startswith("estimate: ")]
    assert len(told) < len(first.stderr.splitlines())
    assert told[:3] == ["reading data ...", "3 runs of 3 models: 3 to do", "1/3 shelf: fit ..."]
    del told[1]
    assert told[4] == f"2/3 fragile: failed: RuntimeError: no [luck] today ({tmp_path / 'fragile_model.py'}:12)"
    assert [line.partition(":")[0] for line in told[1::2]] == ["1/3 shelf", "2/3 fragile", "3/3 steep"]

    assert {mark for line in first.stdout.splitlines()[1:4] for mark in line.split()} >= {"*"}  # a pipe has no bold
    assert "*: the best of the tested models in its column." in first.stdout
    assert "\nsplit temporal; validate from " in first.stdout

    again = bench(code=1)
    assert again.stdout == first.stdout
    assert again.stderr.splitlines()[1:3] == ["3 runs of 3 models: 2 finished, 1 to do", "1/3 shelf: already finished"]

    (tmp_path / "out" / "report.md").unlink()
    assert zoo("report", tmp_path / "out").stdout == first.stdout
    assert "no [luck] today" in (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    rows = [json.loads(line) for line in (tmp_path / "out" / "results.jsonl").read_text().splitlines()]
    assert [row["label"] for row in rows] == ["shelf", "fragile", "steep"]


def test_a_report_keeps_its_finished_runs_where_it_is_told_to(bench, zoo, tmp_path):
    bench(code=1)
    told = zoo("report", tmp_path / "out", "--keep", tmp_path / "kept").stdout.splitlines()
    file = tmp_path / "kept" / "synthetic-shop.jsonl"
    assert told[-1] == f"Kept the finished runs in {file}"
    shelf, steep = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    assert (shelf["label"], steep["config"]["model"]["predictor"]["step"]) == ("shelf", 2.0)


def test_a_folder_of_another_experiment_is_refused(bench, tmp_path):
    bench(code=1)
    before = {p: p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file()}
    stderr = bench("--set", "evaluate.metrics=['ndcg@3']", code=2).stderr
    assert stderr.splitlines()[-1].startswith(f"zoo: {tmp_path / 'out'} holds results of another task ")
    assert {p: p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file()} == before


def test_a_run_that_something_else_had_made_is_told_as_such(bench):
    bench(code=1)
    told = bench("--set", "model.steep.predictor.step=3.0", code=1).stderr.splitlines()
    assert told[-1].startswith("3/3 steep: fitted in 0.0")
    assert told[-1].endswith(" s, repeated because of a change: predictor.step")


LATE = """
import sys
from zoo.cli.main import main
from zoo.cli.progress_display import Bars

early, planned = set(), Bars.planned

def note(self, plan):
    early.update(sys.modules)
    planned(self, plan)

Bars.planned = note
main(["bench", "shop.toml", "--out", "out"], standalone_mode=False)
parts = ("zoo.html_report", "zoo.cli", "zoo.benchmark.tables", "jinja2")
print("late:", sorted(name for name in set(sys.modules) - early if name.startswith(parts)))
"""


def test_an_update_during_a_long_run_cannot_break_its_report(tmp_path):
    """All modules of the report are imported before the first fit."""
    pytest.importorskip("jinja2", reason="jinja2 is not installed")
    (tmp_path / "shop.toml").write_text(
        "references = false\n[data]\nsource = { name = 'synthetic-shop', customers = 60, items = 40, events = 1500 }\n"
        "[evaluate]\nmetrics = ['ndcg@10']\n[[model]]\npredictor = 'popular'\n"
    )
    done = subprocess.run([sys.executable, "-c", LATE], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "late: []"
    assert (tmp_path / "out" / "report.html").exists()


def test_nothing_is_written_for_a_file_that_is_wrong(bench, tmp_path):
    bench("--set", "model.1.predictor=shelv", code=2)
    assert not (tmp_path / "out").exists()
