"""A benchmark of components that misbehave: each row says what happened, and no other row is affected."""

import os
import sys
from pathlib import Path

import pytest
import torch

import zoo

PLUGIN = """
import os, sys, io
import numpy as np
import torch
from zoo.api import (Capabilities, ComponentSpec, CutoffParams, Featurizer, Filter, ItemFeatures, Params, Predictor, QueryMetric,
    Ranker, hookimpl)

class Counts(Predictor):
    fitted = ("counts",)
    def fit(self, data, context):
        self.counts = torch.from_numpy(data.interactions.counts()).float()
    def score(self, queries):
        return self.counts.repeat(len(queries), 1)

class Double(Counts):
    def score(self, queries):
        return super().score(queries).double().numpy()

class Rude(Counts):
    def fit(self, data, context):
        super().fit(data, context)
        torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(False)
        torch.set_num_threads(torch.get_num_threads() + 1)
        os.chdir("/")
        sys.stdout = io.StringIO()
        os.environ["RUDE"] = "1"

class RudeFailure(Rude):
    def fit(self, data, context):
        super().fit(data, context)
        raise RuntimeError("no")

class Constant(Counts):
    def score(self, queries):
        return 0 * super().score(queries)

class Mute(Counts):
    def score(self, queries):
        return super().score(queries) - torch.inf

class LooksAhead(Counts):
    def fit(self, data, context):
        data.interactions.source.table

class Strict(Filter):
    fitted = ("none",)
    def fit(self, data, context):
        self.none = torch.zeros(1, len(data.catalogue), dtype=torch.bool)
    def keep(self, queries):
        return self.none

class DoubleRanker(Ranker):
    def score(self, lists):
        lists.items[:] = 3
        return lists.scores.double()

class NaNFeatures(Featurizer):
    fitted = ("size",)
    def fit(self, data, context):
        self.size = 1
    def transform(self, catalogue):
        values = torch.zeros(len(catalogue), 1)
        values[2] = torch.nan
        return ItemFeatures(values, ("size",))

class Broken(QueryMetric):
    title = "broken"
    def values(self, judged, facts):
        raise ValueError("not today")

class Miscounted(QueryMetric):
    title = "miscounted"
    def values(self, judged, facts):
        return judged.hits.sum(1)[:3]

def spec(name, stage, target, **more):
    return ComponentSpec(name, stage, f"misbehaving_parts:{target}", more.pop("params", Params), "A test.", **more)

@hookimpl
def zoo_components():
    free, unlearned = Capabilities(needs_history=False), Capabilities(trainable=False)
    predictors = [spec(name, "predictor", target, capabilities=free) for name, target in (
        ("counts", "Counts"), ("double", "Double"), ("rude", "Rude"), ("rude-failure", "RudeFailure"), ("constant", "Constant"),
        ("mute", "Mute"), ("looks-ahead", "LooksAhead"))]
    metrics = [spec(n, "metric", n.title(), params=CutoffParams) for n in ("broken", "miscounted")]
    return [*predictors, spec("strict", "filter", "Strict"), spec("double-ranker", "ranker", "DoubleRanker", capabilities=unlearned),
        spec("nan-features", "featurizer", "NaNFeatures"), *metrics]
"""
OF = "of the file misbehaving_parts.py"


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory):
    """Return the store of a benchmark of all of them, and the process state before and after."""
    folder = tmp_path_factory.mktemp("misbehaving")
    file = folder / "misbehaving_parts.py"
    file.write_text(PLUGIN)
    experiment = {
        "data": {"source": {"name": "synthetic-shop", "customers": 80, "items": 60}},
        "split": {"policy": "temporal", "cuts": [0.7, 0.8]},
        "evaluate": {"metrics": ["ndcg@5", "broken@5", "miscounted@5"], "bootstrap": 100, "candidates": 10},
        "model": [
            {"predictor": "counts"}, {"predictor": "double"}, {"predictor": "rude"}, {"predictor": "rude-failure"},
            {"predictor": "constant"}, {"predictor": "mute"}, {"predictor": "looks-ahead"},
            {"label": "strict", "predictor": "counts", "filters": ["strict"]},
            {"label": "double-ranker", "predictor": "counts", "rankers": ["double-ranker"]},
            {"label": "nan-features", "predictor": "content-knn", "featurizer": "nan-features"},
        ],
    }  # fmt: skip
    before = state()
    try:
        store = zoo.bench(experiment, folder / "out", plugins=[file])
        after = state()
    finally:
        sys.modules.pop("misbehaving_parts", None)
    return store, before, after


def state():
    return (
        torch.get_default_dtype(), torch.is_grad_enabled(), torch.get_num_threads(), Path.cwd(), sys.stdout, "RUDE" in os.environ
    )  # fmt: skip


@pytest.fixture
def rows(benchmark):
    return {row.label: row for row in benchmark[0].rows()}


@pytest.mark.parametrize("label", ["double", "double-ranker"])
def test_float64_scores_and_arrays_make_the_same_row(rows, label):
    assert rows[label].error is None
    assert rows[label].metrics["ndcg@5"] == rows["counts"].metrics["ndcg@5"]


def test_a_nan_of_a_featurizer_is_blamed_on_the_featurizer(rows):
    assert rows["nan-features"].error.startswith(
        f"ScoreError: featurizer 'nan-features' {OF}: `fit_transform` returned NaN for item number 2 in the column 'size'"
    )


def test_the_table_of_all_events_cannot_be_reached(rows):
    assert "has no attribute 'table'" in rows["looks-ahead"].error


def test_a_metric_that_fails_has_a_dash_and_the_others_stand(benchmark, rows):
    for label in ("counts", "double", "constant"):
        assert rows[label].metrics["ndcg@5"][0] is not None
        assert rows[label].metrics["broken@5"] == rows[label].metrics["miscounted@5"] == [None, None, None]
        broken, miscounted = (note for note in rows[label].notes if note.startswith("metric "))
        assert broken.startswith(
            f"metric 'broken' {OF} failed, and broken@5 has no value here: ValueError: not today ("
        )
        assert f"metric 'miscounted' {OF} failed" in miscounted
        assert "`values` returned the shape (3,), expected (" in miscounted
    report = (benchmark[0].folder / "report.md").read_text()
    line = next(line for line in report.splitlines() if line.startswith("| counts | "))
    assert [cell.strip() for cell in line.split("|")[3:5]] == ["–", "–"]
    assert "## Notes on the rows\n\n- **counts**: metric 'broken'" in report


@pytest.mark.parametrize("label", ["rude", "rude-failure"])
def test_global_state_is_restored_after_each_run_and_the_culprit_named(benchmark, rows, label):
    _, before, after = benchmark
    assert after == before
    notes = [note for note in rows[label].notes if "it was restored after the run" in note]
    assert all(note.startswith(f"predictor {label!r} {OF} changed ") for note in notes)
    changed = " ".join(notes)
    for part in (
        "default dtype from torch.float32 to torch.float64", "grad mode from True to False", "the number of torch's threads",
        "the working directory to /", "sys.stdout", "the environment variables RUDE",
    ):  # fmt: skip
        assert part in changed
    assert not any("restored" in note for note in rows["counts"].notes)


def test_lists_that_say_little_are_noted(rows):
    n = rows["counts"].queries
    assert f"all scores are equal in {n:,} of {n:,} lists" in " ".join(rows["constant"].notes)
    assert f"{n:,} of {n:,} lists have no item of the model" in " ".join(rows["mute"].notes)
    strict = " ".join(rows["strict"].notes)
    assert f"the filters keep no item for {n:,} of {n:,} queries: filter 'strict' {OF}" in strict
    assert f"{n:,} of {n:,} lists have no item of the model" in strict
    assert [note for note in rows["counts"].notes if not note.startswith("metric ")] == []
