"""Reference rows: which are added, what they never take part in, and what the finding says of them."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner

import zoo
from zoo.benchmark import references
from zoo.benchmark.results_folder.export import export, read_runs
from zoo.benchmark.results_folder.row import Row
from zoo.benchmark.results_folder.store import BenchmarkManifest, Store
from zoo.benchmark.tables.better_references import better_references
from zoo.benchmark.tables.comparison_tables import Cell, main_table
from zoo.benchmark.tables.report import finding, markdown
from zoo.cli.main import main
from zoo.cli.terminal_tables import _shown
from zoo.config.load import experiment_from
from zoo.data.catalogue import Catalogue
from zoo.data.interactions import Interactions

NAMES = ("popular", "transition-graph", "personal-popular", "item-knn")
SHOP = {"name": "synthetic-shop", "customers": 60, "items": 40, "events": 1500}


@pytest.fixture(autouse=True)
def _references(monkeypatch):
    monkeypatch.setattr(references, "REFERENCES", NAMES)


def raw(*models, **keys):
    return {
        "data": {"source": SHOP},
        "split": {"policy": "temporal", "cuts": [0.8]},
        "evaluate": {"metrics": ["ndcg@5"], "bootstrap": 100},
        "model": list(models),
        **keys,
    }


def small_log(n_items=5):
    return Interactions.from_arrays(np.array([0, 0, 1]), np.array([1, 2, 1]), np.arange(3), n_items=n_items)


def labels(*models, log=None, **keys):
    return [m.label for m in references.reference_models(experiment_from(raw(*models, **keys)), log or small_log())]


def test_each_reference_that_no_model_has_is_added():
    assert labels({"predictor": "ease"}) == list(NAMES)
    named = {"label": "knn", "predictor": {"name": "item-knn", "k": 5}}
    assert labels(named, {"predictor": "popular"}) == ["transition-graph", "personal-popular"]
    assert labels({"predictor": "ease"}, references=False) == []


def test_a_reference_whose_name_is_taken_gets_another():
    assert labels({"label": "popular", "predictor": "ease"})[0] == "plain popular"


def test_a_large_catalogue_has_popularity_alone_and_long_histories_no_item_knn():
    assert labels({"predictor": "ease"}, log=small_log(1_000_000)) == ["popular"]
    long = replace(small_log(), offsets=np.array([0, 100_000, 200_000]))
    assert labels({"predictor": "ease"}, log=long) == list(NAMES[:3])


def test_a_reference_that_needs_more_memory_than_there_is_is_left_out(monkeypatch):
    params = experiment_from(raw({"predictor": "item-knn"})).models[0].predictor.params
    monkeypatch.setattr(type(params), "fit_memory", lambda self, size: 2**80)
    assert labels({"predictor": "ease"}) == list(NAMES[:3])


def test_a_reference_that_is_not_installed_is_left_out():
    experiment = experiment_from(raw({"predictor": "ease"}))
    without = replace(experiment, registry=type(experiment.registry)([]))
    assert references.reference_models(without, small_log()) == ()


def test_they_are_rows_that_are_not_compared_kept_or_exported(tmp_path):
    store = zoo.bench(raw({"predictor": "ease"}), tmp_path / "out", keep_artifacts=True)
    rows = store.rows()
    assert [(row.label, row.reference) for row in rows] == [("ease", False), *((name, True) for name in NAMES)]
    assert [row.error for row in rows] == [None] * 5
    table = main_table(store)
    assert [row[0].text for row in table.rows] == ["ease", *(f"{name} (reference)" for name in NAMES)]
    assert all(cell.reference and cell.verdict is None for row in table.rows[1:] for cell in row)
    assert "\n| *popular (reference)* | *0." in markdown(store)
    assert "- *popular* (reference): popular" in markdown(store)
    assert [store.artifact(row.key).exists() for row in rows] == [True] + [False] * 4
    assert len(read_runs(export(store, tmp_path / "kept"))) == 1

    without = zoo.bench({**raw({"predictor": "ease"}), "references": False}, tmp_path / "out")
    assert [row.label for row in without.rows()] == ["ease"]
    both = zoo.bench(raw({"predictor": "ease"}, {"predictor": "popular"}), tmp_path / "out")
    found = {row.label: row for row in both.rows()}
    assert not found["popular"].reference
    assert found["popular"].key == rows[1].key  # a reference is the same run as a model of the experiment


def store_of(folder, values, reference=()):
    """Return a folder with a row for each label, and per-query values."""
    runs = [{"label": name, "seed": None, "key": name, "reference": name in reference} for name in values]
    store = Store(folder)
    store.open(BenchmarkManifest("t", {}, {}, {"ndcg@5": True}, {"model": []}, runs))
    for name, each in values.items():
        mean = float(np.mean(each))
        row = Row(name, name, None, {}, metrics={"ndcg@5": [mean, mean, mean]}, queries=len(each))
        store.add(row, pa.table({"ndcg@5": pa.array(each, pa.float32())}))
    return store


def test_the_finding_says_when_a_reference_is_better_than_every_model(tmp_path):
    rng = np.random.default_rng(0)
    base = rng.random(300)
    values = {
        "a": base,
        "b": base + 0.02 * rng.random(300),
        "ref": base + 0.2 + 0.1 * rng.random(300),
        "low": base - 0.3,
    }
    store = store_of(tmp_path / "one", values, reference=("ref", "low"))
    assert list(better_references(store, "ndcg@5")) == ["ref"]
    said = finding(store, main_table(store))
    assert said.startswith(
        "On ndcg@5, the reference ref is significantly better than every model of the experiment; b is the best of the models; "
    )
    assert said.count("ref") == 2
    near = store_of(tmp_path / "two", {**values, "ref": rng.permutation(values["b"])}, reference=("ref", "low"))
    assert better_references(near, "ndcg@5") == {}
    assert finding(near, main_table(near)).startswith("On ndcg@5, b is best; ")


def test_the_finding_says_when_a_reference_has_the_better_mean_only(tmp_path):
    rng = np.random.default_rng(0)
    base = rng.random(300)
    values = {"a": base, "b": base + 0.02 * rng.random(300), "ref": rng.permutation(base) + 0.02, "low": base - 0.3}
    store = store_of(tmp_path, values, reference=("ref", "low"))
    assert finding(store, main_table(store)).startswith(
        "On ndcg@5, the reference ref is better on average than every tested model, but not significantly different from a, b; b is "
        "the best of the models; all other tested models are significantly worse on 300 queries."
    )


ONE, FEW = "(not tested: one seed)", "(not tested: fewer than three seeds)"


@pytest.mark.parametrize(
    ("models", "said"),
    [
        ({"net": [0.1]}, f"The reference ref is better on average than every model of the experiment {ONE}."),
        ({"net": [0.1], "mlp": [0.2]}, f"No model is tested: each depends on a seed and ran with fewer than three. The reference ref is better on average than every model of the experiment {ONE}."),
        ({"net": [0.1], "mlp": [0.9]}, "No model is tested: each depends on a seed and ran with fewer than three."),
        ({"net": [0.1, 0.11]}, f"No model is tested: each depends on a seed and ran with fewer than three. The reference ref is better on average than every model of the experiment {FEW}."),
        ({"net": [0.9]}, ""),
        ({"a": 0.1, "net": [0.2]}, f"On ndcg@5, a is the only tested model; 1 not tested. The reference ref is significantly better than every tested model, and better on average than net {ONE}."),
        ({"a": 0.1, "net": [0.9]}, "On ndcg@5, a is the only tested model; 1 not tested. The reference ref is significantly better than every tested model."),
        ({"a": 0.9, "net": [0.1]}, "On ndcg@5, a is the only tested model; 1 not tested."),
        ({"net": [0.1, 0.11, 0.12]}, "The reference ref is significantly better than every model of the experiment."),
        ({"a": 0.1}, "The reference ref is significantly better than every model of the experiment."),
        ({"a": 0.9}, ""),
        ({"a": 0.1, "b": 0.1}, "The reference ref is significantly better than every model of the experiment."),
    ],
)  # fmt: skip
def test_the_finding_compares_references_with_models_that_are_alone_equal_or_not_tested(tmp_path, models, said):
    means = {}
    for name, each in {**models, "ref": 0.5, "low": 0.0}.items():
        means |= {(name, seed): v for seed, v in enumerate(each)} if isinstance(each, list) else {(name, None): each}
    runs = [{"label": n, "seed": s, "key": f"{n}{s}", "reference": n in ("ref", "low")} for n, s in means]
    store = Store(tmp_path)
    store.open(BenchmarkManifest("t", {}, {}, {"ndcg@5": True}, {"model": []}, runs))
    for (name, seed), mean in means.items():
        row = Row(f"{name}{seed}", name, seed, {}, metrics={"ndcg@5": [mean] * 3}, queries=300)
        store.add(row, pa.table({"ndcg@5": np.full(300, mean)}))
    assert finding(store, main_table(store)) == said


def test_two_references_that_are_better_share_a_sentence(tmp_path):
    base = np.random.default_rng(0).random(300)
    store = store_of(tmp_path, {"a": base, "x": base + 0.2, "y": base + 0.3}, reference=("x", "y"))
    said = "The references x, y are significantly better than every model of the experiment."
    assert finding(store, main_table(store)) == said


@pytest.mark.parametrize(
    ("training", "said"),
    [
        ({"history": [{"epoch": 1}], "stopped": "max_epochs"}, "Training was cut off before early stopping ended it: a (`max_epochs`)."),
        ({"history": [{"epoch": 1}], "stopped": "time_limit"}, "Training was cut off before early stopping ended it: a (`time_limit`)."),
        ({"history": [{"epoch": 1}], "stopped": "patience"}, ""),
        ({"stopped": "max_epochs"}, ""),  # without a validation part nothing else can end it
    ],
)  # fmt: skip
def test_the_finding_names_networks_that_were_cut_off(tmp_path, training, said):
    store = store_of(tmp_path, {"a": np.ones(3)})
    store.add(replace(store.rows()[0], training=training), None)
    text = finding(store, main_table(store))
    assert text.startswith(said) if said else text == ""


def test_what_was_not_tried_depends_on_the_catalogue_and_the_models():
    ids = pa.array([None, "x"])
    full = Catalogue(ids, pa.table({"title": [None, "a hat"], "price": [None, 2.0]}))
    plain = experiment_from(raw({"predictor": "ease"}))
    titles, ranker = references.hints(plain, full)
    assert titles == "the titles of the items (a `featurizer`)"
    assert ranker == "a ranker, which can use titles and prices (`rankers`)"
    assert references.hints(plain, Catalogue.bare(1)) == []
    text = {"predictor": "content-knn", "featurizer": {"name": "tf-idf", "columns": ["title"]}, "rankers": ["mmr"]}
    assert references.hints(experiment_from(raw(text)), full) == []


def test_the_terminal_shows_them_in_grey_and_never_as_best():
    assert _shown(Cell("0.5", "best"), "") == "[bold]0.5[/bold]"
    assert _shown(Cell("0.5", reference=True), "") == "[dim]0.5[/dim]"
    assert Cell("0.5", reference=True).markdown == "*0.5*"
    assert Cell("", reference=True).markdown == ""


def test_a_reference_that_fails_does_not_fail_the_command(tmp_path, monkeypatch):
    plugin = tmp_path / "fragile_reference.py"
    plugin.write_text(FRAGILE)
    monkeypatch.setattr(references, "REFERENCES", ("fragile-reference",))
    (tmp_path / "shop.toml").write_text(
        '[data]\nsource = { name = "synthetic-shop", customers = 40, items = 30, events = 900 }\n'
        '[split]\npolicy = "temporal"\ncuts = [0.8]\n[[model]]\npredictor = "popular"\n'
    )
    done = CliRunner().invoke(
        main, ["bench", str(tmp_path / "shop.toml"), "--out", str(tmp_path / "out"), "--plugin", str(plugin)]
    )
    assert done.exit_code == 0, done.output
    popular, fragile = Store(tmp_path / "out").rows()
    assert (popular.error, fragile.reference) == (None, True)
    assert "no luck" in fragile.error


FRAGILE = """
from zoo.api import ComponentSpec, Params, Predictor, hookimpl


@hookimpl
def zoo_components():
    return [ComponentSpec("fragile-reference", "predictor", "fragile_reference:Fragile", Params, "Breaks in its fit.", api=2)]


class Fragile(Predictor[Params]):
    def fit(self, data, context):
        raise RuntimeError("no luck today")

    def score(self, queries):
        raise RuntimeError("never fitted")
"""
