"""Finding plugins: what fails is recorded with its reason, and everything else loads."""

import pickle
import sys
import textwrap

import pytest

from zoo.errors import PluginError
from zoo.registry.discovery import discover_plugins
from zoo.registry.registry import Registry

ALL = (
    "good", "raises-on-import", "misspelt-hook", "wrong-return", "a-mean", "b-mean", "newer-api", "older-api",
    "broken-target",
)  # fmt: skip


@pytest.fixture
def error_of(install):
    """Return a function that gives the reason why a fixture plugin fails."""

    def error(name):
        install(name)
        plugins, broken = discover_plugins()
        assert [p.distribution for p in plugins] == ["shopzoo"]
        assert [(b.name, b.distribution, b.version) for b in broken] == [(name, f"shopzoo-fixture-{name}", "1.0")]
        return broken[0].error

    return error


@pytest.fixture
def single_file(tmp_path):
    """Return a function that writes a single-file plugin; what is imported of them is forgotten again."""
    files = []

    def written(body, name="mine_model.py"):
        file = tmp_path / name
        head = "from zoo.api import ComponentSpec, Params, hookimpl\n"
        file.write_text(head + textwrap.dedent(body), encoding="utf-8")
        files.append(str(file))
        return file

    yield written
    for module in [name for name, m in sys.modules.items() if getattr(m, "__file__", None) in files]:
        del sys.modules[module]


MINE = """
    @hookimpl
    def zoo_components():
        return [ComponentSpec("mine", "predictor", "mine_model:Mine", Params, "My own.")]

    class Mine:
        def __init__(self, params):
            self.params = params
"""


def error_of_file(file):
    _, broken = discover_plugins([file], env={"ZOO_PLUGINS": "core"})
    assert [(b.name, b.version) for b in broken] == [(file.stem, "file")]
    return broken[0].error


def test_one_broken_plugin_takes_no_other_down(install):
    install(*ALL)
    plugins, broken = discover_plugins()
    assert [p.name for p in plugins] == ["core", "a-mean", "b-mean", "broken-target", "good", "older-api"]
    assert [b.name for b in broken] == ["misspelt-hook", "newer-api", "raises-on-import", "wrong-return"]


def test_a_plugin_says_where_it_comes_from(install):
    install("good")
    plugin = discover_plugins()[0][1]
    assert (plugin.name, plugin.distribution, plugin.version) == ("good", "shopzoo-fixture-good", "1.0")
    assert [spec.name for spec in plugin.specs] == ["shelf"]
    assert plugin.warnings == ()


def test_an_import_that_raises_is_told_with_its_place(error_of):
    error = error_of("raises-on-import")
    assert error.startswith("RuntimeError: the licence server is down (")
    assert error.endswith("fixture_raises_on_import/__init__.py:3)")


def test_a_misspelt_hook_is_told_with_the_right_one(error_of):
    assert error_of("misspelt-hook") == (
        "it implements a hook 'zoo_component', which does not exist. Did you mean 'zoo_components'? "
        "The hooks are: zoo_components, zoo_losses, zoo_samplers, zoo_splits, zoo_candidate_features, zoo_executors, "
        "zoo_commands, zoo_callbacks, zoo_results."
    )


def test_a_hook_that_returns_no_list_is_told_with_what_it_returned(error_of):
    error = error_of("wrong-return")
    assert error.startswith("zoo_components returned {'shelf': ComponentSpec(")
    assert error.endswith("expected a list of ComponentSpec")


def test_a_newer_api_is_refused_with_what_to_install(error_of):
    assert error_of("newer-api") == (
        "component 'oracle' was written for plugin API 3, this core (shopzoo 0.1.0) supports 0 to 2: install a newer "
        "shopzoo (pip install -U shopzoo) or an older shopzoo-fixture-newer-api"
    )


def test_an_older_api_works_with_a_warning(install):
    install("older-api")
    plugins, broken = discover_plugins()
    assert broken == []
    assert plugins[1].warnings == (
        "veteran: written for plugin API 0, this core uses API 2. It still works; "
        "a newer version of shopzoo-fixture-older-api may remove this warning.",
    )


def test_only_the_plugins_named_are_loaded(install):
    install("good", "a-mean")
    plugins, broken = discover_plugins(env={"ZOO_PLUGINS": "shopzoo_fixture_good"})
    assert ([p.name for p in plugins], broken) == (["core", "good"], [])


def test_a_plugin_can_be_disabled_by_either_name_and_the_core_cannot(install):
    install("good", "a-mean", "b-mean")
    env = {"ZOO_PLUGINS": "good,a-mean,b-mean", "ZOO_DISABLE_PLUGINS": "good, shopzoo-fixture-b-mean, core"}
    assert [p.name for p in discover_plugins(env=env)[0]] == ["core", "a-mean"]


def test_a_name_in_zoo_plugins_that_is_not_installed_is_told(install):
    install("good")
    plugins, broken = discover_plugins(env={"ZOO_PLUGINS": "goood"})
    assert [p.name for p in plugins] == ["core"]
    assert broken[0].error.startswith(
        "ZOO_PLUGINS names it, but no such plugin is installed. Did you mean 'good'? Install it, or correct ZOO_PLUGINS. Installed: "
    )


def test_two_plugins_of_one_distribution_must_not_share_a_component(install, tmp_path, monkeypatch):
    (tmp_path / "twin-1.0.dist-info").mkdir()
    (tmp_path / "twin-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: twin\nVersion: 1.0\n")
    (tmp_path / "twin-1.0.dist-info" / "entry_points.txt").write_text(
        "[shopzoo]\none=fixture_a_mean\ntwo=fixture_b_mean\n"
    )
    install("a-mean", "b-mean")
    monkeypatch.syspath_prepend(tmp_path)
    plugins, broken = discover_plugins(env={"ZOO_PLUGINS": "twin"})
    assert [p.name for p in plugins] == ["core", "one"]
    assert broken[0].error == (
        "predictor 'mean' is also provided by the plugin 'one' of the same distribution twin: rename one"
    )


def test_a_single_file_is_a_plugin_whatever_zoo_plugins_says(single_file):
    plugins, broken = discover_plugins([single_file(MINE)], env={"ZOO_PLUGINS": "core"})
    assert broken == []
    assert (plugins[1].name, plugins[1].version, plugins[1].specs[0].name) == ("mine_model", "file", "mine")


def test_a_single_file_that_is_not_there_is_refused_at_once(tmp_path):
    with pytest.raises(
        PluginError, match=r"--plugin .*nowhere\.py: there is no such file\. Give the path of a Python file"
    ):
        discover_plugins([tmp_path / "nowhere.py"])


def test_all_single_files_that_are_not_there_are_named_at_once(tmp_path, single_file):
    with pytest.raises(PluginError) as error:
        discover_plugins([tmp_path / "a.py", single_file(MINE), tmp_path / "b.py"])
    assert str(error.value) == (
        f"--plugin {tmp_path / 'a.py'} --plugin {tmp_path / 'b.py'}: there are no such files. "
        "Give the paths of Python files with a zoo_components hook."
    )


@pytest.mark.parametrize(("body", "message"), [
    ("raise SystemExit(3)", "SystemExit: 3 ("),
    ("def oops(:", "SyntaxError: invalid syntax"),
    ("import a_library_that_is_not_installed", "ModuleNotFoundError: No module named 'a_library_that_is_not_installed' ("),
    ("@hookimpl\ndef zoo_components():\n    pass", "zoo_components returned None, expected a list of ComponentSpec"),
    ("@hookimpl\ndef zoo_components():\n    return [3]", "zoo_components returned 3 in its list, expected a ComponentSpec"),
    (
        "@hookimpl\ndef zoo_components(registry):\n    return []",
        "its hook zoo_components has an argument 'registry', expected zoo_components(): rename or remove the argument",
    ),
    (
        "@hookimpl\ndef zoo_callbacks(training):\n    return []",
        "its hook zoo_callbacks has an argument 'training', expected zoo_callbacks(run): rename or remove the argument",
    ),
    ("@hookimpl(hookwrapper=True)\ndef zoo_components():\n    return []", "PluginValidationError: "),
    (
        "S = lambda n: ComponentSpec(n, 'filter', 'm:C', Params, '')\n@hookimpl\ndef zoo_components():\n    return [S('a'), S('a')]",
        "zoo_components returned two filters named 'a': rename one",
    ),
    (
        "@hookimpl\ndef zoo_components():\n    return [ComponentSpec('My Model', 'filter', 'm:C', Params, '')]",
        "ValueError: component name 'My Model': use lower-case letters and digits, words joined by hyphens (",
    ),
    (
        "@hookimpl\ndef zoo_components():\n    return [ComponentSpec('a', 'reranker', 'm:C', Params, '')]",
        "ValueError: component 'a': stage 'reranker' is none of dataset, cleaner, featurizer, predictor, filter, ranker, metric (",
    ),
    (
        "@hookimpl\ndef zoo_components():\n    return [ComponentSpec('a', 'filter', 'm.C', Params, '')]",
        "ValueError: component 'a': target 'm.C' is not of the form 'package.module:Class' (",
    ),
    (
        "@hookimpl\ndef zoo_components():\n    return [ComponentSpec('a', 'filter', 'm:C', dict, '')]",
        "ValueError: component 'a': params must be a subclass of zoo.api.Params (",
    ),
])  # fmt: skip
def test_what_is_wrong_in_a_single_file_is_told(single_file, body, message):
    assert error_of_file(single_file(body, "faulty_model.py")).startswith(message)


def test_the_line_of_the_plugin_is_named_and_not_that_of_the_core(single_file):
    error = error_of_file(single_file("\n\nComponentSpec('A', 'filter', 'm:C', Params, '')\n", "faulty_model.py"))
    assert error.endswith("faulty_model.py:4)")


def test_a_plugin_without_a_hook_is_broken(single_file):
    file = single_file("def zoo_components():\n    return []\n", "hookless_model.py")
    assert error_of_file(file) == "it implements no hook: decorate its zoo_components function with @hookimpl"


def test_the_line_of_the_plugin_is_named_and_not_that_of_a_library_it_calls(single_file):
    error = error_of_file(single_file("\nimport tomllib\ntomllib.loads('=')\n", "faulty_model.py"))
    assert error.startswith("TOMLDecodeError: ")
    assert error.endswith("faulty_model.py:4)")


def test_a_file_must_have_a_name_that_can_be_imported(single_file):
    assert error_of_file(single_file(MINE, "my-model.py")).endswith(
        "cannot be imported: name the file with letters, digits and _, and the ending .py, as in my_model.py"
    )


def test_a_file_must_not_take_the_name_of_a_module(single_file):
    assert error_of_file(single_file(MINE, "json.py")).startswith("the module name 'json' is already used by ")


def test_a_registry_is_pickled_as_its_files_and_discovered_again(single_file):
    registry = Registry.discover([single_file(MINE)])
    again = pickle.loads(pickle.dumps(registry))
    assert [plugin.name for plugin in again.plugins] == [plugin.name for plugin in registry.plugins]
    assert again.plugins[-1].is_file
