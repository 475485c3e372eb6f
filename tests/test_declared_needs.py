"""Histories and item columns that rankers and metrics declare: in a benchmark, in an artifact, and where they are missing."""

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch

import zoo
from zoo.artifacts.fit_artifact import fit
from zoo.config.load import experiment_from
from zoo.data.catalogue import Catalogue
from zoo.data.queries import Queries
from zoo.errors import ArtifactError, ConfigError, DataError
from zoo.registry.registry import Registry
from zoo.stages.item_columns import ItemColumns
from zoo.stages.item_features import GuardedItemFeatures, ItemFeatures
from zoo.testing.cases import cases
from zoo.tracebacks import QUERIES

EXAMPLES = Path(__file__).parents[1] / "examples" / "plugins"
PLUGINS = [EXAMPLES / "calibrated.py", EXAMPLES / "margins.py"]
SHOP = {"name": "synthetic-shop", "customers": 80, "items": 60, "events": 2000, "categories": 6, "brands": 12}


def experiment(*models, metrics=("ndcg@5",), **tables):
    return {
        "references": False,
        "data": {"source": SHOP},
        "evaluate": {"metrics": list(metrics), "bootstrap": 100, "candidates": 20},
        "model": list(models),
        **tables,
    }


def catalogue():
    columns = {
        "colour": pa.array([None, "red", "blue", None, "red"]),
        "tags": pa.array([None, ["a", "b"], ["b"], [], None]),
        "price": pa.array([None, 1.5, None, 3.0, 4.0]),
        "hidden": pa.array([None, 1, 1, 1, 1]),
    }
    return Catalogue(pa.array([None, *"1234"]), pa.table(columns))


def test_columns_become_numbers_codes_and_shares():
    columns = ItemColumns.of(catalogue(), ("colour", "tags", "price"))
    assert columns.numbers("price").nan_to_num(-1).tolist() == [-1, 1.5, -1, 3, 4]
    assert columns.codes("colour").tolist() == [0, 1, 2, 0, 1]
    assert columns.codes("tags").tolist() == [0, 1, 2, 0, 0]
    shares = columns.shares("tags")
    assert shares.names == ("a", "b")
    assert shares.rows(torch.arange(5)).tolist() == [[0, 0], [0.5, 0.5], [0, 1], [0, 0], [0, 0]]
    assert columns.shares("tags") is shares


def test_a_column_that_is_not_declared_cannot_be_read():
    with pytest.raises(DataError) as error:
        ItemColumns.of(catalogue(), ("colour", "price")).numbers("hidden")
    assert str(error.value) == (
        "the item column 'hidden' is not declared. Add it to `columns` of the component's Capabilities. "
        "Declared: colour, price."
    )


UNDECLARED = """
from zoo.api import Capabilities, ComponentSpec, CutoffParams, Params, QueryMetric, Ranker, hookimpl

class Forgot(Ranker[Params]):
    def score(self, lists):
        lists.queries.matrix()
        return lists.scores

class ForgotToo(QueryMetric[CutoffParams]):
    title = "forgot-too"
    def values(self, lists, facts):
        return lists.hits[:, 0].double() * lists.queries.lengths

@hookimpl
def zoo_components():
    return [
        ComponentSpec("forgot", "ranker", "undeclared:Forgot", Params, "A ranker.", capabilities=Capabilities(trainable=False), api=2),
        ComponentSpec("forgot-too", "metric", "undeclared:ForgotToo", CutoffParams, "A metric.", api=2),
    ]
"""
SENTENCE = "If it reads the queries of the lists, they are not declared: add `histories=True` to the component's Capabilities ("


def test_histories_that_are_not_declared_are_named_in_a_benchmark_and_in_the_checks(tmp_path):
    file = tmp_path / "undeclared.py"
    file.write_text(UNDECLARED, encoding="utf-8")
    models = ({"predictor": "popular"}, {"label": "b", "predictor": "popular", "rankers": ["forgot"]})
    store = zoo.bench(experiment(*models, metrics=["ndcg@5", "forgot-too@5"]), tmp_path / "run", plugins=[file])
    first, second = store.rows()
    assert f"'matrix'. {SENTENCE}" in second.error
    assert any(f"'lengths'. {SENTENCE}" in note for note in first.notes)
    found = {
        str(c): c
        for c in cases(Registry.discover([file]).components())
        if c.check.name in ("fits", "one-value-per-query")
    }
    assert f"'matrix'. {SENTENCE}" in found["forgot-ranker.fits"].result().detail
    assert f"'lengths'. {SENTENCE}" in found["forgot-too-metric.one-value-per-query"].result().detail
    assert all(hasattr(Queries, name) or name in Queries.__dataclass_fields__ for name in QUERIES)


@pytest.mark.parametrize("sparse", [False, True])
def test_what_is_written_into_guarded_features_does_not_reach_the_others(sparse):
    values = torch.tensor([[0.0, 0.0], [1.0, 2.0], [3.0, 0.0]])
    features = ItemFeatures(values.to_sparse_csr() if sparse else values.clone(), ("a", "b"))
    guarded = GuardedItemFeatures.of(features)
    for rows in (torch.tensor(1), torch.tensor([1]), torch.tensor([[1, 2]])):
        assert guarded.rows(rows).tolist() == features.rows(rows).tolist()
        guarded.rows(rows).fill_(9.0)
    (guarded.values.values() if sparse else guarded.values).fill_(9.0)
    guarded.sparse().data[:] = 9.0
    assert features.rows(torch.arange(3)).tolist() == values.tolist()
    assert guarded.values is guarded.values
    assert (guarded.names, guarded.is_sparse) == (("a", "b"), sparse)


def test_the_examples_calibrate_and_keep_categories_apart(tmp_path):
    model = {"predictor": "popular"}
    store = zoo.bench(
        experiment(
            model,
            {"label": "calibrated", **model, "rankers": [{"name": "calibrated", "weight": 0.9, "length": 5}]},
            {"label": "one", **model, "rankers": ["one-per-category"]},
            metrics=["ndcg@5", "miscalibration@5", {"name": "margin-share", "k": 5, "column": "price"}],
        ),
        tmp_path,
        plugins=PLUGINS,
    )
    rows = {row.label: row for row in store.rows()}
    assert [row.error for row in rows.values()] == [None] * 3
    off = {label: row.metrics["miscalibration@5"][0] for label, row in rows.items()}
    assert off["calibrated"] < off["popular"]
    assert all(row.metrics["margin-share@5"][0] > 0 for row in rows.values())


def test_the_relevance_of_calibrated_lists_has_one_scale():
    Registry.discover(PLUGINS)
    scores = torch.tensor([[900.0, 500.0, 100.0, -torch.inf], [0.3, 0.3, 0.3, 0.3]])
    mask = torch.tensor([[True, True, True, False], [True] * 4])
    assert sys.modules["calibrated"].within_list(scores, mask).tolist() == [[1, 0.5, 0, 0], [0, 0, 0, 0]]


def test_the_metric_of_calibration_is_that_of_the_paper():
    registry = Registry.discover(PLUGINS)
    module = sys.modules["calibrated"]
    assert registry.find("metric", "miscalibration").capabilities(module.MiscalibrationParams(k=2)).histories
    p, q = torch.tensor([0.7, 0.3, 0.0]), torch.tensor([0.0, 0.5, 0.5])
    expected = sum(a * np.log(a / (0.99 * b + 0.01 * a)) for a, b in zip(p.tolist(), q.tolist(), strict=True) if a)
    assert float(module.divergence(p, q)) == pytest.approx(expected, rel=1e-5)


def test_a_missing_column_is_one_error_before_the_first_fit(tmp_path):
    with pytest.raises(ConfigError) as error:
        zoo.bench(
            experiment(
                {"predictor": "popular", "rankers": [{"name": "calibrated", "column": "categry"}]},
                {"label": "two", "predictor": "popular"},
            ),
            tmp_path,
            plugins=PLUGINS,
        )
    assert str(error.value) == (
        "popular: calibrated reads the item column 'categry', and the items have title, description, category, "
        "brand, price, available_from, available_until. Did you mean 'category'? Map a column of the items, "
        'data.item_columns = { categry = "category" } (in Python, item_columns={"categry": "category"}), or choose another one '
        "in the parameters."
    )
    with pytest.raises(
        ConfigError, match=r"^evaluate.metrics: margin-share reads the item column 'margin', and the items"
    ):
        zoo.bench(experiment({"predictor": "popular"}, metrics=["margin-share@5"]), tmp_path, plugins=PLUGINS)
    assert not list(tmp_path.glob("**/results.jsonl"))


def test_judged_lists_have_neither(tmp_path):
    raw = {
        "task": "rank",
        "data": {"source": {"name": "judged-files", "train": "a.parquet", "test": "b.parquet"}},
        "evaluate": {"metrics": ["miscalibration@5"]},
        "model": [{"label": "a", "rankers": ["one-per-category"]}],
    }
    with pytest.raises(ConfigError) as error:
        experiment_from(raw, registry=Registry.discover(PLUGINS))
    assert (
        "evaluate.metrics: miscalibration reads the histories of the queries and the item columns category, which judged "
        'lists do not have. Leave it out, or use it in an experiment with task = "recommend".'
    ) in str(error.value)
    assert "model[1].rankers: one-per-category reads the item columns category, which judged lists" in str(error.value)


PARTS = """
import torch
from zoo.api import Capabilities, ComponentSpec, Fitted, Params, Ranker, hookimpl

class Writes(Ranker):
    def score(self, lists):
        assert lists.queries is None and lists.item_columns.catalogue.columns == []
        lists.vectors.values.fill_(1.0)
        return lists.scores

class Learns(Ranker):
    fitted = Fitted(seen="int64 [*]")
    def fit(self, data, context):
        assert len(data.queries) == len(data)
        lists = data.lists()
        assert lists.queries.lengths.tolist() == data.queries.lengths.tolist()
        assert int(data.queries.log.times.max()) < 2**62 and data.queries.targets is None
        self.seen = torch.from_numpy(data.queries.lengths)
    def score(self, lists):
        return lists.scores + torch.from_numpy(lists.queries.lengths)[:, None] + lists.item_columns.codes("brand")[lists.items]

@hookimpl
def zoo_components():
    return [
        ComponentSpec("writes", "ranker", "needing_parts:Writes", Params, "Writes.", capabilities=Capabilities(trainable=False, features="required"), api=2),
        ComponentSpec("learns", "ranker", "needing_parts:Learns", Params, "Learns.", capabilities=Capabilities(histories=True, columns=("brand",)), api=2),
    ]
"""


@pytest.fixture
def parts(tmp_path):
    file = tmp_path / "needing_parts.py"
    file.write_text(PARTS)
    yield file
    sys.modules.pop("needing_parts", None)


def test_a_ranker_that_writes_into_item_features_does_not_change_the_next_model(tmp_path, parts):
    model = {"predictor": "content-knn", "featurizer": {"name": "tf-idf", "columns": ["title"]}}
    writes = {"label": "writes", **model, "rankers": ["writes"]}
    alone = zoo.bench(experiment(model), tmp_path / "alone", plugins=[parts]).rows()[0]
    first, second = zoo.bench(experiment(writes, model), tmp_path / "both", plugins=[parts]).rows()
    assert (first.error, second.error) == (None, None)
    assert second.metrics == alone.metrics == first.metrics


def test_a_ranker_that_learns_gets_the_histories_of_its_lists(tmp_path, parts):
    model = {"predictor": "popular", "rankers": ["learns", "calibrated"]}
    split = {"policy": "temporal", "cuts": [0.6, 0.7, 0.8]}
    (row,) = zoo.bench(experiment(model, split=split), tmp_path / "out", plugins=[parts, *PLUGINS]).rows()
    assert row.error is None


@pytest.mark.parametrize("column", ["brand", "category"])  # the ranking features read `category` too
def test_an_artifact_keeps_the_columns_and_reads_new_values(tmp_path, column):
    model = {"label": "m", "predictor": "popular", "rankers": [{"name": "one-per-category", "column": column}]}
    raw = experiment(model, {"label": "plain", "predictor": "popular"})
    raw["evaluate"]["exclude_seen"] = False
    built = experiment_from(raw, registry=Registry.discover(PLUGINS))
    artifact, plain = (fit(built, model) for model in built.models)
    artifact.save(tmp_path / "artifact")
    loaded = zoo.load_artifact(tmp_path / "artifact", plugins=PLUGINS)
    ids = loaded.catalogue.ids.to_pylist()[1:]
    lists = [shop.recommend(history=ids[:1], k=8).to_arrow() for shop in (artifact, loaded)]
    assert lists[0].equals(lists[1])
    kinds = dict(zip(ids, loaded.catalogue.column(column).to_pylist()[1:], strict=True))
    best = [kinds[item] for item in lists[0]["item_id"].to_pylist()][:5]
    assert len(set(best)) == len(best)
    same = loaded.update_items(pa.table({"item_id": ids, column: ["all"] * len(ids)}))
    found = same.recommend(history=ids[:1], k=8).to_arrow()["item_id"]
    assert found.equals(plain.recommend(history=ids[:1], k=8).to_arrow()["item_id"])
    assert not found.equals(lists[0]["item_id"])


def test_ranking_features_that_no_ranker_learned_from_read_new_categories(tmp_path):
    model = {"label": "m", "predictor": "popular", "rankers": ["one-per-category"]}
    (resolved,) = (built := experiment_from(experiment(model), registry=Registry.discover(PLUGINS))).models
    shop = fit(built, resolved)
    ids = shop.catalogue.ids.to_pylist()[1:]
    new = shop.update_items(pa.table({"item_id": ids[:30], "category": [f"new {i % 3}" for i in range(30)]}))
    fresh, old = new.pipeline.candidate_features, shop.pipeline.candidate_features
    expected = [None, *(f"new {i % 3}" for i in range(30)), *shop.catalogue.column("category").to_pylist()[31:]]
    members = fresh.members["category"].toarray()
    assert [fresh.categories["category"][row.argmax()] if row.any() else None for row in members] == expected
    assert not any(name.startswith("new") for name in old.categories["category"])


def test_a_column_from_which_a_ranker_learned_is_refused_with_what_frees_it(tmp_path, parts):
    split = {"policy": "temporal", "cuts": [0.6, 0.7, 0.8]}
    model = {"label": "m", "predictor": "popular", "rankers": ["learns"]}
    only_scores = {**model, "label": "free", "candidate_features": {"groups": ["score"]}}
    raw = experiment(model, only_scores, split=split)
    built = experiment_from(raw, registry=Registry.discover([parts, *PLUGINS]))
    shop, free = (fit(built, each) for each in built.models)
    change = pa.table({"item_id": shop.catalogue.ids[1:2], "category": ["new"]})
    with pytest.raises(ArtifactError) as error:
        shop.update_items(change)
    assert str(error.value) == (
        "the column 'category' may not change without a new fit: learns learned from ranking features that were computed from it. "
        'Leave the column out, fit the model again, or fit it without these features: candidate_features = { groups = ["score"] } '
        "frees the column."
    )
    assert free.update_items(change).catalogue.column("category")[1].as_py() == "new"
