"""`zoo.reproduce`: the figures of a recipe, published and measured."""

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

import zoo
from zoo.benchmark.results_folder.store import Store
from zoo.benchmark.tables.comparison_tables import main_table
from zoo.benchmark.tuning.settings import format_settings_of
from zoo.cli.main import main
from zoo.config.load import experiment_from
from zoo.errors import ConfigError
from zoo.registry.registry import default_registry, registry_with

PLUGIN = """
import torch
from zoo.api import Capabilities, ComponentSpec, Figure, Params, Predictor, Recipe, hookimpl


class Counts(Predictor[Params]):
    fitted = ("counts",)

    def fit(self, data, context):
        noise = torch.rand(data.interactions.n_items + 1, generator=context.generator("noise")) / 100
        self.counts = torch.from_numpy(data.interactions.counts()).float() + noise

    def score(self, queries):
        return self.counts.expand(len(queries), -1)


class PowerParams(Params):
    power: float = 1.0


def spec(name, seeded, *recipes, params=Params):
    capabilities = Capabilities(deterministic=not seeded, needs_history=False)
    return ComponentSpec(name, "predictor", "counts:Counts", params, "A test.", capabilities=capabilities, reproduces=recipes, api=2)


@hookimpl
def zoo_components():
    low, high = Figure("hit@5", 0.1, 0.05, "A. Author"), Figure("ndcg@5", 0.9, 0.01, "B. Author", 0.2)
    return [
        spec("counts", False, Recipe("tiny", "tiny", (low,)), Recipe("tiny-high", "tiny", (low, high))),
        spec("noisy", True, Recipe("tiny", "tiny", (low,), note="A note.")),
        spec("bare", False),
        spec("with-params", False, Recipe("tiny", "tiny", (low,), params={"power": 2.0}), params=PowerParams),
    ]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with a plugin that has recipes, and the data of the recipes."""
    folder = tmp_path_factory.mktemp("reproduce")
    rng = np.random.default_rng(0)
    users = np.repeat(np.arange(80), 6)
    items = np.concatenate([rng.permutation(12)[:6] for _ in range(80)])
    events = {"user_id": users, "item_id": items, "timestamp": 10**12 + np.arange(len(users)) * 1000}
    (folder / "tiny").mkdir()
    pq.write_table(pa.table(events), folder / "tiny" / "interactions.parquet")
    (folder / "counts.py").write_text(PLUGIN, encoding="utf-8")
    return folder


@pytest.fixture
def plugin(folder, monkeypatch):
    """Return the plugin, with the folder of the data in the environment."""
    monkeypatch.setenv("ZOO_DATA", str(folder))
    return folder / "counts.py"


def test_figures_stand_beside_the_published_ones(plugin, tmp_path):
    found = zoo.reproduce("counts", "tiny-high", plugins=[plugin], out=tmp_path / "out")
    assert (found.model, found.recipe, found.others, found.seeds) == ("counts", "tiny-high", ("tiny",), ())
    low, high = found.figures
    (row,) = zoo.BenchmarkResult(tmp_path / "out").rows()
    assert (low.mean, high.mean) == (row.metrics["hit@5"][0], row.metrics["ndcg@5"][0])
    assert low.reached
    assert not high.reached
    assert not found.reached
    assert high.as_json()["recorded"] == 0.2
    assert found.as_json()["figures"][0] == {
        "metric": "hit@5", "value": 0.1, "tolerance": 0.05, "source": "A. Author", "measured": low.mean, "spread": None,
        "values": [low.mean], "reached": True, "recorded": None, "recorded_seeds": 1,
    }  # fmt: skip


def models_of(name, recipe, monkeypatch, **changes):
    """Return the resolved model of a recipe, with other keys in its tables."""
    monkeypatch.setenv("ZOO_DATA", "data")
    raw = recipe.experiment(name)
    for table, values in changes.items():
        raw[table] = {**raw.get(table, {}), **values} if table == "train" else [{**raw["model"][0], **values}]
    (model,) = experiment_from(raw, registry=default_registry()).models
    return model


RECIPES = [(c.name, r) for c in default_registry().components("predictor") for r in c.spec.reproduces]


@pytest.mark.parametrize(("name", "recipe"), RECIPES, ids=lambda value: value if isinstance(value, str) else value.name)
def test_settings_of_a_recipe_are_published(name, recipe, monkeypatch):
    assert format_settings_of(models_of(name, recipe, monkeypatch)) == "published"


def test_other_settings_and_other_parts_are_given_and_defaults_stay_defaults(monkeypatch):
    found = {f"{name} {recipe.name}": recipe for name, recipe in RECIPES}
    recipe = found["sasrec amazon-beauty-refit"]
    other = models_of("sasrec", recipe, monkeypatch, train={"learning_rate": 0.5})
    featurizer = {"name": "tf-idf", "columns": ["title"]}
    more = models_of("sasrec", recipe, monkeypatch, model={"featurizer": featurizer})
    assert [format_settings_of(model) for model in (other, more)] == ["given", "given"]
    plain = models_of("popular", replace(recipe, params={}, train={}), monkeypatch)
    assert format_settings_of(plain) == "default"


def test_a_row_of_a_recipe_says_published(plugin, tmp_path):
    zoo.reproduce("with-params", plugins=[plugin], out=tmp_path / "out")
    zoo.reproduce("counts", plugins=[plugin], out=tmp_path / "default")
    (row,) = zoo.BenchmarkResult(tmp_path / "out").rows()
    (plain,) = zoo.BenchmarkResult(tmp_path / "default").rows()
    assert (row.settings, plain.settings) == ("published", "default")
    assert main_table(Store(tmp_path / "out")).headers[-1] == "settings"
    assert "settings" not in main_table(Store(tmp_path / "default")).headers


def test_a_seeded_model_runs_with_each_seed_and_the_first_recipe_is_the_default(plugin, tmp_path):
    found = zoo.reproduce("noisy", seeds=3, plugins=[plugin], out=tmp_path / "out")
    assert (found.recipe, found.seeds) == ("tiny", (0, 1, 2))
    (figure,) = found.figures
    assert len(figure.values) == 3
    assert figure.mean == pytest.approx(np.mean(figure.values))
    assert figure.spread == pytest.approx(np.std(figure.values, ddof=1))


def test_finished_runs_are_kept(plugin, tmp_path):
    first = zoo.reproduce("noisy", seeds=1, plugins=[plugin], out=tmp_path / "out")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "runs").glob("*.json")}
    again = zoo.reproduce("noisy", seeds=2, plugins=[plugin], out=tmp_path / "out")
    assert again.figures[0].values[0] == first.figures[0].values[0]
    assert {path: path.stat().st_mtime_ns for path in before} == before


@pytest.mark.parametrize(("model", "options", "message"), [
    ("bare", {}, "bare has no recipe. Models with recipes: {}. `zoo show MODEL` lists those of a model."),
    ("counts", {"recipe": "tiny-hihg"}, "counts has no recipe 'tiny-hihg'. Did you mean 'tiny-high'? It has: tiny, tiny-high."),
    ("counts", {"seeds": 0}, "seeds: expected at least 1, found 0."),
])  # fmt: skip
def test_what_cannot_be_reproduced_is_refused(plugin, tmp_path, model, options, message):
    with pytest.raises(ConfigError) as error:
        zoo.reproduce(model, plugins=[plugin], out=tmp_path / "out", **options)
    having = {c.name for c in registry_with([plugin]).components() if c.spec.reproduces}
    assert str(error.value) == message.format(", ".join(sorted(having)))
    assert not (tmp_path / "out").exists()


def test_the_folder_of_the_data_must_be_named(plugin, tmp_path, monkeypatch):
    monkeypatch.delenv("ZOO_DATA")
    with pytest.raises(ConfigError, match="ZOO_DATA, which is not set"):
        zoo.reproduce("counts", plugins=[plugin], out=tmp_path / "out")


def test_the_command_prints_the_figures_and_its_exit_code_says_whether_they_are_reached(plugin, tmp_path):
    def run(*options):
        arguments = ["reproduce", "counts", "--plugin", str(plugin), "--out", str(tmp_path / options[1]), *options]
        return CliRunner().invoke(main, arguments, prog_name="zoo")

    fine = run("--recipe", "tiny")
    assert fine.exit_code == 0, fine.output
    header, row, last = (line.split() for line in fine.stdout.splitlines() if line.strip())
    assert header == ["metric", "published", "tolerance", "measured", "spread", "source"]
    assert row[:3] == ["hit@5", "0.1", "0.05"]
    assert row[4:] == ["reached", "A.", "Author"]
    assert "Other recipes of counts: tiny-high (--recipe)." in " ".join(last)
    below = run("--recipe", "tiny-high")
    assert below.exit_code == 1, below.output
    assert "not reached" in below.stdout
    assert json.loads(run("--recipe", "tiny", "--json").stdout)["reached"]
