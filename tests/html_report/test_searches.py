"""The searches of tuned models: what was tried, the best, and which settings go with it."""

import json

import numpy as np
import pytest
from scipy.stats import spearmanr

import zoo
from zoo.benchmark.results_folder.row import Row
from zoo.benchmark.results_folder.store import BenchmarkManifest, Store
from zoo.errors import ResultsError
from zoo.html_report.searches import SearchTrial, importance, read_trials, search_view


def trials(n=20):
    rng = np.random.default_rng(0)
    found = []
    for number in range(n):
        params = {"rate": float(rng.random()), "kind": str(rng.choice(["a", "b"])), "same": 3}
        value = None if number == 5 else params["rate"] + (0.5 if params["kind"] == "b" else 0.0)
        found.append(SearchTrial("net", number, params, value, 2.0, "failed" if value is None else "complete"))
    return found


@pytest.mark.parametrize("higher", [True, False])
def test_the_summary_names_the_best_and_what_it_gains_over_trial_0(higher):
    found = trials()
    view = search_view("net", found, metric="ndcg@10", higher=higher)
    values = {trial.number: trial.value for trial in found if trial.value is not None}
    best = (max if higher else min)(values, key=values.get)
    assert view.summary == (
        f"20 trials in 40 s, 1 of them failed; the best is trial {best} with {values[best]:.4f}, {values[0]:.4f} with the settings of trial 0"
    )
    assert [name for name, _, _ in view.settings] == ["rate", "kind", "same"]
    assert view.settings[2] == ("same", "3", "3")
    assert len(view.chart.points) == 19
    assert [point.name for point in view.chart.points if point.front] == [f"trial {best}"]


def test_pruned_trials_are_counted_and_marked_with_crosses_on_the_axis():
    found = trials()
    curve = [[1, 0.02], [3, 0.05]]
    found += [
        SearchTrial("net", 20, {"rate": 0.1}, None, 1.0, "pruned", curve),
        SearchTrial("net", 21, {"rate": 0.2}, None, 1.0, "pruned"),
        SearchTrial("net", 22, {"rate": 0.1}, None, 0.0, "repeated", curve),
    ]
    view = search_view("net", found, metric="ndcg@10", higher=True)
    assert view.summary.startswith("23 trials in 42 s, 2 of them pruned, 1 failed; the best is trial ")
    crosses = [point for point in view.chart.points if point.cross]
    assert [point.text for point in crosses] == [
        "trial 20: pruned after epoch 3, at 0.0500", "trial 21: pruned",
    ]  # fmt: skip
    assert {point.y for point in crosses} == {view.chart.height - view.chart.bottom}
    assert all(point.x < view.chart.width - view.chart.right for point in crosses)
    assert len(view.chart.points) == 21


def test_importance_is_the_share_of_the_variance_of_ranks():
    complete = [(trial, trial.value) for trial in trials() if trial.value is not None]
    found = dict(importance(complete))
    rate = spearmanr([trial.params["rate"] for trial, _ in complete], [value for _, value in complete]).statistic
    assert found["rate"] == round(100 * rate**2)
    assert "same" not in found
    assert 0 < found["kind"] <= 100
    assert importance(complete[:5]) == []


def test_a_search_without_a_complete_trial_has_no_chart():
    view = search_view("net", [SearchTrial("net", 0, {}, None, 1.0, "failed")], metric="ndcg@10", higher=True)
    assert (view.chart, view.summary) == (None, "1 trial in 1 s, 1 of them failed; none is complete")


def test_the_file_may_have_further_fields_and_is_read_in_order(tmp_path):
    lines = [
        {
            "label": "net",
            "number": n,
            "params": {"k": n},
            "value": 0.5,
            "seconds": 1.0,
            "state": "complete",
            "search": "x",
        }
        for n in (1, 0)
    ]
    (tmp_path / "trials.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert [trial.number for trial in read_trials(tmp_path / "trials.jsonl")] == [0, 1]
    assert read_trials(tmp_path / "none.jsonl") == []


@pytest.mark.parametrize(("content", "problem"), [
    ("{", "Expecting property name"), ("[]", "a line holds a list"), ('{"label": "a"}', "number: field required"),
])  # fmt: skip
def test_a_damaged_file_is_named(tmp_path, content, problem):
    (tmp_path / "trials.jsonl").write_text(content)
    with pytest.raises(
        ResultsError, match=rf"trials.jsonl cannot be read: {problem}.*Remove it and run the benchmark again"
    ):
        read_trials(tmp_path / "trials.jsonl")


def test_the_page_shows_the_searches_and_where_the_settings_are_from(tmp_path):
    experiment = {
        "data": {"source": {"name": "shopzoo/files", "interactions": ["events.csv"]}},
        "split": {"policy": "leave-last-out"},
        "evaluate": {"exclude_seen": True, "target_events": None},
        "train": {"refit": False},
        "model": [],
    }
    store = Store(tmp_path)
    runs = [{"label": label, "seed": None, "key": label} for label in ("net", "plain")]
    store.open(BenchmarkManifest("t", {}, {}, {"ndcg@10": True}, experiment, runs))
    search = {
        "trials": 20,
        "budget": {"trials": 20},
        "failed": 1,
        "seconds": 40.0,
        "metric": "ndcg@10",
        "best": 3,
        "value": 0.9,
        "first_value": 0.5,
        "params": {},
    }
    usual = {"model": {"predictor": {"name": "own/x"}}, "metrics": {"ndcg@10": [0.5, 0.4, 0.6]}}
    store.add(Row("net", "net", None, settings="tuned (20 trials)", tuning=search, **usual), None)
    store.add(Row("plain", "plain", None, **usual), None)
    (tmp_path / "trials.jsonl").write_text("".join(json.dumps(vars(trial)) + "\n" for trial in trials()))
    text = zoo.report(store).read_text(encoding="utf-8")
    assert "20 trials in 40 s, 1 of them failed" in text
    assert "net: validation ndcg@10 of each trial" in text
    assert ">tuned (20 trials)" in text
    assert ">40 s" in text
    assert "This table compares models that are tuned (net) with models that are not (plain)" in text
