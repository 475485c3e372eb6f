"""Features that several runs share are made once, and change nothing."""

import textwrap

import numpy as np
import pyarrow as pa
import pytest
import torch

import zoo
from zoo.benchmark.fits import cache as fit_cache
from zoo.benchmark.fits.cache import FitCache
from zoo.config.chosen import Chosen
from zoo.data.catalogue import Catalogue
from zoo.data.interactions import Interactions
from zoo.registry.registry import default_registry
from zoo.stages.context import RunContext
from zoo.stages.stage import TrainingData

SHOP = {"name": "synthetic-shop", "customers": 60, "items": 60, "events": 1500}
TF_IDF = {"name": "tf-idf", "columns": ["title"]}
CNN = {"name": "text-cnn", "columns": ["title"], "text_dim": 8, "tokens": 200}
SASREC = {"name": "sasrec", "dim": 8, "blocks": 1}
MODELS = [
    {"label": "knn", "predictor": "content-knn", "featurizer": TF_IDF},
    {"label": "cnn", "predictor": "content-knn", "featurizer": CNN},
    {"label": "both", "predictor": SASREC, "featurizer": [TF_IDF, CNN]},
]


def bench(out, models=MODELS, **train):
    raw = {
        "data": {"source": SHOP},
        "split": {"policy": "temporal", "cuts": [0.7, 0.8]},
        "evaluate": {"metrics": ["ndcg@5", "recall@5"], "bootstrap": 100},
        "train": {"max_epochs": 2, "seeds": [0, 1], **train},
        "model": models,
    }
    return zoo.bench(raw, out)


def figures(store):
    return [(r.label, r.seed, r.metrics, r.slices, r.tied_edges, r.parameters, r.error) for r in store.rows()]


@pytest.fixture
def counted(monkeypatch):
    """Return a list that gets the name of each featurizer as it is fitted."""
    made = []
    for name in ("tf-idf", "text-cnn"):
        target = default_registry().find("featurizer", name).target()

        def told(self, data, context, name=name, real=target.fit_transform):
            made.append(name)
            return real(self, data, context)

        monkeypatch.setattr(target, "fit_transform", told)
    return made


def test_runs_with_one_featurizer_make_it_once_and_give_the_rows_that_they_give_without(tmp_path, counted, monkeypatch):
    cached = bench(tmp_path / "cached")
    # knn before the test; cnn for two seeds; both: before the validation part as well, tf-idf then without a seed
    assert sorted(counted) == ["text-cnn"] * 4 + ["tf-idf"] * 2
    assert len(list((tmp_path / "cached" / "features").iterdir())) == 6
    counted.clear()
    monkeypatch.setattr(FitCache, "fit_featurizer", lambda self, chosen, *given: given[0].fit_transform(*given[1:]))
    alone = bench(tmp_path / "alone")
    assert sorted(counted) == ["text-cnn"] * 6 + ["tf-idf"] * 5
    assert figures(alone) == figures(cached)
    assert all(row[-1] is None for row in figures(alone))


def test_a_later_bench_finds_what_an_earlier_one_made(tmp_path, counted):
    bench(tmp_path, MODELS[:1])
    bench(
        tmp_path,
        [*MODELS[:1], {"label": "other", "predictor": {"name": "content-knn", "recency": 0.5}, "featurizer": TF_IDF}],
    )
    assert counted == ["tf-idf"]
    bench(tmp_path, [{"label": "other", "predictor": "content-knn", "featurizer": {**TF_IDF, "ngrams": [1, 2]}}])
    bench(tmp_path, [{"label": "cnn", "predictor": "content-knn", "featurizer": CNN}], seeds=[0])
    bench(tmp_path, [{"label": "cnn", "predictor": "content-knn", "featurizer": CNN}], seeds=[0], max_epochs=3)
    assert counted == ["tf-idf", "tf-idf", "text-cnn", "text-cnn"]


def shop(title="a red hat"):
    """Return a small log with titles."""
    log = Interactions.from_arrays(np.array([0, 0, 1, 1]), np.array([1, 2, 2, 3]), n_items=3, n_users=2)
    catalogue = Catalogue(pa.array([None, "a", "b", "c"]), pa.table({"title": [None, title, "a blue lamp", "a hat"]}))
    return TrainingData.of(log, catalogue)


def asked(cache, data, name="tf-idf", context=None, **params):
    """Return the features that a fresh featurizer has of the cache, and the featurizer."""
    component = default_registry().find("featurizer", name)
    chosen = Chosen(component, component.params({"columns": ["title"], **params}))
    featurizer = chosen.build()
    return cache.fit_featurizer(chosen, featurizer, data, context or RunContext()), featurizer


@pytest.mark.parametrize("params", [{}, {"svd": 2}], ids=["sparse", "dense"])
def test_what_is_found_is_what_was_kept(tmp_path, counted, params):
    data = shop()
    made, first = asked(FitCache(tmp_path), data, **params)
    found, second = asked(FitCache(tmp_path), data, **params)
    assert counted == ["tf-idf"]
    assert found.names == made.names
    assert found.is_sparse == made.is_sparse
    assert torch.equal(found.values.to_dense(), made.values.to_dense())
    assert found.values.dtype == made.values.dtype
    again = second.transform(data.catalogue).values.to_dense()
    assert torch.equal(again, first.transform(data.catalogue).values.to_dense())


def test_a_featurizer_whose_state_has_an_empty_tensor_is_kept(tmp_path):
    """One of categories alone has learned no means."""
    tabular = {"name": "tabular", "columns": ["category"]}
    store = bench(tmp_path, [{"label": "knn", "predictor": "content-knn", "featurizer": tabular}], seeds=[0])
    assert [row.error for row in store.rows()] == [None]
    assert [row.error for row in bench(tmp_path / "again", MODELS[:1], seeds=[0]).rows()] == [None]


def test_other_data_are_others_and_a_seed_matters_where_it_is_read(tmp_path, counted):
    cache = FitCache(tmp_path)
    for title in ("a red hat", "a green hat"):
        for seed in (0, 1):
            asked(cache, shop(title), context=RunContext(seed))
    assert counted == ["tf-idf", "tf-idf"]


@pytest.mark.parametrize("damage", ["cut", "flipped", "foreign", "empty", "another's"])
def test_a_damaged_or_foreign_entry_is_made_again(tmp_path, counted, damage):
    data = shop()
    expected, _ = asked(FitCache(tmp_path), data)
    (file,) = tmp_path.iterdir()
    content = bytearray(file.read_bytes())
    if damage == "flipped":
        content[-1] ^= 1
    if damage == "another's":
        asked(FitCache(tmp_path / "more"), data, "bag-of-words")
        content = bytearray(next((tmp_path / "more").iterdir()).read_bytes())
    file.write_bytes({"cut": content[:-9], "foreign": b"PAR1" * 9, "empty": b""}.get(damage, bytes(content)))
    counted.clear()
    found, featurizer = asked(FitCache(tmp_path), data)
    assert torch.equal(found.values.to_dense(), expected.values.to_dense())
    assert torch.equal(featurizer.transform(data.catalogue).values.to_dense(), expected.values.to_dense())
    asked(FitCache(tmp_path), data)
    assert counted == ["tf-idf"]  # once again, and then it is whole


def test_where_nothing_can_be_kept_features_are_made_all_the_same(tmp_path, counted):
    (tmp_path / "features").write_text("no folder")
    for _ in range(2):
        features, _ = asked(FitCache(tmp_path / "features"), shop())
        assert features.values.shape == (4, 4)
    assert counted == ["tf-idf", "tf-idf"]


def test_a_time_that_spans_a_look_up_counts_what_the_features_took(tmp_path, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(fit_cache.time, "perf_counter", lambda: clock[0])
    component = default_registry().find("featurizer", "tf-idf").target()
    real = component.fit_transform

    def slow(self, data, context):
        clock[0] += 100
        return real(self, data, context)

    def read(path, real=fit_cache.read_entry):
        clock[0] += 3
        return real(path)

    monkeypatch.setattr(component, "fit_transform", slow)
    monkeypatch.setattr(fit_cache, "read_entry", read)
    cache = FitCache(tmp_path)
    for _ in range(2):
        start = clock[0] + cache.time_correction
        asked(cache, shop())
        assert clock[0] + cache.time_correction - start == 100


def test_a_plugin_that_draws_from_the_global_generator_shifts_nobody(tmp_path):
    file = tmp_path / "drawing.py"
    file.write_text(
        textwrap.dedent("""
        import torch
        from zoo.api import Capabilities, ComponentSpec, Featurizer, ItemFeatures, Params, Predictor, hookimpl

        class Draws(Featurizer):
            def fit(self, data, context):
                torch.rand(7)

            def transform(self, catalogue):
                return ItemFeatures((torch.arange(len(catalogue)) > 0).float()[:, None], ("one",))

        class Guess(Predictor):
            fitted = ("scores",)

            def fit(self, data, context):
                self.scores = torch.rand(len(data.catalogue))

            def score(self, queries):
                return self.scores.repeat(len(queries), 1)

        @hookimpl
        def zoo_components():
            any_seed = Capabilities(deterministic=False, features="optional")
            return [
                ComponentSpec("draws", "featurizer", "drawing:Draws", Params, "A test."),
                ComponentSpec("guess", "predictor", "drawing:Guess", Params, "A test.", capabilities=any_seed),
            ]
        """)
    )
    raw = {
        "data": {"source": SHOP}, "split": {"policy": "temporal", "cuts": [0.8]}, "train": {"seeds": [0]},
        "evaluate": {"metrics": ["ndcg@5"], "bootstrap": 100},
        "model": [{"predictor": "guess", "featurizer": "draws"}],
    }  # fmt: skip
    rows = []
    for _ in range(2):
        rows += zoo.bench(raw, tmp_path / "out", plugins=[file]).rows()
        for kept in (tmp_path / "out" / "runs").iterdir():  # the run is made again, its features are there
            kept.unlink()
    assert rows[0].error is None
    assert rows[0].metrics == rows[1].metrics
