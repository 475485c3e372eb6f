"""`zoo bench --tune`, from a file to the table; and the search space of `zoo show`."""

import json
import re

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
[[model]]
predictor = "popular"
tune = { minutes = 5, predictor.half_life = false }
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
    assert "popular: not tuned, nothing to search" in done.stderr
    assert "model[3].tune: minutes = 5 is replaced by tune.trials=3" in done.stderr
    assert re.search(r"1/3 ease: tuned, 3 trials in [\d.]+ s, hit@5 \d", done.stderr)
    assert "tuned (3 trials)" in done.stdout
    assert (
        "This table compares models that are tuned (ease) with models that are not (item-knn, popular)" in done.stdout
    )
    assert "trials.jsonl" in done.stdout
    assert len((tmp_path / "out" / "trials.jsonl").read_text().splitlines()) == 3
    resumed = zoo(*command).stderr
    assert "already finished" in resumed
    assert ": tuned, " not in resumed
    again = zoo("report", tmp_path / "out")
    assert "tuned (3 trials)" in again.stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["trials"], "--tune trials: expected KEY=VALUE, such as trials=30 or minutes=20."),
        (["trials=0"], "--tune trials=0: expected a number of at least 1, found 0."),
        (["seed=-1"], "--tune seed=-1: expected a number of at least 0, found -1."),
        (["trials=3", "prune=median"], "--tune prune=median: expected true or false, found 'median'."),
        (["hours=3"], "--tune hours=3: unknown key. Known here: metric, minutes, prune, seed, trials."),
        (
            ["trials=4,minutes=2"],
            "--tune trials=4,minutes=2: expected a whole number, found '4,minutes=2'. Repeat the option for each key: --tune "
            "trials=30 --tune seed=1.",
        ),
        (
            ["trials=4", "minutes=2"],
            "--tune trials=4 --tune minutes=2: expected one budget, found two. Remove one of them.",
        ),
    ],
)
def test_a_mistake_of_the_option_is_not_one_of_the_file(zoo, tmp_path, options, message):
    (tmp_path / "shop.toml").write_text(FILE, encoding="utf-8")
    given = [part for option in options for part in ("--tune", option)]
    done = zoo("bench", tmp_path / "shop.toml", "--out", tmp_path / "out", *given, code=2)
    assert done.stderr.splitlines() == [f"zoo: {message}"]
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
