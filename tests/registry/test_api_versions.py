"""Plugins of another time: what was written for the last API works, and the core may move on without them."""

import sys

import pluggy
import pytest

import zoo
from zoo import hookspecs
from zoo.config.load import experiment_from
from zoo.registry import plugin
from zoo.registry.discovery import discover_plugins
from zoo.registry.registry import Registry


def test_a_plugin_of_the_previous_api_is_benchmarked_as_ever(install, tmp_path):
    install("older-api")
    shop = {"name": "synthetic-shop", "customers": 60, "items": 80, "events": 1500, "categories": 6, "brands": 12}
    config = {"data": {"source": shop}, "evaluate": {"bootstrap": 100}, "model": [{"predictor": "veteran"}]}
    store = zoo.bench(experiment_from(config, registry=Registry.discover()), tmp_path / "out")
    assert [(row.label, row.error) for row in store.rows()] == [("veteran", None)]


def test_a_plugin_that_does_not_say_is_of_the_first_api_also_under_a_newer_core(install, monkeypatch):
    install("api1-good")
    monkeypatch.setattr(plugin, "API_VERSION", 2)
    (_, good), _ = discover_plugins()
    assert good.warnings == (
        "shelf: written for plugin API 1, this core uses API 2. It still works; "
        "a newer version of shopzoo-fixture-api1-good may remove this warning.",
    )


def test_an_api_that_is_no_longer_spoken_is_refused_with_what_to_install(install, monkeypatch):
    install("api1-good")
    monkeypatch.setattr(plugin, "API_VERSION", 3)
    monkeypatch.setattr(plugin, "OLDEST_API", 2)
    errors = {plugin.name: plugin.error for plugin in discover_plugins()[1]}
    assert errors["api1-good"] == (
        "component 'shelf' was written for plugin API 1, this core (shopzoo 0.1.0) supports 2 to 3: install a newer "
        "shopzoo-fixture-api1-good (pip install -U shopzoo-fixture-api1-good) or an older shopzoo"
    )


WARNING = DeprecationWarning("zoo_trackers is deprecated since plugin API 1: implement zoo_callbacks.")


@pytest.mark.parametrize("deprecated", [{"warn_on_impl": WARNING}, {"warn_on_impl_args": {"run": WARNING}}], ids=str)
def test_a_deprecated_hook_or_argument_is_told_by_doctor_and_goes_on_working(deprecated, tmp_path, monkeypatch):
    @pluggy.HookspecMarker("shopzoo")(**deprecated)
    def zoo_trackers(run):
        """Return trackers."""

    monkeypatch.setattr(hookspecs, "zoo_trackers", zoo_trackers, raising=False)
    file = tmp_path / "old_tracking_plugin.py"
    file.write_text("from zoo.api import hookimpl\n@hookimpl\ndef zoo_trackers(run):\n    return [run]\n")
    plugins, broken = discover_plugins([file], env={"ZOO_PLUGINS": "core"})
    del sys.modules["old_tracking_plugin"]
    assert broken == []
    assert plugins[0].warnings == ()
    assert plugins[-1].warnings == (str(WARNING),)
    assert plugins[-1].hooks.zoo_trackers(run="a run") == [["a run"]]
