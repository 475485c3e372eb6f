"""Names to components: what a user who errs is told."""

import sys

import pytest

import zoo
import zoo.api
from zoo.errors import AmbiguousComponentError, ConfigError, PluginError, UnknownComponentError
from zoo.registry.registry import Registry, default_registry, load
from zoo.spec import Capabilities


@pytest.fixture
def registry(install):
    install("good", "a-mean", "b-mean", "older-api", "broken-target")
    return Registry.discover()


@pytest.fixture
def installed_good(install):
    """Let `zoo.load` see the good plugin."""
    install("good")
    default_registry.cache_clear()
    yield
    default_registry.cache_clear()


def test_a_component_is_found_by_name_alias_and_qualified_name(registry):
    for name in ("shelf", "shelf-order", "shopzoo-fixture-good/shelf"):
        assert registry.find("predictor", name).qualified_name == "shopzoo-fixture-good/shelf"


def test_a_name_of_two_plugins_has_to_be_qualified(registry):
    with pytest.raises(AmbiguousComponentError) as error:
        registry.find("predictor", "mean")
    assert str(error.value) == (
        "predictor 'mean' is provided by 2 plugins. Choose one: 'shopzoo-fixture-a-mean/mean' or 'shopzoo-fixture-b-mean/mean'."
    )
    assert registry.find("predictor", "shopzoo-fixture-b-mean/mean").target().__module__ == "fixture_b_mean"


def test_an_unknown_name_gets_a_suggestion_and_what_is_installed(registry):
    with pytest.raises(UnknownComponentError) as error:
        registry.find("predictor", "shelv")
    assert str(error.value) == (
        "no predictor named 'shelv'. Did you mean 'shelf'? Installed: lost, mean, shelf, veteran. If it is in a file, pass it with --plugin FILE.py; if it is in a package, pip install -e FOLDER."
    )


def test_an_unknown_name_of_any_stage_gets_a_suggestion(registry):
    with pytest.raises(UnknownComponentError) as error:
        registry.find_any("shelv")
    assert str(error.value) == (
        "no component named 'shelv'. Did you mean 'shelf'? `zoo list` shows them all."
        " If it is in a file, pass it with --plugin FILE.py; if it is in a package, pip install -e FOLDER."
    )


def test_the_folder_of_a_package_is_to_be_installed(registry, tmp_path):
    (tmp_path / "pyproject.toml").touch()
    with pytest.raises(UnknownComponentError) as error:
        registry.find_any(f"{tmp_path}/")
    assert str(error.value) == (
        f"'{tmp_path}/' is a path, expected the name of a component. To install the plugin in this folder: pip install -e {tmp_path}/."
    )


def test_a_suggestion_knows_aliases(registry):
    with pytest.raises(UnknownComponentError, match="Did you mean 'shelf-order'\\?"):
        registry.find("predictor", "shelf-ordre")


def test_a_stage_without_components_says_so(registry):
    with pytest.raises(UnknownComponentError) as error:
        registry.find("ranker", "zzz")
    assert (
        str(error.value)
        == "no ranker named 'zzz'. Installed: none. If it is in a file, pass it with --plugin FILE.py; if it is in a package, pip install -e FOLDER."
    )


def test_a_name_of_another_stage_is_told_as_such(registry):
    with pytest.raises(UnknownComponentError) as error:
        registry.find("ranker", "shelf")
    assert str(error.value) == "'shelf' is a predictor, not a ranker. Installed rankers: none."


def test_broken_plugins_are_mentioned_since_the_name_may_be_theirs(install):
    install("raises-on-import", "newer-api")
    with pytest.raises(UnknownComponentError) as error:
        Registry.discover().find("predictor", "oracle")
    assert str(error.value) == (
        "no predictor named 'oracle'. Installed: none. If it is in a file, pass it with --plugin FILE.py; if it is in a package, pip install -e FOLDER. These plugins failed to load: shopzoo-fixture-newer-api, "
        "shopzoo-fixture-raises-on-import. `zoo doctor` shows why."
    )


def test_a_class_that_does_not_import_is_told_when_it_is_asked_for(registry):
    with pytest.raises(PluginError) as error:
        registry.find("predictor", "lost").target()
    message = str(error.value)
    assert message.startswith(
        "predictor 'lost' of shopzoo-fixture-broken-target 1.0: its class 'fixture_broken_target.model:Lost' cannot be "
        "imported: ModuleNotFoundError: No module named 'a_library_that_is_not_installed' ("
    )
    assert message.endswith("Install its dependencies, or update it: pip install -U shopzoo-fixture-broken-target")


def test_components_are_sorted_by_stage_and_name(registry):
    listed = [(c.spec.stage, c.name) for c in registry.components()]
    assert listed == sorted(listed)
    assert [c.name for c in registry.components("predictor")] == ["lost", "mean", "mean", "shelf", "veteran"]


def test_capabilities_may_depend_on_the_parameters(registry):
    shelf = registry.find("predictor", "shelf")
    assert shelf.capabilities(shelf.params()) == Capabilities(cold_items=False)
    assert shelf.capabilities(shelf.params({"from_end": True})) == Capabilities(cold_items=True)


def test_parameters_are_checked(registry):
    with pytest.raises(ConfigError) as error:
        registry.find("predictor", "shelf").params({"stepp": 1, "step": 0}, "model[2].predictor")
    assert str(error.value).splitlines() == [
        "model[2].predictor.stepp: unknown key. Did you mean 'step'? Known here: from_end, step, ties.",
        "model[2].predictor.step: expected a number greater than 0, found 0.",
    ]


@pytest.mark.usefixtures("installed_good")
def test_load_builds_a_component_with_its_parameters():
    shelf = load("shelf", step=2.0)
    assert type(shelf).__name__ == "Shelf"
    assert shelf.params.step == 2.0


@pytest.mark.usefixtures("installed_good")
def test_load_explains_a_wrong_parameter_by_the_component_and_its_name():
    with pytest.raises(ConfigError) as error:
        load("shelf", step="2")
    assert str(error.value) == "shelf.step: expected a number, found the string '2'. Remove the quotes."


def test_load_asks_for_the_stage_where_several_have_the_name(tmp_path, monkeypatch):
    (tmp_path / "twofold_model.py").write_text(
        "from zoo.api import ComponentSpec, Params, hookimpl\n"
        "@hookimpl\ndef zoo_components():\n"
        "    return [ComponentSpec('twofold', s, 'twofold_model:Two', Params, '') for s in ('filter', 'predictor')]\n"
        "class Two:\n    def __init__(self, params):\n        self.params = params\n"
    )
    registry = Registry.discover([tmp_path / "twofold_model.py"])
    monkeypatch.setattr("zoo.registry.registry.default_registry", lambda: registry)
    with pytest.raises(AmbiguousComponentError) as error:
        load("twofold")
    assert str(error.value) == (
        "'twofold' is a filter and a predictor. Choose one: zoo.load('twofold', stage='filter')."
    )
    assert type(load("twofold", stage="predictor")).__name__ == "Two"


@pytest.mark.parametrize(("target", "remedy"), [
    (
        "recent:Recent",
        "Its target names the module 'recent', and this file is the module 'recent_model': use target=\"recent_model:Recent\".",
    ),
    ("recent_model:Recen", "Fix recent_model.py, or install its dependencies."),
])  # fmt: skip
def test_a_single_files_wrong_target_is_told_with_the_right_one(tmp_path, target, remedy):
    file = tmp_path / "recent_model.py"
    file.write_text(
        "from zoo.api import ComponentSpec, Params, hookimpl\n"
        f"@hookimpl\ndef zoo_components():\n    return [ComponentSpec('recent', 'filter', '{target}', Params, '')]\n"
        "class Recent: ...\n"
    )
    with pytest.raises(PluginError) as error:
        Registry.discover([file]).find("filter", "recent").target()
    del sys.modules["recent_model"]
    assert str(error.value).endswith(f" {remedy}")


@pytest.mark.parametrize("module", [zoo, zoo.api])
def test_dir_shows_the_public_names_also_before_they_are_imported(module):
    assert dir(module) == sorted(module.__all__)
    assert all(hasattr(module, name) for name in dir(module))


def named_plugin(folder, file, component, *aliases):
    """Write a plugin of one predictor with aliases."""
    path = folder / f"{file}.py"
    path.write_text(
        "from zoo.api import ComponentSpec, Params, hookimpl\n@hookimpl\ndef zoo_components():\n"
        f"    return [ComponentSpec({component!r}, 'predictor', 'm:C', Params, '', aliases={aliases!r})]\n"
    )
    return path


@pytest.fixture
def shared_names(tmp_path, install):
    """Return a registry in which `first` is a name and an alias, and `common` an alias of two components."""
    install()
    files = {"named_one": ("first", "common"), "named_two": ("second", "first", "common")}
    yield Registry.discover([named_plugin(tmp_path, file, *names) for file, names in files.items()])
    for file in files:
        del sys.modules[file]


def test_an_alias_never_makes_a_name_ambiguous(shared_names):
    assert shared_names.find("predictor", "first").qualified_name == "named_one/first"
    assert [c.qualified_name for c in shared_names.find_any("first")] == ["named_one/first"]
    with pytest.raises(AmbiguousComponentError, match="predictor 'common' is provided by 2 plugins"):
        shared_names.find("predictor", "common")


def test_shared_names_are_listed_with_what_they_select(shared_names):
    assert shared_names.shadowed() == [
        "predictor 'first' is a name or an alias of named_one/first, named_two/second: it selects named_one/first",
        "predictor 'common' is a name or an alias of named_one/first, named_two/second: it has to be qualified",
    ]


def test_every_call_refuses_a_plugin_file_that_does_not_load(tmp_path):
    (tmp_path / "broken_file.py").write_text("raise ValueError('no')")
    log = zoo.read_log({"user_id": ["a", "b"], "item_id": ["x", "y"], "timestamp": [1, 2]})
    for call in (lambda **more: zoo.bench(["popular"], log, **more), lambda **more: zoo.bench({"data": {}}, **more)):
        with pytest.raises(PluginError, match=r"--plugin broken_file\.py does not load: .*ValueError: no"):
            call(plugins=[tmp_path / "broken_file.py"])
