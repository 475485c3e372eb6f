"""The public names of `zoo`, `zoo.api`, `zoo.nn` and `zoo.testing`: table, stub and definition agree."""

import ast
import os
import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest
from mypy.build import BuildSource, build
from mypy.options import Options

import zoo
import zoo.api
import zoo.nn
import zoo.testing

ROOT = Path(__file__).parents[1]
MODULES = {module.__name__: module for module in (zoo, zoo.api, zoo.nn, zoo.testing)}
NAMES = [(module, name) for module in MODULES for name in MODULES[module].__all__]
EXAMPLES = sorted((ROOT / "examples").rglob("*.py"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def table(module):
    """Return the table of a public module: each name, and the module that defines it."""
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    [call] = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.func.id == "lazy_names"]
    return ast.literal_eval(call.args[1])


def stub(module):
    """Return the same of its stub, which holds nothing but imports of names under their own names."""
    found = {}
    for node in ast.parse(Path(module.__file__).with_suffix(".pyi").read_text(encoding="utf-8")).body:
        assert isinstance(node, ast.ImportFrom)
        for alias in node.names:
            assert alias.asname == alias.name
            found[alias.name] = node.module
    return found


@pytest.mark.parametrize("module", MODULES.values(), ids=MODULES)
def test_the_stub_lists_the_names_of_the_table(module):
    assert stub(module) == table(module)
    assert sorted(table(module)) == module.__all__ == dir(module)


@pytest.mark.parametrize(("module", "name"), NAMES, ids=map(".".join, NAMES))
def test_every_public_name_is_where_the_table_says(module, name):
    defined_in = table(MODULES[module])[name]
    assert getattr(MODULES[module], name) is getattr(import_module(defined_in), name)


@pytest.mark.parametrize(("module", "name"), NAMES, ids=map(".".join, NAMES))
def test_no_public_name_is_hidden_by_a_submodule(module, name):
    assert not hasattr(MODULES[module], "__path__") or find_spec(f"{module}.{name}") is None


@pytest.mark.parametrize("module", MODULES.values(), ids=MODULES)
def test_an_unknown_name_is_an_attribute_error(module):
    with pytest.raises(AttributeError, match=re.escape(f"module {module.__name__!r} has no attribute 'Predictr'")):
        module.Predictr  # noqa: B018


def test_the_blocks_and_the_checks_are_of_their_own_package():
    for module in (zoo.nn, zoo.testing):
        assert all(defined_in.startswith(f"{module.__name__}.") for defined_in in table(module).values())


@pytest.fixture(scope="module")
def symbols():
    """Return what mypy finds in the stubs; of other packages than the zoo it reads nothing, which takes seconds."""
    options = Options()
    options.follow_imports = "skip"
    options.per_module_options = {"zoo": {"follow_imports": "silent"}, "zoo.*": {"follow_imports": "silent"}}
    options.ignore_missing_imports, options.semantic_analysis_only = True, True
    options.incremental, options.cache_dir = False, os.devnull
    sources = [
        BuildSource(str(Path(module.__file__).with_suffix(".pyi")), name, None) for name, module in MODULES.items()
    ]
    files = build(sources, options).files
    return {name: files[name].names for name in MODULES}


@pytest.mark.parametrize("module", MODULES)
def test_mypy_resolves_each_name_through_the_stub(module, symbols):
    ours = {name: defined_in for name, defined_in in table(MODULES[module]).items() if defined_in.startswith("zoo.")}
    found = {name: symbols[module][name] for name in ours}
    assert all(symbol.module_public for symbol in found.values())
    assert {name: symbol.fullname for name, symbol in found.items()} == {
        name: f"{defined_in}.{name}" for name, defined_in in ours.items()
    }
