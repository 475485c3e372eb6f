"""Benchmarks that tune their models: rows, columns, files, budgets, and what a model keeps at its settings."""

import json
import sys
import textwrap

import pytest

import zoo
from zoo.benchmark.progress import Progress
from zoo.benchmark.results_folder.row import Row
from zoo.benchmark.results_folder.store import BenchmarkManifest
from zoo.benchmark.tables.comparison_tables import main_table
from zoo.benchmark.tables.report import markdown, settings
from zoo.benchmark.tuning.report import tuning_table
from zoo.benchmark.tuning.settings import format_mixed_settings
from zoo.config.formatting import format_model
from zoo.errors import ConfigError
from zoo.html_report.page import benchmark_page

pytest.importorskip("optuna", reason="optuna is not installed")

SHOP = {"name": "synthetic-shop", "customers": 60, "items": 40, "events": 1500}


def experiment(*models, **sections):
    return {
        "data": {"source": SHOP},
        "split": {"policy": "temporal", "cuts": [0.7, 0.8]},
        "evaluate": {"metrics": ["ndcg@5", "recall@5", "coverage@5"], "bootstrap": 100},
        "model": [{"predictor": m} if isinstance(m, str) else m for m in models],
        **sections,
    }


def trials(folder, label=None):
    lines = [json.loads(line) for line in (folder / "trials.jsonl").read_text().splitlines()]
    return [line for line in lines if label in (None, line["label"])]


def by_label(store):
    return {row.label: row for row in store.rows()}


class Watched(Progress):
    def __init__(self):
        self.tuned, self.resumed, self.searches, self.plan = [], [], [], None

    def phase(self, name, done, total, note="", **more):
        if name == "tune":
            self.tuned.append((done, total))

    def planned(self, plan):
        self.plan = plan

    def searched(self, search):
        self.searches.append(search)

    def finished(self, row, *, resumed):
        self.resumed.append(resumed)


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tuned")
    models = ["als", "ease", {"label": "ease-kept", "predictor": "ease", "tune": False}, "popular"]
    watched = Watched()
    store = zoo.bench(
        experiment(*models, tune={"trials": 5}, train={"seeds": [0, 1]}), folder / "out", progress=watched
    )
    return store, watched


def test_each_model_is_tuned_by_its_own_space_and_tested_with_the_best(tuned):
    store, _ = tuned
    row = by_label(store)["als"]
    assert (row.settings, row.error) == ("tuned (5 trials)", None)
    found = trials(store.folder, "als")
    assert [trial["number"] for trial in found] == [0, 1, 2, 3, 4]
    best = max(found, key=lambda trial: trial["value"])
    assert row.tuning["params"] == best["params"]
    assert row.tuning["value"] == best["value"] >= row.tuning["first_value"] == found[0]["value"]
    assert row.tuning["seconds"] == pytest.approx(sum(trial["seconds"] for trial in found))
    assert {f"predictor.{name}": row.model["predictor"][name] for name in ("factors", "regularization")}.items() <= (
        best["params"].items()
    )
    assert row.model["predictor"]["iterations"] == 15  # it has no space


def test_the_first_trial_has_the_defaults(tuned):
    first = trials(tuned[0].folder, "als")[0]
    assert first["params"] == {
        "predictor.factors": 64, "predictor.regularization": 0.003, "predictor.frequency_exponent": 1.0,
        "predictor.unobserved": None,
    }  # fmt: skip


def test_the_seeds_of_a_model_share_its_search(tuned):
    store, watched = tuned
    one, two = (row for row in store.rows() if row.label == "als")
    assert (one.seed, two.seed) == (0, 1)
    assert one.tuning == two.tuning
    assert len(trials(store.folder, "als")) == 5
    assert watched.tuned.count((5, 5)) == 4  # als with two seeds, the second of which finds the search finished


def test_the_reports_have_the_settings_that_were_tested(tuned):
    store, _ = tuned
    row = by_label(store)["als"]
    text = markdown(store)
    assert f"\n- **als** (tuned): {format_model(row.model)}\n" in text
    assert f"\n- **ease-kept**: {format_model(by_label(store)['ease-kept'].model)}\n" in text
    models = json.loads(benchmark_page(store, "b1", with_users=False).experiment)["model"]
    assert models[0] == {"label": "als", **row.model}
    assert [model["label"] for model in models] == ["als", "ease", "ease-kept", "popular"]


def test_training_settings_that_a_search_found_are_those_of_the_sentence(tmp_path):
    train = {"learning_rate": 0.001, "refit": True}
    model = {"label": "net", "predictor": {"name": "own/net"}, "train": {"learning_rate": 0.001}}
    raw = {"data": {"source": {"name": "own/shop"}}, "train": train, "model": [model]}
    store = zoo.BenchmarkResult(tmp_path)
    store.open(BenchmarkManifest("t", {}, {}, {}, raw, [{"label": "net", "seed": 0, "key": "k"}]))
    assert settings(store) == "Trained with learning_rate=0.001, refit=True."
    found = {"predictor": {"name": "own/net"}, "train": {"learning_rate": 0.02}}
    store.add(Row("k", "net", 0, found, tuning={"trials": 2}), None)
    assert settings(store) == "Trained with learning_rate=0.001, refit=True; net with learning_rate=0.02."


def test_a_table_says_that_budgets_differ():
    rows = {
        label: [Row(label, label, 0, {}, tuning={"budget": budget})]
        for label, budget in {"als": {"trials": 20}, "ease": {"trials": 20}, "net": {"minutes": 10.0}}.items()
    }
    assert format_mixed_settings(rows) == (
        "The models were tuned with different budgets: 20 trials for als, ease; 10 minutes for net."
    )
    assert format_mixed_settings({label: rows[label] for label in ("als", "ease")}) == ""


def test_the_table_has_settings_and_seconds_and_says_that_they_are_mixed(tuned):
    store, _ = tuned
    table = main_table(store)
    settings = {row[0].text: row[table.headers.index("settings")].text for row in table.rows}
    assert settings == {
        "als": "tuned (5 trials)", "ease": "tuned (5 trials)", "ease-kept": "default", "popular": "tuned (5 trials)",
    }  # fmt: skip
    seconds = {row[0].text: row[table.headers.index("search s")].text for row in table.rows}
    assert float(seconds["als"]) > 0
    assert seconds["ease-kept"] == ""
    sentence = (
        "This table compares models that are tuned (als, ease, popular) with models that are not (ease-kept): a part of "
        "each difference may be due to the search."
    )
    report = (store.folder / "report.md").read_text()
    assert sentence in report
    assert sentence in repr(store)
    assert "## Tuning" in report
    headers = tuning_table(store).headers
    assert headers == ["model", "metric", "trials", "failed", "pruned", "search s", "trial 0", "best", "best settings"]
    frame = store.to_pandas().set_index("model")
    assert frame.loc["ease", "settings"] == "tuned (5 trials)"
    assert frame.loc["ease", "search_seconds"] > 0
    assert frame.loc["ease-kept"].isna()["search_seconds"]


def test_the_plan_says_what_is_tuned(tuned):
    _, watched = tuned
    assert "als, ease, popular: tuned first on the validation part, 5 trials for ndcg@5" in watched.plan.lines()


def test_a_tuned_folder_can_be_verified(tmp_path):
    model = {"predictor": "item-knn", "featurizer": {"name": "tf-idf", "columns": ["title"]}, "rankers": ["mmr"]}
    zoo.bench(experiment(model, "ease", tune={"trials": 3}), tmp_path / "out")
    found = zoo.verify(tmp_path / "out", sample=2)
    assert not found.findings
    assert [rerun.outcome for rerun in found.reruns] == ["reproduced", "reproduced"]


def test_a_finished_search_is_not_repeated_and_a_larger_budget_continues_it(tmp_path):
    few, more = (experiment("ease", tune={"trials": n}) for n in (3, 5))
    zoo.bench(few, tmp_path / "out")
    three = trials(tmp_path / "out")
    watched = Watched()
    zoo.bench(few, tmp_path / "out", progress=watched)
    assert watched.resumed == [True]
    zoo.bench(more, tmp_path / "out")
    five = trials(tmp_path / "out")
    assert five[:3] == three
    assert len(five) == 5
    store = zoo.bench(few, tmp_path / "out")
    assert by_label(store)["ease"].settings == "tuned (3 trials)"
    zoo.bench(more, tmp_path / "whole")
    values = [[(t["params"], t["value"]) for t in trials(tmp_path / name)] for name in ("out", "whole")]
    assert values[1] == [(t["params"], t["value"]) for t in five]
    assert values[0] == values[1][:3]


def test_another_seed_of_the_search_draws_other_points(tmp_path):
    for seed in (0, 1):
        zoo.bench(experiment("ease", tune={"trials": 3, "seed": seed}), tmp_path / str(seed))
    one, two = ([t["params"] for t in trials(tmp_path / str(seed))] for seed in (0, 1))
    assert one[0] == two[0]
    assert one[1:] != two[1:]


def test_what_the_file_sets_is_kept_and_a_tune_table_narrows_and_replaces(tmp_path):
    model = {
        "predictor": {"name": "als", "factors": 8, "iterations": 2},
        "tune": {"predictor": {"regularization": {"high": 0.01}, "iterations": [1, 2], "unobserved": False}},
    }
    zoo.bench(experiment(model, tune={"trials": 6}), tmp_path / "out")
    found = [trial["params"] for trial in trials(tmp_path / "out")]
    assert set(found[0]) == {f"predictor.{name}" for name in ("frequency_exponent", "regularization", "iterations")}
    assert {point["predictor.iterations"] for point in found} == {1, 2}
    assert all(0.0003 <= point["predictor.regularization"] <= 0.01 for point in found)


def test_a_pipeline_is_searched_as_a_whole(tmp_path):
    model = {
        "predictor": "item-knn",
        "featurizer": {"name": "tf-idf", "columns": ["title"]},
        "rankers": ["mmr"],
    }
    store = zoo.bench(experiment(model, tune={"trials": 3}), tmp_path / "out")
    row = by_label(store)["item-knn"]
    names = {name.rpartition(".")[0] for name in row.tuning["params"]}
    assert names == {"predictor", "featurizer.tf-idf", "rankers.mmr"}
    assert row.model["rankers"][0]["relevance"] == row.tuning["params"]["rankers.mmr.relevance"]


def test_a_model_with_learned_rankers_is_measured_on_the_rank_part(tmp_path):
    model = {"predictor": "item-knn", "rankers": [{"name": "lambdamart", "trees": 5}]}
    sections = {"split": {"policy": "temporal", "cuts": [0.6, 0.7, 0.8]}, "tune": {"trials": 2}}
    row = by_label(zoo.bench(experiment(model, **sections), tmp_path / "out"))["item-knn"]
    assert (row.error, row.settings) == (None, "tuned (2 trials)")
    assert "rankers.lambdamart.leaves" in row.tuning["params"]


def test_training_settings_are_searched_with_the_model(tmp_path):
    model = {"predictor": {"name": "gru4rec", "dim": 8, "length": 5}, "train": {"max_epochs": 1, "batch_size": 64}}
    row = by_label(zoo.bench(experiment(model, tune={"trials": 2}), tmp_path / "out"))["gru4rec"]
    names = set(row.tuning["params"])
    assert {"train.learning_rate", "train.weight_decay", "predictor.layers"} <= names
    assert not {"train.batch_size", "predictor.dim"} & names  # the file sets them
    assert row.model["train"]["weight_decay"] == row.tuning["params"]["train.weight_decay"]
    assert not (tmp_path / "out" / "tuning" / "training").exists()


def test_a_budget_in_minutes_completes_the_first_trial(tmp_path):
    row = by_label(zoo.bench(experiment("ease", tune={"minutes": 1e-9}), tmp_path / "out"))["ease"]
    assert (row.settings, row.tuning["budget"]) == ("tuned (1 trial)", {"minutes": 1e-9})


def test_repeated_points_are_not_run_again_and_end_a_small_space(tmp_path):
    model = {"predictor": "ease", "tune": {"predictor": {"l2": [100.0, 200.0]}}}
    row = by_label(zoo.bench(experiment(model, tune={"trials": 100}), tmp_path / "out"))["ease"]
    found = trials(tmp_path / "out")
    assert [t["state"] for t in found].count("complete") == 2
    assert {t["value"] for t in found if t["state"] == "repeated"} <= {
        t["value"] for t in found if t["state"] == "complete"
    }
    assert all(t["seconds"] == 0 for t in found if t["state"] == "repeated")
    assert row.tuning["trials"] == len(found) < 60


def test_a_setting_of_the_file_outside_a_space_gives_its_nearest_value_to_the_first_trial(tmp_path):
    model = {"predictor": {"name": "ease", "l2": 3.0}, "tune": {"predictor": {"l2": {"low": 10.0, "high": 20.0}}}}
    zoo.bench(experiment(model, tune={"trials": 3}), tmp_path / "out")
    values = [trial["params"]["predictor.l2"] for trial in trials(tmp_path / "out")]
    assert values[0] == 10.0
    assert all(10 <= value <= 20 for value in values)


def plugin(folder, body, name="unsteady"):
    """Write a plugin whose predictor has a searched parameter; `body` is its fit."""
    file = folder / f"{name}.py"
    file.write_text(
        textwrap.dedent("""
        import torch
        from zoo.api import ComponentSpec, Field, Params, Predictor, hookimpl, int_range

        class UnsteadyParams(Params):
            x: int = Field(1, tune=int_range(1, 1000))

        class Unsteady(Predictor[UnsteadyParams]):
            def fit(self, data, context):
                {body}

            def score(self, queries):
                return torch.arange(queries.log.n_items + 1.0).repeat(len(queries), 1) % (self.params.x + 1)

        @hookimpl
        def zoo_components():
            return [ComponentSpec("{name}", "predictor", "{name}:Unsteady", UnsteadyParams, "A test.")]
        """).format(body=body, name=name)
    )
    return file


def test_a_failing_trial_is_a_failed_trial_and_not_the_end(tmp_path):
    file = plugin(tmp_path, "if self.params.x % 2 == 0: raise RuntimeError('an even number')")
    store = zoo.bench(experiment("unsteady", tune={"trials": 8}), tmp_path / "out", plugins=[file])
    row, found = by_label(store)["unsteady"], trials(tmp_path / "out")
    states = [trial["state"] for trial in found]
    assert row.tuning["failed"] == states.count("failed") > 0
    assert states.count("complete") > 0
    failed = next(trial for trial in found if trial["state"] == "failed")
    assert failed["value"] is None
    assert "an even number" in failed["error"]


def test_a_search_whose_trials_all_fail_is_a_failed_row(tmp_path):
    file = plugin(tmp_path, "raise RuntimeError('never')", "broken")
    store = zoo.bench(experiment("broken", "ease", tune={"trials": 2}), tmp_path / "out", plugins=[file])
    rows = by_label(store)
    assert "all 2 trials of the search failed; the first: RuntimeError: never" in rows["broken"].error
    assert rows["ease"].error is None


@pytest.mark.robust
def test_a_row_in_a_process_of_its_own_has_the_same_search(tmp_path):
    model = {"predictor": {"name": "als", "factors": 8}}
    for name, isolate in (("together", False), ("isolated", True)):
        watched = Watched()
        store = zoo.bench(experiment(model, tune={"trials": 3}), tmp_path / name, isolate=isolate, progress=watched)
        assert watched.searches == [row.tuning for row in store.rows() if row.tuning]
    one, two = ([(t["params"], t["value"]) for t in trials(tmp_path / name)] for name in ("together", "isolated"))
    assert one == two


def test_in_python_a_call_with_a_log_tunes_too(tmp_path):
    log = zoo.read_log(zoo.load("synthetic-shop", customers=150, items=80))
    store = zoo.bench({"ease": zoo.load("ease")}, log, metrics=["ndcg@5"], tune={"trials": 2}, out=tmp_path / "out")
    assert store.rows()[0].settings == "tuned (2 trials)"
    with pytest.raises(ConfigError) as error:
        zoo.bench({"ease": zoo.load("ease")}, log, tune={"trials": 0})
    assert "tune.trials: expected a number of at least 1, found 0." in str(error.value)


def test_a_budget_of_the_call_replaces_that_of_the_file(tmp_path):
    store = zoo.bench(experiment("ease", tune={"minutes": 20}), tmp_path / "out", tune={"trials": 2})
    assert store.rows()[0].tuning["budget"] == {"trials": 2}


def test_without_optuna_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ConfigError) as error:
        zoo.bench(experiment("ease", tune={"trials": 2}), tmp_path / "out")
    assert str(error.value) == (
        'tune: tuning needs the package optuna, which is not installed: pip install "shopzoo[tune]"'
    )
    assert not list((tmp_path / "out").glob("*.json"))


def test_without_a_validation_part_nothing_is_fitted(tmp_path):
    with pytest.raises(ConfigError, match="the split has none"):
        zoo.bench(experiment("ease", tune={"trials": 2}, split={"policy": "temporal", "cuts": [0.8]}), tmp_path / "out")
    assert not (tmp_path / "out" / "runs").exists()


def test_a_metric_without_better_values_cannot_be_tuned_for(tmp_path):
    with pytest.raises(ConfigError) as error:
        zoo.bench(experiment("ease", tune={"trials": 2}, evaluate={"metrics": ["novelty@5"]}), tmp_path / "out")
    assert str(error.value) == (
        "tune.metric: no value of 'novelty@5' is better than another. Choose a metric such as 'ndcg@10'."
    )
