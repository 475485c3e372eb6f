"""The table: means over seeds, what is marked, failures, and what the reader is told."""

import numpy as np
import pyarrow as pa
import pytest

from zoo.benchmark.results_folder.row import Row
from zoo.benchmark.results_folder.store import BenchmarkManifest, Store
from zoo.benchmark.tables.comparison_tables import cold_table, interval_table, main_table, seconds, training_table
from zoo.benchmark.tables.report import finding, legend, markdown, settings

EXPERIMENT = {
    "data": {"source": {"name": "shopzoo/files", "interactions": ["events.csv"], "format": None}},
    "split": {"policy": "leave-last-out"},
    "evaluate": {"exclude_seen": ["purchase"], "target_events": ["purchase"]},
    "train": {"refit": False},
    "model": [
        {
            "label": "a",
            "predictor": {"name": "shopzoo-mf/als", "factors": 8},
            "featurizers": [],
            "filters": [{"name": "own/in-stock", "column": "stock"}],
            "rankers": [],
        }
    ],
}
MACHINE = {"processor": "p", "cores": 2, "memory_mib": 1, "threads": 2, "gpu": None, "system": "s"}


@pytest.fixture
def store(tmp_path):
    rng = np.random.default_rng(0)
    good = rng.random(400)
    values = {
        ("a", None): good,
        ("b", None): good + rng.normal(0, 0.01, 400),  # not significantly different from a
        ("c", None): good - 0.2,
        ("d", 0): good - 0.1,  # one seed is no test, however clear it looks
    }
    runs = [{"label": label, "seed": seed, "key": f"{label}{seed}"} for label, seed in values]
    runs.append({"label": "e", "seed": None, "key": "e"})
    store = Store(tmp_path)
    starts = {"test": "2011-11-01 00:00:00 UTC"}
    store.open(
        BenchmarkManifest("t", {}, {"events": 7}, {"ndcg@10": True, "novelty@10": None}, EXPERIMENT, runs, starts)
    )
    for (label, seed), v in values.items():
        figures = {"ndcg@10": [0.25, 0.0, 1.0]}
        cold = {"queries": 5, "items": 9, "scored": label != "c", "metrics": figures, "floor": {"ndcg@10": 0.125}}
        metrics = {"ndcg@10": [float(v.mean()), 0.0, 1.0], "novelty@10": [None, None, None]}
        store.add(
            Row(
                f"{label}{seed}",
                label,
                seed,
                {},
                metrics=metrics,
                slices={"cold": cold},
                queries=400,
                tied_edges=0.125 if label == "b" else 0.0,
                machine=MACHINE,
            ),
            pa.table({"ndcg@10": v, "novelty@10": v}),
        )
    store.add(Row("e", "e", None, {}, error="ScoreError: no", machine=MACHINE), None)
    return store


def test_the_best_is_marked_and_what_cannot_be_told_apart_from_it(store):
    cells = {row[0].text: row[1] for row in main_table(store).rows}
    assert cells["a"].verdict in ("best", "same")
    assert {cells["a"].verdict, cells["b"].verdict} == {"best", "same"}
    assert cells["c"].verdict == "worse"
    assert cells["d"].verdict == "not tested"
    assert cells["e"].text == "failed"


def test_a_metric_that_is_neither_good_nor_bad_is_not_marked_and_a_missing_value_is_a_dash(store):
    table = main_table(store)
    column = table.headers.index("novelty@10")
    assert [row[column].verdict for row in table.rows[:4]] == [None] * 4
    assert [row[column].text for row in table.rows[:4]] == ["–"] * 4


def test_the_report_says_what_must_be_known_before_a_figure_is_compared(store):
    text = markdown(store)
    assert "split `leave-last-out` (leaks across time)" in text
    assert "items seen by purchase excluded" in text
    assert "no refit" in text
    assert "- **e**: ScoreError: no" in text
    assert "- events: 7" in text
    assert "\nTrained with refit=False.\n" in text


def test_the_floor_of_chance_stands_above_the_cold_slice(store):
    table = cold_table(store)
    assert table.rows[0][0].text.startswith("random lists")
    assert table.rows[0][1].text == "0.1250"
    assert table.rows[1][1].text == "0.2500"


def test_a_model_that_cannot_score_cold_items_has_a_dash_there(store):
    assert {row[0].text: row[1].text for row in cold_table(store).rows}["c"] == "–"
    assert "A dash marks a model that cannot score them" in markdown(store)


def test_the_head_says_what_was_compared_on_what(store):
    text = markdown(store)
    assert "\nData: files(interactions=['events.csv'])\n" in text
    assert "test from 2011-11-01 00:00:00 UTC; 400 queries; targets: purchase events; " in text
    assert "\n- **a**: als(factors=8) > in-stock(column=stock)\n" in text
    assert "\nLists with a tie at the cutoff: b 12.5 %.\n" in text
    sections = [line for line in text.splitlines() if line.startswith("## ")]
    assert sections == ["## Failed runs", "## Models", "## Data", "## Cold items", "## Intervals", "## Machine"]


def test_a_sentence_says_how_models_were_trained(tmp_path):
    usual = {"max_epochs": None, "learning_rate": 0.01, "refit": True, "seeds": [0, 1]}
    models = [{**EXPERIMENT["model"][0], "label": "a"}, {"label": "net", "train": {**usual, "max_epochs": 5}}]
    store = Store(tmp_path)
    store.open(BenchmarkManifest("t", {}, {}, {}, {**EXPERIMENT, "train": usual, "model": models}, []))
    assert settings(store) == "Trained with learning_rate=0.01, refit=True, seeds=[0, 1]; net with max_epochs=5."


def test_a_sentence_says_what_was_found(store):
    table = main_table(store)
    best = next(row[0].text for row in table.rows if row[1].verdict == "best")
    share = f"{100 * table.detectable['ndcg@10']:.2g} %"
    assert finding(store, table) == (
        f"On ndcg@10, {best} is the best of the tested models; one other is not significantly different on 400 queries; 1 not "
        f"tested. A difference of {share} of the best value would be found with a probability of 80 %."
    )
    assert finding(store, table) in markdown(store)
    assert f"Differences from the best that would be found with a probability of 80 %: ndcg@10 {share}." in markdown(
        store
    )


def stored(folder, values, metric="ndcg@10", queries=3):
    """Return a store of runs, each given by label and seed with its value in every one of a few queries."""
    store = Store(folder)
    runs = [{"label": label, "seed": seed, "key": f"{label}{seed}"} for label, seed in values]
    store.open(BenchmarkManifest("t", {}, {}, {metric: True}, EXPERIMENT, runs))
    for (label, seed), v in values.items():
        row = Row(
            f"{label}{seed}", label, seed, {}, metrics={metric: [v, v - 0.1, v + 0.1]}, queries=queries, machine=MACHINE
        )
        store.add(row, pa.table({metric: [v] * queries}))
    return store


@pytest.mark.parametrize("value", [0.0, 0.3])
def test_where_all_models_are_equal_none_is_the_best(tmp_path, value):
    store = stored(tmp_path, {("a", None): value, ("b", 0): value, ("b", 1): value})
    table = main_table(store)
    assert [row[1].verdict for row in table.rows] == [None, None]
    assert finding(store, table) == ""


def test_intervals_are_those_of_the_values_beside_them(tmp_path):
    store = stored(tmp_path, {("a", 3): 0.2, ("a", 4): 0.6, ("b", None): 0.3}, queries=10)
    first, second = [[cell.text for cell in row] for row in interval_table(store).rows]
    assert first == ["a", "ndcg@10", "0.4000", "0.4000 to 0.4000", "0.2000 to 0.6000"]
    assert second == ["b", "ndcg@10", "0.3000", "0.2000 to 0.4000", ""]
    assert [row[1].text for row in main_table(store).rows] == ["0.4000", "0.3000"]


def test_the_legend_says_how_to_test_models_that_ran_with_one_seed(tmp_path):
    few = stored(tmp_path / "few", {("a", None): 0.1, ("b", 0): 0.6})
    table = main_table(few)
    assert [row[1].verdict for row in table.rows] == ["best", "not tested"]
    text = legend(few, table, best="*")
    assert text.startswith("*: the best of the tested models in its column. ")
    assert text.endswith("; set [train] seeds = [0, 1, 2] to test b.")
    assert finding(few, table) == "On ndcg@10, a is the only tested model; 1 not tested."
    assert "a model that depends on a seed needs three seeds or more" in text
    two = stored(tmp_path / "two", {("a", None): 0.1, ("b", 0): 0.6, ("b", 1): 0.61})
    assert legend(two, main_table(two), best="*") == text
    enough = stored(tmp_path / "enough", {("a", None): 0.1, **{("b", seed): 0.6 + seed / 100 for seed in range(3)}})
    assert "set [train]" not in legend(enough, main_table(enough), best="*")


def test_where_each_model_ran_with_one_seed_none_is_the_best(tmp_path):
    store = stored(tmp_path, {("a", 0): 0.1, ("b", 0): 0.6})
    table = main_table(store)
    assert [row[1].verdict for row in table.rows] == ["not tested", "not tested"]
    assert finding(store, table) == "No model is tested: each depends on a seed and ran with fewer than three."


def test_a_value_without_an_interval_says_why(tmp_path):
    store = Store(tmp_path)
    runs = [{"label": "a", "seed": None, "key": "a"}]
    store.open(BenchmarkManifest("t", {}, {}, {"ndcg@10": True, "revenue@10": True}, EXPERIMENT, runs))
    metrics = {"ndcg@10": [0.01, None, None], "revenue@10": [None, None, None]}
    store.add(Row("a", "a", None, {}, metrics=metrics, machine=MACHINE), None)
    assert [row[3].text for row in interval_table(store).rows] == ["too few hits", "–"]


@pytest.mark.parametrize(("value", "text"), [(0.0034, "0.003"), (0.0996, "0.100"), (0.1, "0.10"), (12.345, "12.35")])
def test_a_short_duration_is_printed_to_the_millisecond(value, text):
    assert seconds(value) == text


def test_networks_have_a_line_a_run_that_says_how_they_were_trained(tmp_path):
    store = Store(tmp_path)
    labels = [("net", 0), ("net", 1), ("short", 0), ("ease", None)]
    runs = [{"label": label, "seed": seed, "key": f"{label}{seed}"} for label, seed in labels]
    store.open(BenchmarkManifest("t", {}, {}, {"ndcg@10": True}, EXPERIMENT, runs))
    history = [{"epoch": n, "loss": 1.0, "value": 0.1 - abs(n - 4) / 100, "seconds": 600.0 * n} for n in (2, 4, 6)]
    found = {"epochs": 4, "seconds": 3600.0, "monitor": "ndcg@10", "seconds_to_best": 2400.0, "history": history}
    settled = {"epochs": 3, "seconds": 6.0, "refits": []}
    cut = {"epochs": 2, "seconds": 1300.0, "stopped": "time_limit"}
    trainings = [
        {**found, "stopped": "patience", "refits": [{"epochs": 4, "seconds": 2500.0}, cut]},
        {**found, "refits": []},
        settled,
        {},
    ]
    for (label, seed), training in zip(labels, trainings, strict=True):
        metrics = {"ndcg@10": [0.1, 0.0, 0.2]}
        store.add(
            Row(f"{label}{seed}", label, seed, {}, metrics=metrics, training=training, machine=MACHINE), pa.table({})
        )
    assert [[cell.text for cell in row] for row in training_table(store).rows] == [
        ["net, seed 0", "4 of 6", "patience", "ndcg@10 0.1000", "2,400.0", "600.00",
         "4 in 2,500.0 s + 2 in 1,300.0 s, cut short by time_limit"],
        ["net, seed 1", "4 of 6", "", "ndcg@10 0.1000", "2,400.0", "600.00", ""],
        ["short", "3", "", "", "", "2.00", ""],
    ]  # fmt: skip
    assert "## Training\n\n`epochs`: the epoch of the best weights" in markdown(store)


def test_where_no_model_is_a_network_nothing_is_said_of_training(store):
    assert training_table(store) is None
    assert "## Training" not in markdown(store)


def test_models_that_know_the_time_of_a_query_are_told_apart_where_there_are_any(tmp_path):
    store = Store(tmp_path)
    runs = [{"label": label, "seed": None, "key": label} for label in ("a", "b", "c")]
    store.open(BenchmarkManifest("t", {}, {}, {"ndcg@10": True}, EXPERIMENT, runs))
    for label, reads in (("a", True), ("b", False)):
        metrics = {"ndcg@10": [0.1, 0.0, 0.2]}
        store.add(Row(label, label, None, {}, reads, metrics=metrics, machine=MACHINE), pa.table({"ndcg@10": [0.1]}))
    store.add(Row("c", "c", None, {}, reads_time=True, error="no", machine=MACHINE), None)
    table = main_table(store)
    assert table.headers[-1] == "reads time"
    assert [row[-1].text for row in table.rows] == ["yes", "", ""]


def test_without_such_a_model_the_table_has_no_such_column(store):
    assert "reads time" not in main_table(store).headers


def test_runs_that_are_still_to_be_made_are_counted(store):
    (store.folder / "runs" / "cNone.json").unlink()
    assert "1 of 5 runs are not finished yet" in markdown(store)
