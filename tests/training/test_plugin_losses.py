"""Losses that plugins bring: by the hook and a name in an experiment, or as a method of the predictor's class."""

import sys
import textwrap

import pytest
import torch

import zoo
from zoo.api import NeuralParams
from zoo.config.load import experiment_from
from zoo.errors import ConfigError, PluginError
from zoo.loss_specs import LOSSES, LossSpec
from zoo.registry.discovery import discover_plugins
from zoo.registry.registry import Registry
from zoo.stages.context import TrainingEnvironment
from zoo.training.objectives import loss_of

HINGE = """
import torch
from zoo.api import LossSpec, hookimpl

CALLS = []

def hinge(hidden, items, targets, negatives, *, temperature):
    CALLS.append((len(targets), len(negatives.items), temperature))
    margin = items.logits(hidden, targets)[:, None] - hidden @ items.outputs(negatives.items).T
    return (torch.relu(1 - margin / temperature) * negatives.others(targets)).mean()

@hookimpl
def zoo_losses():
    return [LossSpec("hinge", "hinge_loss:hinge", options=("temperature",))]
"""

OWN = """
import torch
from typing import Literal
from zoo.api import ComponentSpec, NeuralParams, NeuralPredictor, hookimpl, neural_capabilities

class SquaredParams(NeuralParams):
    loss: Literal["own"] = "own"
    "The squared distance to the target's vector."

class Squared(NeuralPredictor[SquaredParams]):
    def build(self, sizes, items):
        return Last(items)

    def loss(self, hidden, items, targets):
        return (items.logits(hidden, targets) - 1).square().mean() + hidden.square().mean()

class Last(torch.nn.Module):
    def __init__(self, items):
        super().__init__()
        self.items = items

    def forward(self, batch):
        return self.items.embed_inputs(batch.items)

@hookimpl
def zoo_components():
    return [
        ComponentSpec(
            "squared", "predictor", "own_loss:Squared", SquaredParams, "A test.", capabilities=neural_capabilities, api=2
        )
    ]
"""

SHOP = {"name": "synthetic-shop", "customers": 60, "items": 80, "events": 1500, "categories": 6, "brands": 12}


def experiment(**predictor):
    return {
        "data": {"source": SHOP}, "train": {"max_epochs": 2}, "evaluate": {"bootstrap": 100},
        "model": [{"label": "net", "predictor": predictor}],
    }  # fmt: skip


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a plugin of one file."""

    def written(name, text):
        file = tmp_path / f"{name}.py"
        file.write_text(textwrap.dedent(text))
        return file

    yield written
    for name in ("hinge_loss", "own_loss", "bad_loss"):
        sys.modules.pop(name, None)


def test_a_loss_of_a_plugin_trains_a_model_by_its_name(write, tmp_path):
    file = write("hinge_loss", HINGE)
    config = experiment(name="gru4rec", loss="hinge", dim=8, negatives=16, temperature=0.5)
    store = zoo.bench(config, tmp_path / "out", plugins=[file], keep_artifacts=True)
    (row,) = store.rows()
    assert row.error is None
    assert row.training["epochs"] >= 1
    assert "hinge_loss" in row.versions  # its plugin is one of those that the row rests on
    import hinge_loss

    assert {(drawn, temperature) for _, drawn, temperature in hinge_loss.CALLS} == {(16, 0.5)}
    artifact = zoo.load_artifact(store.artifact(row.key))  # serves without the plugin of its loss
    assert artifact.pipeline.model.predictor.params.loss == "hinge"


def test_an_unknown_loss_is_told_with_the_nearest_name(write):
    registry = Registry.discover([write("hinge_loss", HINGE)])
    with pytest.raises(ConfigError) as error:
        experiment_from(experiment(name="sasrec", loss="hinges"), registry=registry)
    assert str(error.value) == (
        "model[1].predictor.loss: expected 'softmax', 'sampled-softmax', 'gbce', 'bpr', 'bpr-max', 'bce' or 'hinge', found "
        "'hinges'. Did you mean 'hinge'?"
    )
    with pytest.raises(ConfigError, match=r"expected 'softmax', .* or 'bce', found 'hinge'"):
        experiment_from(experiment(name="sasrec", loss="hinge"))


def test_the_schema_lists_the_losses_of_the_core():
    assert NeuralParams.model_json_schema()["properties"]["loss"]["enum"] == list(LOSSES)


def test_a_model_with_its_own_loss_is_trained_by_it_and_the_report_says_so(write, tmp_path):
    store = zoo.bench(experiment(name="squared", dim=8), tmp_path / "out", plugins=[write("own_loss", OWN)])
    (row,) = store.rows()
    assert row.error is None
    assert row.training["history"][0]["loss"] < 2.0  # near 1, where softmax over 80 items begins at 4.4
    assert "net by its own loss" in (tmp_path / "out" / "report.md").read_text()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('    loss: Literal["own"] = "own"', "it overrides `loss`, and its parameters say loss = 'softmax'"),
        ("    def loss(self, hidden, items, targets):", "loss = 'own', and it does not override `loss`"),
    ],
)
def test_a_class_and_its_parameters_agree_on_an_own_loss(write, tmp_path, text, message):
    changed = OWN.replace(text, "    pass" if "Literal" in text else text.replace("loss", "other"))
    (row,) = zoo.bench(experiment(name="squared"), tmp_path / "out", plugins=[write("own_loss", changed)]).rows()
    assert message in row.error


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ('[LossSpec("bpr", "bad_loss:f")]', "the loss 'bpr' is already provided by the core: rename it"),
        (
            '[LossSpec("x", "bad_loss:f", options=("heat",))]',
            "the loss 'x' has the options 'heat', expected names of parameters",
        ),
        ("None", "returned None, expected a list of LossSpec"),
        ("['x']", "returned 'x' in its list, expected a LossSpec"),
        (
            '[LossSpec("x", "bad_loss:f"), LossSpec("x", "bad_loss:g")]',
            "the loss 'x' is already provided by the same plugin",
        ),
    ],
)
def test_a_wrong_hook_is_told_with_plugin_and_distribution(write, answer, message):
    text = f"from zoo.api import LossSpec, hookimpl\n\n@hookimpl\ndef zoo_losses():\n    return {answer}\n"
    _, (broken,) = discover_plugins([write("bad_loss", text)])
    assert broken.error.startswith("zoo_losses of the plugin 'bad_loss' of bad_loss file")
    assert message in broken.error


@pytest.mark.parametrize("fields", [("Hinge", "a:b"), ("own", "a:b"), ("hinge", "a.b")])
def test_a_malformed_loss_is_refused(fields):
    with pytest.raises(ValueError, match=r"loss '?\w+"):
        LossSpec(*fields)


def test_a_function_that_cannot_be_imported_is_named():
    losses = {"x": LossSpec("x", "nowhere_at_all:f")}
    params = NeuralParams.model_validate({"loss": "x"}, context={"losses": losses})
    with pytest.raises(PluginError, match=r"the loss 'x': its target 'nowhere_at_all:f' cannot be imported"):
        loss_of(params, torch.ones(3), torch.Generator(), TrainingEnvironment(losses=losses))


def test_a_loss_that_the_context_has_not_is_named():
    params = NeuralParams.model_validate({"loss": "hinge"}, context={"losses": None})
    with pytest.raises(ConfigError, match="no loss 'hinge' in this context"):
        loss_of(params, torch.ones(3), torch.Generator())


def test_sparse_updates_need_a_sampled_loss_of_a_plugin_too():
    losses = {"whole": LossSpec("whole", "a:b", sampled=False)}
    with pytest.raises(ValueError, match='found loss = "whole", which touches every item'):
        NeuralParams.model_validate({"loss": "whole", "sparse_updates": True}, context={"losses": losses})
