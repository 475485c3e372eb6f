"""A predictor before several rankers is fitted once for each log, and every row is that of a run alone."""

import textwrap

import pytest

import zoo
from zoo.benchmark.fits.entries import read_entry
from zoo.benchmark.progress import Progress
from zoo.registry.registry import default_registry

SHOP = {"name": "synthetic-shop", "customers": 100, "items": 60, "events": 3000}
TF_IDF = {"name": "tf-idf", "columns": ["title"]}
TREES = {"name": "lambdamart", "trees": 10}
NETWORK = {"name": "neural-ranker", "dim": 8, "blocks": 1}
PREDICTORS = """
    import os
    from pathlib import Path

    import numpy as np
    import torch
    from zoo.api import Capabilities, ComponentSpec, Params, Predictor, hookimpl

    class CountedParams(Params):
        fits: str

    class Counted(Predictor):
        "Counts bought items, and writes a line to a file for each fit."
        fitted = ("scores",)

        def fit(self, data, context):
            with Path(self.params.fits).open("a") as file:
                file.write(f"{len(data.interactions)}\\n")
            self.scores = torch.from_numpy(data.interactions.counts()).float()

        def score(self, queries):
            return self.scores.repeat(len(queries), 1)

    class Forgetful(Counted):
        "Needs an attribute that is no part of its state."
        def fit(self, data, context):
            super().fit(data, context)
            self.most = float(self.scores.max())

        def score(self, queries):
            return super().score(queries) / self.most

    class Changed(Counted):
        "Has another value than its state says."
        def __init__(self, params):
            super().__init__(params)
            self.sign = 1.0

        def fit(self, data, context):
            super().fit(data, context)
            self.sign = -1.0

        def score(self, queries):
            return super().score(queries) * self.sign

    class Loud(Counted):
        "Changes the state of the process."
        def fit(self, data, context):
            super().fit(data, context)
            os.environ["LOUD"] = "yes"

    class Drawing(Counted):
        "Draws from the global generator."
        def fit(self, data, context):
            super().fit(data, context)
            self.scores = torch.rand(len(self.scores))

    @hookimpl
    def zoo_components():
        names = [Counted, Forgetful, Changed, Loud]
        seeded = Capabilities(deterministic=False)
        return [
            *(ComponentSpec(c.__name__.lower(), "predictor", f"counted_predictors:{c.__name__}", CountedParams, "A test.") for c in names),
            ComponentSpec("drawing", "predictor", "counted_predictors:Drawing", CountedParams, "A test.", capabilities=seeded),
        ]
"""


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    file = tmp_path_factory.mktemp("plugin") / "counted_predictors.py"
    file.write_text(textwrap.dedent(PREDICTORS))
    return file


@pytest.fixture
def bench(tmp_path, plugin):
    """Return a function that runs models and returns the store and the number of fits of the predictors of this file."""
    fits = tmp_path / "fits.txt"

    def run(models, out="out", cuts=(0.6, 0.7, 0.85), progress=None, isolate=False, **sections):
        train = {"max_epochs": 3, **sections.pop("train", {})}
        counted = ("counted", "forgetful", "changed", "loud", "drawing")
        raw = {
            "data": {"source": SHOP},
            "split": {"policy": "temporal", "cuts": list(cuts)},
            "evaluate": {"metrics": ["ndcg@5"], "bootstrap": 100, "candidates": 20},
            "train": train,
            "model": [
                {**m, "predictor": {"name": m["predictor"], "fits": str(fits)}} if m["predictor"] in counted else m
                for m in models
            ],
            **sections,
        }
        fits.write_text("")
        store = zoo.bench(raw, tmp_path / out, plugins=[plugin], progress=progress, isolate=isolate)
        return store, len(fits.read_text().splitlines())

    return run


def before_rankers(predictor, **more):
    """Return a predictor alone and before three rankers."""
    models = [{"label": "alone", "predictor": predictor}]
    for name, ranker in (("trees", TREES), ("network", NETWORK), ("mmr", "mmr")):
        model = {"label": name, "predictor": predictor, "rankers": [ranker], "featurizer": TF_IDF, **more}
        models.append({**model, "ranker_train": {"max_epochs": 2}} if name == "network" else model)
    return models


def without_times(row):
    """Return the figures of a row that no clock decides."""
    training = {k: v for k, v in row.training.items() if not k.startswith("seconds")}
    training["history"] = [{**at, "seconds": 0} for at in training.get("history", [])]
    training["refits"] = [{**fit, "seconds": 0} for fit in training.get("refits", [])]
    rankers = [{**r, "history": [{**at, "seconds": 0} for at in r["history"]]} for r in row.rankers]
    return row.metrics, row.slices, row.tied_edges, row.filled, row.parameters, row.notes, training, rankers


def assert_same_rows(store, alone):
    """Assert that rows of two folders have the same figures, notes and lists."""
    rows = {(row.label, row.seed): row for row in store.rows()}
    for row in alone.rows():
        if row.reference:
            continue
        other = rows[row.label, row.seed]
        assert (row.error, other.error) == (None, None)
        assert without_times(other) == without_times(row)
        assert store.lists(other).equals(alone.lists(row))


@pytest.mark.parametrize("isolate", [False, True], ids=["one process", "isolated"])
def test_a_predictor_before_three_rankers_is_fitted_once_for_each_log(bench, isolate):
    models = before_rankers("counted")
    if isolate:  # each row starts a process
        models = [model for model in models if model["label"] in ("trees", "mmr")]
    store, fits = bench(models, isolate=isolate)
    assert fits == 2  # before the window of the rankers, and before the test
    assert not (store.folder / "predictors").exists()
    for model in models:
        alone, fits = bench([model], out=model["label"])
        assert fits == (2 if model["label"] in ("trees", "network") else 1)
        assert_same_rows(store, alone)


@pytest.mark.parametrize("predictor", ["ease", {"name": "sasrec", "dim": 8, "blocks": 1}], ids=["ease", "sasrec"])
def test_rows_that_share_a_fit_are_those_of_models_alone(bench, monkeypatch, predictor):
    target, fits = default_registry().find("predictor", "ease" if predictor == "ease" else "sasrec").target(), []
    real = target.fit

    def fit(self, data, context):
        fits.append(len(data.interactions))
        real(self, data, context)

    monkeypatch.setattr(target, "fit", fit)
    models = before_rankers(predictor)
    store, _ = bench(models, train={"seeds": [0, 1]})
    if predictor == "ease":
        assert len(fits) == 2  # the seeds of the rankers share it too
    else:
        # For each seed: alone 2. Before `trees` 3: for validation, the rank part and the test. `network` none. `mmr` 1: the
        # features of its last fit are those of the test log, where `trees` keeps the features that its ranker learned from.
        assert len(fits) == 2 * (2 + 3 + 0 + 1)
    for model in models:
        alone, _ = bench([model], out=model["label"], train={"seeds": [0, 1]})
        assert_same_rows(store, alone)


class Interrupt(Progress):
    """Ends the benchmark when a row begins."""

    def __init__(self, label):
        self.label = label

    def started(self, label, seed, *, again=""):
        if label == self.label:
            raise KeyboardInterrupt


@pytest.mark.parametrize("damage", ["none", "cut", "flipped", "empty", "foreign"])
def test_an_interrupted_benchmark_restores_what_is_whole_and_fits_the_rest(bench, tmp_path, damage):
    models = [model for model in before_rankers("counted") if model["label"] in ("trees", "mmr")]
    with pytest.raises(KeyboardInterrupt):
        bench(models, progress=Interrupt("mmr"))
    files = list((tmp_path / "out" / "predictors").glob("*/*"))
    assert len(files) == 2
    for file in files:
        content = bytearray(file.read_bytes())
        if damage == "flipped":
            content[-1] ^= 1
        file.write_bytes({"cut": content[:-9], "empty": b"", "foreign": b"PAR1" * 9}.get(damage, bytes(content)))
    store, fits = bench(models)
    assert fits == (0 if damage == "none" else 1)
    assert not (store.folder / "predictors").exists()
    assert_same_rows(store, bench(models[1:], out="alone")[0])


@pytest.mark.parametrize("predictor", ["forgetful", "changed", "loud"])
def test_a_predictor_that_cannot_be_restored_as_it_was_is_fitted_for_each_row(bench, predictor):
    models = [model for model in before_rankers(predictor) if model["label"] in ("alone", "mmr")]
    store, fits = bench(models)
    assert fits == 2
    for model in models:
        assert_same_rows(store, bench([model], out=model["label"])[0])


def test_what_comes_after_a_restored_predictor_draws_the_same_numbers(bench):
    models = [model for model in before_rankers("drawing") if model["label"] in ("alone", "mmr")]
    store, fits = bench(models, train={"seeds": [0, 1]})
    assert fits == 2  # one for each seed
    for model in models:
        assert_same_rows(store, bench([model], out=model["label"], train={"seeds": [0, 1]})[0])


def test_a_predictor_that_no_other_row_uses_is_not_stored(bench, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        bench([{"label": "alone", "predictor": "counted"}, {"predictor": "ease"}], progress=Interrupt("ease"))
    assert not (tmp_path / "out" / "predictors").exists()


class Folders(Progress):
    """Notes how many predictors are stored when a row begins."""

    def __init__(self, folder):
        self.folder, self.counts = folder, {}

    def started(self, label, seed, *, again=""):
        self.counts[label] = len(list(self.folder.glob("predictors/*/*")))


def test_a_predictor_is_removed_after_the_last_row_that_shares_it(bench, tmp_path):
    counted, ease = (
        [
            {"label": predictor, "predictor": predictor},
            {"label": f"{predictor}, mmr", "predictor": predictor, "rankers": ["mmr"], "featurizer": TF_IDF},
        ]
        for predictor in ("counted", "ease")
    )
    seen = Folders(tmp_path / "out")
    bench([*counted, *ease], progress=seen)
    assert [seen.counts[model["label"]] for model in (*counted, *ease)] == [0, 1, 0, 1]
    # what a finished row shared is not stored for it again
    seen = Folders(tmp_path / "out")
    first = {
        "label": "first",
        "predictor": "counted",
        "featurizer": TF_IDF,
        "rankers": [{"name": "mmr", "relevance": 0.5}],
    }
    _, fits = bench([first, {"label": "last", "predictor": "popular"}, *counted], progress=seen)
    assert fits == 1
    assert seen.counts["last"] == 0


def test_trials_that_search_the_ranker_alone_fit_the_predictor_once(bench):
    pytest.importorskip("optuna", reason="optuna is not installed")
    trees = {"label": "trees", "predictor": "counted", "rankers": [{"name": "lambdamart", "trees": 5}]}
    store, fits = bench([trees], tune={"trials": 3})
    assert [row.error for row in store.rows() if not row.reference] == [None]
    # Trials fit it before the validation part, which their rankers learn from, and before the rank part, which measures them. The
    # row needs it before the rank part too, and before the test.
    assert fits == 3


def memory_of_entries(folder):
    """Return the stored memory of each fit in a folder, in MiB."""
    return [read_entry(path)[1]["memory_mib"] for path in folder.rglob("*.safetensors")]


def test_trials_store_the_memory_of_their_fits(bench, tmp_path):
    pytest.importorskip("optuna", reason="optuna is not installed")
    trees = {"label": "trees", "predictor": "counted", "rankers": [{"name": "lambdamart", "trees": 5}]}
    with pytest.raises(KeyboardInterrupt):
        bench([trees, {"predictor": "counted", "label": "alone"}], tune={"trials": 2}, progress=AfterSearch())
    found = memory_of_entries(tmp_path / "out" / "predictors")
    assert found
    assert min(found) > 0


class AfterSearch(Progress):
    """Ends the benchmark when a search has ended."""

    def searched(self, search):
        raise KeyboardInterrupt
