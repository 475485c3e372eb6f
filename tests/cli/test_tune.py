"""`zoo bench --tune`, from a file to the table; and the search space of `zoo show`."""

import json

import pytest

pytest.importorskip("optuna", reason="optuna is not installed")

FILE = """
references = false
[data]
source = { name = "synthetic-shop", customers = 60, items = 40, events = 1500 }
accept = ["few-queries", "seen-targets"]
[evaluate]
metrics = ["ndcg@10", "hit@5"]
[[model]]
predictor = "ease"
[[model]]
predictor = "item-knn"
tune = false
"""


def test_a_budget_of_the_command_tunes_the_models_of_a_file(zoo, tmp_path):
    (tmp_path / "shop.toml").write_text(FILE, encoding="utf-8")
    command = (
        "bench",
        tmp_path / "shop.toml",
        "--out",
        tmp_path / "out",
        "--tune",
        "trials=3",
        "--tune",
        "metric=hit@5",
    )
    done = zoo(*command)
    assert "ease: tuned first on the validation part, 3 trials for hit@5" in done.stderr
    assert "tuned (3 trials)" in done.stdout
    assert "This table compares models that are tuned (ease) with models that are not (item-knn)" in done.stdout
    assert "trials.jsonl" in done.stdout
    assert len((tmp_path / "out" / "trials.jsonl").read_text().splitlines()) == 3
    assert "already finished" in zoo(*command).stderr
    again = zoo("report", tmp_path / "out")
    assert "tuned (3 trials)" in again.stdout


def test_a_budget_without_a_value_is_refused(zoo, tmp_path):
    (tmp_path / "shop.toml").write_text(FILE, encoding="utf-8")
    for wrong, message in {
        "trials": "expected PATH=VALUE",
        "trials=0": "tune.trials: expected a number of at least 1, found 0.",
        "hours=3": "tune.hours: unknown key.",
    }.items():
        done = zoo("bench", tmp_path / "shop.toml", "--out", tmp_path / "out", "--tune", wrong, code=2)
        assert message in done.stderr
        assert not (tmp_path / "out").exists()


def test_show_prints_the_search_space(zoo):
    shown = zoo("show", "als").stdout
    assert "Search space" in shown
    assert "factors  16 to 256, logarithmic" in shown
    assert "ranker_train.learning_rate  0.0002 to 0.01, logarithmic, or not set" in zoo("show", "neural-ranker").stdout
    assert "Search space" not in zoo("show", "random").stdout
    (found,) = json.loads(zoo("show", "gru4rec", "--json").stdout)
    assert found["search_space"]["layers"] == {"low": 1, "high": 2, "whole": True}
    assert found["search_space"]["train.weight_decay"] == {"values": [0.0, 0.01, 0.1]}
