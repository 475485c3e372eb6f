"""Plugins of API 1 in this core: they load with a note, pass the kit where they did, and run."""

import pickle

import pytest

import zoo
from zoo.api import NeuralRankerParams, Params, RunContext
from zoo.config.load import experiment_from
from zoo.registry.compat import adapt_class, adapt_methods, adapt_spec
from zoo.registry.registry import Registry
from zoo.spec import Capabilities, ComponentSpec
from zoo.testing.cases import cases
from zoo.trained import Trained

PREDICTORS = {"api1-good": "shelf", "api1-neural": "api1-neural", "api1-predictor": "api1-predictor"}
CHECKS = ("target", "tiny-valid", "fits", "same-seed", "shape", "epochs", "gradients")
SHOP = {"name": "synthetic-shop", "customers": 60, "items": 80, "events": 1500, "categories": 6, "brands": 12}


def experiment(*models):
    return {
        "data": {"source": SHOP}, "split": {"cuts": [0.6, 0.75, 0.9]}, "train": {"max_epochs": 2},
        "evaluate": {"bootstrap": 100, "candidates": 20}, "model": list(models),
    }  # fmt: skip


@pytest.fixture
def api1(install, monkeypatch):
    """Return the registry of the fixtures of API 1, beside the plugins that their models are combined with."""
    names = [*PREDICTORS, "api1-featurizer", "api1-ranker", "api1-trained"]
    install(*names)
    monkeypatch.setenv("ZOO_PLUGINS", ",".join(["core", "shopzoo-baselines", "shopzoo-text", *names]))
    return Registry.discover()


def test_each_loads_with_a_note(api1):
    assert api1.broken == ()
    notes = {plugin.name: plugin.warnings for plugin in api1.plugins if "api1" in plugin.name}
    assert len(notes) == 6
    for name, (note,) in notes.items():
        assert "written for plugin API 1, this core uses API 2. It still works" in note, name


def test_each_makes_a_row(api1, tmp_path):
    models = [
        *({"label": name, "predictor": predictor} for name, predictor in PREDICTORS.items()),
        {"label": "featurizer", "predictor": "content-knn", "featurizer": {"name": "api1-featurizer", "column": "brand"}},
        {"label": "ranker", "predictor": "popular", "rankers": ["api1-ranker"]},
        {"label": "counted", "predictor": "counted"},
        {"label": "linear", "predictor": "popular", "rankers": [{"name": "linear-ranker", "max_epochs": 3, "dim": 8}]},
    ]  # fmt: skip
    resolved = experiment_from(experiment(*models), registry=api1)
    rows = {row.label: row for row in zoo.bench(resolved, tmp_path).rows()}
    assert {label: row.error for label, row in rows.items()} == dict.fromkeys(rows)
    counted = rows["counted"].training
    assert (counted["epochs"], counted["stopped"], counted["seconds_to_best"]) == (1, "patience", 0.5)
    assert [fit["epochs"] for fit in counted["refits"]] == [1]
    (ranker,) = rows["linear"].rankers
    assert ranker["epochs"] <= 3
    assert rows["api1-neural"].training["epochs"] <= 2


def test_a_class_that_sets_epochs_has_trained_and_keeps_its_name(api1):
    component = api1.find("predictor", "counted")
    target = component.target()
    assert (target.__name__, target.__module__) == ("Counted", "fixture_api1_trained.counted")
    part = component.build(component.params())
    assert part.trained is None
    part.epochs, part.history, part.stopped = 3, [{"epoch": 1}, 0.5], "patience"
    assert part.trained == Trained(3, [{"epoch": 1}], "patience")
    part.trained = Trained(4, [], "callback")  # what a base class of the core does
    assert (part.epochs, part.history, part.stopped) == (4, [], "callback")
    assert type(part) is component.target() is adapt_methods(target.__base__, trains=True)
    again = pickle.loads(pickle.dumps(part))  # as to another process
    assert (type(again), again.trained) == (type(part), part.trained)


def test_its_state_has_the_names_that_it_had(api1):
    component = api1.find("predictor", "counted")
    part = component.build(component.params())
    part.counts, part.epochs, part.history = 1, 2, []
    assert part.state().values == {"counts": 1, "epochs": 2, "history": []}
    again = component.build(component.params())
    again.load_state(part.state())
    assert again.trained == Trained(2, [])


def test_a_neural_ranker_keeps_its_parameters_of_training(api1):
    component = api1.find("ranker", "linear-ranker")
    params = component.params({"max_epochs": 7, "dim": 8})
    assert params.training() == {
        "max_epochs": 7, "patience": 4, "batch_size": 32, "learning_rate": 1e-3, "weight_decay": 0.0,
    }  # fmt: skip
    assert type(params).__name__ == "LinearParams"
    assert NeuralRankerParams().training() == {}


def test_components_of_api_2_are_taken_as_they_are():
    spec = ComponentSpec(
        "new", "ranker", "a:B", NeuralRankerParams, "New.", capabilities=Capabilities(trains_in_epochs=True), api=2
    )
    assert adapt_spec(spec) is spec
    assert adapt_class(Trained, spec) is Trained
    assert adapt_spec(ComponentSpec("old", "predictor", "a:B", Params, "Old.")).params is Params


def test_capabilities_take_and_tell_the_names_of_api_1():
    old = Capabilities(validates=True, learns=False)  # type: ignore[call-arg]
    assert old == Capabilities(trains_in_epochs=True, trainable=False)
    assert (old.validates, old.learns) == (True, False)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["counted", "linear-ranker", "api1-neural"])
def test_the_kit_passes_what_passed(api1, name):
    chosen = [case for case in cases(api1.find_any(name)) if case.check_id.partition(".")[2] in CHECKS]
    results = {case.check_id: case.result() for case in chosen}
    assert {check: r.detail for check, r in results.items() if r.outcome == "failed"} == {}
    assert sum(r.outcome == "passed" for r in results.values()) >= 4


def test_a_context_has_what_a_stage_of_api_1_reads():
    assert RunContext().settings is not None
