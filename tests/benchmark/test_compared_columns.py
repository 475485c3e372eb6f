"""Columns are compared once: the same files have the same verdicts, whatever the models are called."""

import numpy as np
import pyarrow as pa
import pytest

from zoo.benchmark.results_folder.row import Row
from zoo.benchmark.results_folder.store import BenchmarkManifest, Store
from zoo.benchmark.tables import compared_columns
from zoo.benchmark.tables.compared_columns import compare_column
from zoo.benchmark.tables.comparison_tables import by_label
from zoo.benchmark.tables.report_text import ReportStore
from zoo.evaluation.significance import compare_models

METRICS = {"ndcg@5": True, "loss@5": False, "novelty@5": None}


@pytest.fixture
def values():
    rng = np.random.default_rng(0)
    base = rng.random(300)
    return {"a_": [base], "b": [base - 0.2], "c": [base + rng.normal(0, 0.05, 300) for _ in range(3)]}


@pytest.fixture
def store(tmp_path, values):
    store = Store(tmp_path)
    runs = [
        (label, None if len(each) == 1 else seed, run)
        for label, each in values.items()
        for seed, run in enumerate(each)
    ]
    entries = [{"label": label, "seed": seed, "key": f"{label}{seed}"} for label, seed, _ in runs]
    store.open(BenchmarkManifest("t", {}, {}, METRICS, {"model": []}, entries))
    for label, seed, run in runs:
        add(store, label, seed, run)
    return store


def add(store, label, seed, run):
    store.add(Row(f"{label}{seed}", label, seed, {}), pa.table(dict.fromkeys(METRICS, run)))


def compare(store, metric="ndcg@5"):
    return compare_column(store, by_label(store.rows()), metric)


def test_verdicts_are_those_of_the_test(store, values):
    assert compare(store) == compare_models(values, {"c"})
    assert compare(store, "loss@5") == compare_models(values, {"c"}, higher_is_better=False)
    assert compare(store, "novelty@5").verdicts == {}


def test_the_same_files_are_not_compared_again_also_under_names_for_a_report(store, monkeypatch):
    first = compare(store)
    monkeypatch.setattr(compared_columns, "compare_models", None)
    found = compare(ReportStore(store.folder))
    assert found.verdicts == {"a\\_": first.verdicts["a_"], "b": first.verdicts["b"], "c": first.verdicts["c"]}
    assert found.detectable_share == first.detectable_share


def test_a_run_that_changed_is_compared_anew(store, values):
    assert compare(store).verdicts["b"] == "worse"
    add(store, "b", None, values["b"][0] + 0.4)
    assert compare(store).verdicts["b"] == "best"
