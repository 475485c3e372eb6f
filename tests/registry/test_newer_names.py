"""Plugins written for a newer core: what they lack is said with what to update, and older names go on working."""

import sys
import textwrap
import warnings
from typing import ClassVar

import pytest

import zoo
import zoo.api
from zoo.api import Field, Params
from zoo.cli.doctor_command import examine_plugins
from zoo.config.load import experiment_from
from zoo.errors import ConfigError
from zoo.params import validated
from zoo.registry.api_names import SINCE
from zoo.registry.discovery import discover_plugins
from zoo.registry.registry import Registry

HOOK = """
@hookimpl
def zoo_components():
    return [ComponentSpec("mine", "predictor", "newer_model:Mine", Params, "My own."{more})]

class Mine:
    def __init__(self, params):
        self.params = params
"""


@pytest.fixture
def plugin(tmp_path):
    """Return a function that writes a single-file plugin."""

    def write(head, more=", api=2"):
        file = tmp_path / "newer_model.py"
        imports = "from zoo.api import ComponentSpec, Params, hookimpl\n"
        file.write_text(imports + textwrap.dedent(head) + HOOK.format(more=more))
        return file

    yield write
    sys.modules.pop("newer_model", None)


def error_of(file):
    [broken] = discover_plugins([file], env={"ZOO_PLUGINS": "core"})[1]
    return broken.error


@pytest.mark.parametrize(("api", "shown"), [('"1.0"', "'1.0'"), ("2.0", "2.0"), ("True", "True"), ("None", "None")])
def test_an_api_that_is_no_whole_number_is_told(plugin, api, shown):
    assert error_of(plugin("", f", api={api}")) == (
        f"component 'mine' has api = {shown}, expected a whole number: write api=2 if it was written for this core "
        f"(shopzoo {zoo.__version__})"
    )


UPDATE = f"(this is {zoo.__version__}), update shopzoo: pip install -U shopzoo"


@pytest.mark.parametrize(("head", "message"), [
    (
        "from zoo.api import Warehouse",
        f"ImportError: module 'zoo.api' has no attribute 'Warehouse'. If a newer version of shopzoo has the name {UPDATE} (",
    ),
    (
        "from zoo.nn import soft_max",
        f"ImportError: module 'zoo.nn' has no attribute 'soft_max'. Did you mean 'softmax'? If a newer version of shopzoo has the name {UPDATE} (",
    ),
    ("import zoo.api\nzoo.api.Warehouse", f"AttributeError: module 'zoo.api' has no attribute 'Warehouse'. If a newer version of shopzoo has the name {UPDATE} ("),
    ("import zoo.nn.baskets", f"ModuleNotFoundError: No module named 'zoo.nn.baskets'. If a newer version of shopzoo has it {UPDATE} ("),
    ("from json import baskets", "ImportError: cannot import name 'baskets' from 'json' ("),
])  # fmt: skip
def test_a_name_that_this_core_does_not_have_is_told_with_what_to_update(plugin, head, message):
    error = error_of(plugin(head))
    assert error.startswith(message)
    assert error.endswith(("newer_model.py:2)", "newer_model.py:3)"))


def test_doctor_notes_a_plugin_that_uses_newer_names_than_it_declares(plugin):
    file = plugin("from zoo.api import Trained, choose_epochs\n", "")
    notes = {f["name"]: f["warnings"] for f in examine_plugins(Registry.discover([file]))}["newer_model"]
    assert notes[-1] == (
        "its components declare api = 1, and its code imports Trained, choose_epochs, which zoo.api has since API 2: set api=2, so "
        "that an older shopzoo says what to update"
    )
    del sys.modules["newer_model"]
    file = plugin("from zoo.api import Trained, choose_epochs\n")
    assert {f["name"]: f["warnings"] for f in examine_plugins(Registry.discover([file]))}["newer_model"] == []


def test_the_newer_names_are_names_of_the_api_and_on_the_page():
    assert set(SINCE) <= set(zoo.api.__all__)
    assert set(SINCE.values()) <= set(range(2, zoo.api.API_VERSION + 1))


class Renamed(Params):
    renamed: ClassVar = {"neighbours": "k", "breadth": "width"}

    k: int = Field(100, ge=1, description="Number of neighbours.")
    width: int = Field(8, ge=1, description="Width.")


def test_a_renamed_parameter_is_accepted_under_its_old_name_with_a_warning():
    with pytest.warns(FutureWarning) as caught:
        found = validated(Renamed, {"neighbours": 7, "width": 3}, "model[1].predictor")
    assert (found.k, found.width) == (7, 3)
    assert [str(w.message) for w in caught] == [
        "model[1].predictor.neighbours: the parameter is now named 'k'. Rename it: a later version will not accept 'neighbours'."
    ]
    assert found.model_dump() == {"k": 7, "width": 3}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert validated(Renamed, {"k": 7}, "").k == 7


def test_both_names_of_a_parameter_are_refused():
    with pytest.raises(
        ConfigError,
        match=r"^model\[1\]\.neighbours: this is the old name of 'k', and both are set\. Remove 'neighbours'\.$",
    ):
        validated(Renamed, {"neighbours": 7, "k": 8}, "model[1]")


@pytest.mark.parametrize("renamed", [{"old": "nothing"}, {"k": "width"}])
def test_a_renaming_that_names_no_parameter_is_refused(renamed):
    with pytest.raises(
        TypeError,
        match=r"Wrong\.renamed: .* expected an old name that is no parameter, and the name of a parameter: k, width",
    ):
        type("Wrong", (Renamed,), {"renamed": renamed, "__annotations__": {"renamed": ClassVar}})


def test_a_run_under_the_old_name_is_that_under_the_new_name(tmp_path, plugin):
    file = plugin("""
        from typing import ClassVar
        from zoo.api import Field

        class Params(Params):
            renamed: ClassVar = {"neighbours": "k"}
            k: int = Field(100, description="Number of neighbours.")
    """)
    registry = Registry.discover([file])
    config = {"data": {"source": "synthetic-shop"}, "split": {"cuts": [0.8]}}
    new = experiment_from({**config, "model": [{"predictor": {"name": "mine", "k": 5}}]}, registry=registry)
    with pytest.warns(FutureWarning, match=r"predictor\.neighbours: the parameter is now named 'k'"):
        old = experiment_from(
            {**config, "model": [{"predictor": {"name": "mine", "neighbours": 5}}]}, registry=registry
        )
    assert old.models[0].as_json() == new.models[0].as_json()
