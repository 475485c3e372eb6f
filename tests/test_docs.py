"""What README and docs tell a reader to write works as it stands there."""

import re
import sys
import tomllib
from dataclasses import fields
from inspect import signature
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

import zoo
from zoo import hookspecs
from zoo.api import (
    CandidateLists,
    Capabilities,
    Catalogue,
    ComponentSpec,
    Field,
    Filter,
    Fitted,
    Interactions,
    NeuralParams,
    NeuralPredictor,
    Params,
    Queries,
    Ranker,
    RunContext,
    Training,
    TrainingData,
)
from zoo.benchmark.results_folder.store import Store
from zoo.cli.main import main
from zoo.command_specs import CommandSpec
from zoo.config.load import experiment_from
from zoo.config.train import NetworkSettings
from zoo.executor_specs import ExecutorSpec
from zoo.extension_specs import CandidateFeatureSpec, SplitSpec
from zoo.loss_specs import LossSpec
from zoo.registry.registry import Registry
from zoo.sampler_specs import SamplerSpec
from zoo.scaffold.writer import new_package
from zoo.spec import API_VERSION, OLDEST_API
from zoo.stages.context import TrainingEnvironment

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)


def find_block(page, start):
    """Return the Python of a page that begins with a text."""
    (found,) = [block for block in blocks(ROOT / page, "python") if block.startswith(start)]
    return found


def whole_configs():
    return [
        pytest.param(page, block, id=f"{page.relative_to(ROOT)}-{i}")
        for page in PAGES
        for i, block in enumerate(blocks(page, "toml"))
        if "[[model]]" in block
    ]


@pytest.fixture
def plugin_files(tmp_path):
    """Return a function that writes the single-file plugins of a page: the blocks that begin with a file's name."""
    names = []

    def written(page):
        for block in blocks(page, "python"):
            if name := re.match(r"# (\w+)\.py\n", block):
                names.append(name[1])
                (tmp_path / f"{name[1]}.py").write_text(block)
        return [tmp_path / f"{name}.py" for name in names]

    yield written
    for name in names:
        sys.modules.pop(name, None)


@pytest.mark.parametrize(("page", "text"), whole_configs())
def test_every_whole_config_is_valid(page, text, tmp_path, plugin_files):
    registry = Registry.discover(plugin_files(page))
    assert experiment_from(tomllib.loads(text), tmp_path, registry=registry).models


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_part_of_a_config_is_valid(page, tmp_path):
    whole = {"data": {"source": "synthetic-shop"}, "model": [{"predictor": "popular"}]}
    for block in blocks(page, "toml"):
        part = tomllib.loads(block)
        if "project" not in part and "model" not in part:  # a plugin's pyproject; a whole config, tested above
            data = {**whole["data"], **part.pop("data", {})}
            assert experiment_from({**whole, **part, "data": data}, tmp_path, env={"PASSWORD": "hunter2"}).models


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_link_leads_to_a_file(page):
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


@pytest.fixture
def first_model(tmp_path, monkeypatch, plugin_files):
    """Return the commands of the tutorial, in a folder with its files; and a function that runs one."""
    page = ROOT / "docs/tutorial/first-model.md"
    plugin_files(page)
    (tmp_path / "first.toml").write_text(blocks(page, "toml")[0])
    monkeypatch.chdir(tmp_path)

    def run(command):
        done = CliRunner().invoke(main, command)
        assert done.exit_code == 0, done.output

    lines = [line for block in blocks(page, "console") for line in block.splitlines()]
    return [line.removeprefix("$ zoo ").split() for line in lines], run


def test_the_first_model_makes_the_table_of_its_page(tmp_path, first_model):
    (show, bench, check), run = first_model
    assert (show[0], bench[0], check[0]) == ("show", "bench", "plugin")
    run(show)
    run(bench)
    page = (ROOT / "docs/tutorial/first-model.md").read_text()
    told = re.findall(r"^\| ([a-z-]+) \| ([\d.]+)", page, re.MULTILINE)
    rows = [(row.label, f"{row.metrics['ndcg@10'][0]:.4f}") for row in Store(tmp_path / "runs" / "first").rows()]
    assert told == rows


@pytest.mark.slow
def test_the_first_model_passes_the_checks(first_model):
    commands, run = first_model
    run(commands[-1])


def test_the_callbacks_of_the_hooks_page_watch_a_training(tmp_path, plugin_files, capsys):
    plugins = plugin_files(ROOT / "docs/reference/hooks.md")
    config = {
        "data": {"source": {"name": "synthetic-shop", "customers": 60, "items": 80, "events": 1500}},
        "evaluate": {"bootstrap": 100},
        "train": {"max_epochs": 2},
        "split": {"policy": "temporal", "cuts": [0.8]},
        "model": [{"label": "net", "predictor": {"name": "gru4rec", "dim": 4}}],
    }
    assert [row.error for row in zoo.bench(config, tmp_path / "out", plugins=plugins).rows()] == [None]
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith("net")]
    assert told == ["net, seed 0, fit: epoch 1 of 2", "net, seed 0, fit: epoch 2 of 2"]


def table_names(text):
    """Return what the first column of the tables in a text names, in code."""
    return re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)


def test_each_hook_has_a_heading_with_its_arguments():
    headings = re.findall(r"^## (zoo_\w+\(.*\))$", (ROOT / "docs/reference/hooks.md").read_text(), re.MULTILINE)
    hooks = {name: hook for name, hook in vars(hookspecs).items() if name.startswith("zoo_")}
    assert headings == [f"{name}({', '.join(signature(hook).parameters)})" for name, hook in hooks.items()]


def test_the_hooks_page_names_every_field_that_a_hook_gives_and_gets():
    _, components, losses, samplers, splits, features, executors, commands, callbacks, results, _ = re.split(
        r"^## (?:zoo_|API)", (ROOT / "docs/reference/hooks.md").read_text(), flags=re.MULTILINE
    )
    assert table_names(components) == [field.name for field in fields(ComponentSpec)]
    assert table_names(losses) == [field.name for field in fields(LossSpec)]
    assert table_names(samplers) == [field.name for field in fields(SamplerSpec)]
    assert table_names(splits) == [field.name for field in fields(SplitSpec)]
    assert table_names(features) == [field.name for field in fields(CandidateFeatureSpec)]
    assert table_names(executors) == [field.name for field in fields(ExecutorSpec)]
    assert table_names(commands) == [field.name for field in fields(CommandSpec)]
    assert table_names(callbacks) == [field.name for field in fields(Training)]
    assert "(results.md)" in results  # the fields of a row


def test_the_hooks_page_names_the_apis_that_are_spoken():
    versions = (ROOT / "docs/reference/hooks.md").read_text().partition("## API versions")[2]
    assert re.findall(r"^\| (\d+) \|", versions, re.MULTILINE) == [
        str(api) for api in range(API_VERSION, OLDEST_API - 1, -1)
    ]
    assert f"This core speaks {OLDEST_API} to {API_VERSION}." in versions


def test_the_capabilities_are_all_there():
    text = (ROOT / "docs/how-to/declare-capabilities.md").read_text()
    section = text.partition("## Capabilities")[2].partition("\n## ")[0]
    defaults = re.findall(r"^\| `(\w+)` \| `?([^`|]+)`? \|", section, re.MULTILINE)
    assert [(name, value.strip(' "')) for name, value in defaults] == [
        (field.name, str(field.default)) for field in fields(Capabilities)
    ]


def test_the_package_of_the_how_to_is_what_the_command_writes(tmp_path):
    page = ROOT / "docs/how-to/publish-a-plugin.md"
    written = [
        str(file.relative_to(tmp_path / "my-model"))
        for file in new_package(tmp_path / "my-model", "predictor", Registry([]))
    ]
    told = re.findall(r"^\| `(\S+\.\w+)` \|", page.read_text(), re.MULTILINE)
    assert sorted(told) == [name for name in written if name != "README.md"]
    pyproject = tomllib.loads((tmp_path / "my-model" / "pyproject.toml").read_text())["project"]
    assert tomllib.loads(blocks(page, "toml")[0])["project"].items() <= pyproject.items()


def test_the_filter_and_the_ranker_do_what_they_say():
    class AffordableParams(Params):
        limit: float = Field(10.0, description="The highest price.")

    names = {
        "Fitted": Fitted,
        "Filter": Filter,
        "Ranker": Ranker,
        "Params": Params,
        "AffordableParams": AffordableParams,
        "torch": torch,
    }
    exec(find_block("docs/how-to/write-a-plugin.md", "class Affordable"), names)
    import pyarrow as pa

    catalogue = Catalogue(pa.array([None, "a", "b"]), pa.table({"price": [None, 3.0, 30.0]}))
    affordable = names["Affordable"](AffordableParams())
    affordable.fit(type("Data", (), {"catalogue": catalogue}), None)
    assert affordable.keep(None).tolist() == [[False, True, False]]
    lists = CandidateLists(torch.tensor([[1, 2, 3]]), torch.zeros(1, 3), torch.zeros(1, 3, 0))
    assert len(names["Shuffle"](Params()).score(lists).unique()) == 3


def test_the_network_learns_what_follows_what(training_seed, assert_learned):
    names = {"NeuralPredictor": NeuralPredictor, "NeuralParams": NeuralParams, "nn": torch.nn}
    exec(find_block("docs/how-to/write-a-network.md", "class LastItem"), names)
    users, steps = torch.arange(40).repeat_interleave(6).numpy(), torch.arange(6).repeat(40).numpy()
    log = Interactions.from_arrays(users, (users + steps) % 8 + 1, steps)
    model = names["LastItem"](NeuralParams(dim=16, dropout=0.0))
    model.fit(
        TrainingData.of(log),
        RunContext(
            training_seed,
            training=TrainingEnvironment(settings=NetworkSettings(max_epochs=40, batch_size=8, learning_rate=0.02)),
        ),
    )
    best = model.score(Queries.of_histories(log)).argmax(1)
    assert_learned((best.numpy() == log.items[log.offsets[1:] - 1] % 8 + 1).mean(), above=0.97)
