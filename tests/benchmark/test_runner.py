"""Whole benchmarks on a small built-in shop, with real plugins and plugins of one file."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pyarrow.parquet as pq
import pytest

import zoo
from zoo.benchmark.progress import Progress
from zoo.config.load import experiment_from
from zoo.errors import ConfigError, ResultsError

SHOP = {"name": "synthetic-shop", "customers": 150, "items": 80}


def experiment(*models, **sections):
    return {
        "data": {"source": SHOP},
        "split": {"policy": "temporal", "cuts": [0.7, 0.8]},
        "evaluate": {"metrics": ["ndcg@5", "recall@5", "coverage@5"], "bootstrap": 100},
        "model": [{"predictor": m} if isinstance(m, str) else m for m in models],
        **sections,
    }


class Watched(Progress):
    def __init__(self):
        self.seen = []
        self.again = []

    def started(self, label, seed, *, again):
        self.again.append(again)

    def finished(self, row, *, resumed):
        self.seen.append((row.label, resumed))


def plugin(folder, name, body):
    """Write a single-file plugin with a predictor whose `score` is given."""
    file = folder / f"{name}.py"
    file.write_text(
        textwrap.dedent("""
        import os, time
        import torch
        from zoo.api import Capabilities, ComponentSpec, Params, Predictor, hookimpl

        class Model(Predictor):
            def fit(self, data, context):
                self.context = context

            def score(self, queries):
                shape = (len(queries), queries.log.n_items + 1)
                {body}

        @hookimpl
        def zoo_components():
            return [ComponentSpec("{hyphened}", "predictor", "{name}:Model", Params, "A test.", capabilities=Capabilities(deterministic={deterministic}))]
        """).format(body=body, name=name, hyphened=name.replace("_", "-"), deterministic="generator" not in body)
    )
    return file


def test_a_row_holds_what_was_measured_and_the_lists_give_its_figures_back(tmp_path):
    store = zoo.bench(experiment("popular", "transition-graph"), tmp_path / "out")
    rows = {row.label: row for row in store.rows()}
    assert list(rows) == ["popular", "transition-graph"]
    row = rows["transition-graph"]
    value, low, high = row.metrics["ndcg@5"]
    assert 0 < low < value < high < 1
    assert row.queries > 50
    assert min(row.fit_seconds, row.recommend_per_second, row.p50_ms, row.peak_memory_mib) > 0
    assert row.p99_ms >= row.p50_ms
    lists = pq.read_table(tmp_path / "out" / "lists.parquet").to_pandas()
    lists = lists[lists.model == "transition-graph"]
    assert len(lists) == row.queries
    assert np.isclose(lists["ndcg@5"].mean(), value)
    assert lists["items"].map(len).max() == 5
    assert [
        json.loads(line)["label"] for line in (tmp_path / "out" / "results.jsonl").read_text().splitlines()
    ] == list(rows)
    assert "| transition-graph |" in (tmp_path / "out" / "report.md").read_text()


def test_finished_runs_are_not_made_again_and_a_changed_model_is(tmp_path):
    zoo.bench(experiment("popular", "transition-graph"), tmp_path / "out")
    again = Watched()
    zoo.bench(experiment("popular", "transition-graph", "random"), tmp_path / "out", progress=again)
    assert again.seen == [("popular", True), ("transition-graph", True), ("random", False)]
    assert again.again == [""]  # what was finished does not begin
    changed = Watched()
    store = zoo.bench(
        experiment("popular", "transition-graph"),
        tmp_path / "out",
        progress=changed,
        overrides=["model.popular.predictor.half_life=7"],
    )
    assert changed.seen == [("transition-graph", True), ("popular", False)]
    assert changed.again == ["predictor.half_life"]
    assert [row.label for row in store.rows()] == ["popular", "transition-graph"]


def test_an_error_of_the_report_is_no_damage_unless_there_are_earlier_rows(tmp_path, monkeypatch):
    def fails(_):
        raise KeyError("ours")

    monkeypatch.setattr("zoo.benchmark.runner.markdown", fails)
    for error in (KeyError, ResultsError):  # the second benchmark finds the row of the first
        with pytest.raises(error, match="ours"):
            zoo.bench(experiment({"predictor": "popular"}), tmp_path / "out")


def test_a_failing_model_is_a_row_and_the_rest_go_on(tmp_path):
    nan = plugin(tmp_path, "nan_scores", "return torch.full(shape, torch.nan)")
    narrow = plugin(tmp_path, "narrow_scores", "return torch.zeros(len(queries), 3)")
    store = zoo.bench(experiment("nan-scores", "narrow-scores", "popular"), tmp_path / "out", plugins=[nan, narrow])
    first, second, third = store.rows()
    assert first.error.startswith(
        "ScoreError: predictor 'nan-scores' of the file nan_scores.py: `score` returned NaN for the query of user"
    )
    assert "shape" in second.error
    assert third.error is None
    report = (tmp_path / "out" / "report.md").read_text()
    assert "| nan-scores | failed |" in report
    assert "ScoreError" in report
    again = Watched()
    zoo.bench(
        experiment("nan-scores", "narrow-scores", "popular"), tmp_path / "out", plugins=[nan, narrow], progress=again
    )
    assert again.seen == [("popular", True), ("nan-scores", False), ("narrow-scores", False)]


def test_a_model_that_would_end_the_process_is_a_row_too(tmp_path):
    exits = plugin(tmp_path, "exits", "raise SystemExit(3)")
    first, second = zoo.bench(experiment("exits", "popular"), tmp_path / "out", plugins=[exits]).rows()
    assert first.error.startswith("SystemExit: 3 (")
    assert second.error is None


def test_an_error_of_a_models_code_is_told_with_its_line(tmp_path):
    typo = plugin(tmp_path, "has_a_typo", "return torch.nn.functional.relu(queries.nope)")
    [row] = zoo.bench(experiment("has-a-typo"), tmp_path / "out", plugins=[typo]).rows()
    line = 1 + typo.read_text().splitlines().index("        return torch.nn.functional.relu(queries.nope)")
    assert row.error.startswith("AttributeError: ")
    assert row.error.endswith(f" ({typo}:{line})")


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_refused_before_anything_is_read(tmp_path, monkeypatch, device):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    monkeypatch.setattr("zoo.benchmark.recommend.load_task", lambda experiment: pytest.fail("it was read"))
    with pytest.raises(
        ConfigError, match=rf"train\.device: torch .* finds no device '{device}' on this machine\. Available: 'cpu'\."
    ):
        zoo.bench(experiment("popular", train={"device": device}), tmp_path / "out")


def test_a_row_names_the_versions_of_the_core_and_of_every_plugin(tmp_path):
    own = plugin(tmp_path, "own_scores", "return torch.zeros(shape)")
    before = zoo.bench(experiment("own-scores"), tmp_path / "out", plugins=[own]).rows()[0].versions
    assert before["shopzoo"].startswith(zoo.__version__)
    assert before["own_scores"].startswith("file+")
    own.write_text(own.read_text() + "# edited\n")
    after = zoo.bench(experiment("own-scores"), tmp_path / "out", plugins=[own]).rows()[0].versions
    assert after["own_scores"] != before["own_scores"]


def test_a_model_that_knows_no_cold_items_is_marked_as_such(tmp_path):
    model = {"predictor": "content-knn", "featurizer": {"name": "tf-idf", "columns": ["title"]}}
    rows = zoo.bench(experiment("popular", model), tmp_path / "out").rows()
    assert [row.slices["cold"]["scored"] for row in rows] == [False, True]


def test_the_report_says_when_each_part_begins(tmp_path):
    dated = experiment("popular", split={"policy": "temporal", "cuts": ["2024-09-01", "2024-10-01T12:30:00Z"]})
    zoo.bench(dated, tmp_path / "out")
    report = (tmp_path / "out" / "report.md").read_text()
    assert "; validate from 2024-09-01 00:00:00 UTC; test from 2024-10-01 12:30:00 UTC; " in report


def test_a_resolved_experiment_takes_no_overrides(tmp_path):
    with pytest.raises(ConfigError, match="resolved already: give overrides and plugins where it is loaded"):
        zoo.bench(experiment_from(experiment("popular")), tmp_path, overrides=["train.refit=false"])


def test_a_model_with_a_seed_runs_once_for_each_and_one_without_runs_once(tmp_path):
    noisy = plugin(tmp_path, "noisy", "return torch.rand(shape, generator=self.context.generator('noise'))")
    store = zoo.bench(experiment("noisy", "popular", train={"seeds": [1, 2, 3]}), tmp_path / "out", plugins=[noisy])
    assert [(row.label, row.seed) for row in store.rows()] == [
        ("noisy", 1),
        ("noisy", 2),
        ("noisy", 3),
        ("popular", None),
    ]
    values = [row.metrics["ndcg@5"][0] for row in store.rows()[:3]]
    assert len(set(values)) == 3
    same = zoo.bench(experiment("popular", "noisy", train={"seeds": [2]}), tmp_path / "other", plugins=[noisy])
    assert same.rows()[1].metrics["ndcg@5"][0] == values[1]  # another place in the table, the same numbers


TRAINED = """
import torch
from zoo.api import Capabilities, ComponentSpec, Params, Predictor, hookimpl

class Trained(Predictor):
    def fit(self, data, context):
        self.epochs, self.history, self.stopped = context.epochs or 2, [], "callback"
        if context.validate:
            self.epochs = 1
            self.history = [
                {"epoch": n, "loss": 9.0 / n, "value": context.validate(self), "seconds": 2.5 * n} for n in (1, 2)
            ]
        context.progress(self.epochs, 2, "loss 4.5")

    def score(self, queries):
        return torch.zeros(len(queries), queries.log.n_items + 1)

@hookimpl
def zoo_components():
    able = Capabilities(validates=True, needs_time=True)
    return [ComponentSpec("trained", "predictor", "trained_model:Trained", Params, "A test.", capabilities=able)]
"""


def test_a_row_says_how_a_network_was_trained_with_a_second_fit_and_without(tmp_path):
    class Noted(Progress):
        def phase(self, name, done, total, note="", *, resumed=False):
            notes.append((name, note))

    file, noted, notes = tmp_path / "trained_model.py", Noted(), []
    file.write_text(TRAINED)
    for refit in (True, False):
        config = experiment("trained", "popular", train={"refit": refit, "monitor": "recall@5"})
        row, popular = zoo.bench(config, tmp_path / str(refit), plugins=[file], progress=noted).rows()
        assert (popular.training, popular.reads_time) == ({}, False)
        training = row.training
        assert (training["epochs"], training["monitor"], training["seconds_to_best"]) == (1, "recall@5", 2.5)
        assert (training["seconds"], [at["epoch"] for at in training["history"]]) == (5.0, [1, 2])
        assert [(fit["epochs"], fit["stopped"]) for fit in training["refits"]] == [(1, "callback")] * refit
        assert row.reads_time
        report = (tmp_path / str(refit) / "report.md").read_text()
        assert "| model | epochs | stopped by | validation | s to best | s an epoch | refit |" in report
        assert (
            f"| trained | 1 of 2 | callback | recall@5 {training['history'][0]['value']:.4f} | 2.5 | 2.50 |" in report
        )
        assert " reads time |\n" in report
    assert ("fit", "loss 4.5") in notes


def test_a_model_of_two_labels_has_two_rows_and_a_new_label_makes_no_new_run(tmp_path):
    zoo.bench(experiment({"predictor": "popular", "label": "old"}), tmp_path / "out")
    watched = Watched()
    models = [{"predictor": "popular", "label": label} for label in ("new", "twin")]
    store = zoo.bench(experiment(*models), tmp_path / "out", progress=watched)
    assert [row.label for row in store.rows()] == ["new", "twin"]
    assert [resumed for _, resumed in watched.seen] == [True, True]
    assert "| twin |" in (tmp_path / "out" / "report.md").read_text()


METRIC = """
from zoo.api import ComponentSpec, CutoffParams, QueryMetric, hookimpl

class FirstHit(QueryMetric[CutoffParams]):
    title = "first-hit"

    def values(self, judged, facts):
        return judged.hits[:, 0].double() * {scale}

@hookimpl
def zoo_components():
    return [ComponentSpec("first-hit", "metric", "own_metric:FirstHit", CutoffParams, "A test.")]
"""


def test_runs_are_made_again_when_a_metric_or_the_way_of_measuring_changes(tmp_path):
    config = experiment("popular")
    config["evaluate"]["metrics"] = ["first-hit@5"]
    file, made = tmp_path / "own_metric.py", []
    for scale, resamples in ((1, 100), (2, 100), (2, 100), (2, 200)):
        file.write_text(METRIC.format(scale=scale))
        watched = Watched()
        overrides = [f"evaluate.bootstrap={resamples}"]
        zoo.bench(config, tmp_path / "out", plugins=[file], overrides=overrides, progress=watched)
        made.append(not watched.seen[0][1])
    assert made == [True, True, False, True]


def test_metrics_of_the_whole_catalogue_alone_leave_out_the_cold_slice(tmp_path):
    config = experiment("popular")
    for metrics, slices in ((["coverage@5"], set()), (["coverage@5", "hit@5"], {"cold"})):
        config["evaluate"]["metrics"] = metrics
        [row] = zoo.bench(config, tmp_path / str(len(metrics))).rows()
        assert row.error is None
        assert set(row.slices) == slices


def test_a_cutoff_beyond_the_catalogue_is_refused_before_anything_is_fitted(tmp_path):
    config = experiment("popular")
    config["evaluate"]["metrics"] = ["ndcg@500"]
    with pytest.raises(
        ConfigError,
        match=r"ndcg@500 needs lists of 500 items, and only 80 items may be recommended: choose a smaller k",
    ):
        zoo.bench(config, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_component_that_needs_a_clock_is_refused_on_data_without_one(tmp_path):
    (tmp_path / "events.csv").write_text(
        "user_id,item_id,position\n" + "".join(f"u{i % 9},i{i // 9},{i}\n" for i in range(90))
    )
    config = experiment({"predictor": {"name": "popular", "half_life": 7}}, split={"policy": "leave-last-out"})
    config["data"] = {"source": {"name": "files", "interactions": str(tmp_path / "events.csv")}}
    with pytest.raises(
        ConfigError, match=r"model\[1\]: popular needs timestamps, and the events are ordered by position only"
    ):
        zoo.bench(config, tmp_path / "out")


def test_another_experiments_folder_is_refused(tmp_path):
    zoo.bench(experiment("popular"), tmp_path / "out")
    before = (tmp_path / "out" / "results.jsonl").read_bytes()
    with pytest.raises(ResultsError, match="they differ in split"):
        zoo.bench(experiment("popular", split={"policy": "leave-last-out"}), tmp_path / "out")
    assert (tmp_path / "out" / "results.jsonl").read_bytes() == before


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.robust
def test_an_interrupted_benchmark_goes_on_where_it_was(tmp_path, sign):
    slow = plugin(
        tmp_path, "slow_scores", "time.sleep(0 if os.environ.get('FAST') else 600); return torch.zeros(shape)"
    )
    file = tmp_path / "experiment.toml"
    file.write_text("""
        references = false
        [data]
        source = { name = "synthetic-shop", customers = 150, items = 80 }
        [split]
        cuts = [0.7, 0.8]
        [evaluate]
        metrics = ["ndcg@5"]
        [[model]]
        predictor = "popular"
        [[model]]
        predictor = "slow-scores"
    """)
    code = (
        "import sys, zoo; print([r.label for r in zoo.bench(sys.argv[1], sys.argv[2], plugins=[sys.argv[3]]).rows()])"
    )
    command = [sys.executable, "-c", code, str(file), str(tmp_path / "out"), str(slow)]
    # A suite that was started in the background hands on that Ctrl-C is ignored.
    process = subprocess.Popen(
        command, stderr=subprocess.DEVNULL, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler)
    )
    while not list(tmp_path.glob("out/runs/*.json")):  # the first run is finished
        assert process.poll() is None
        time.sleep(0.05)
    time.sleep(0.2)
    process.send_signal(sign)
    assert process.wait(600) != 0
    finished = next(tmp_path.glob("out/runs/*.json"))
    written = finished.stat().st_mtime_ns
    done = subprocess.run(command, env={**os.environ, "FAST": "1"}, capture_output=True, text=True, check=True)
    assert "['popular', 'slow-scores']" in done.stdout
    assert finished.stat().st_mtime_ns == written
    assert not list(tmp_path.glob("out/**/.*"))
