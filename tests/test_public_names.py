"""The public names of `zoo`, `zoo.api`, `zoo.nn` and `zoo.testing`: table, stub and definition agree."""

import ast
import os
import re
import tomllib
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


def test_users_and_authors_catch_the_same_error():
    assert zoo.ZooError is zoo.api.ZooError
    assert issubclass(zoo.api.ConfigError, zoo.ZooError)


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


def test_the_stubs_are_installed_with_the_package():
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    patterns = tools["setuptools"]["package-data"]["zoo"]
    shipped = {path.relative_to(ROOT) for pattern in patterns for path in (ROOT / "zoo").glob(pattern)}
    package = Path(MODULES["zoo"].__file__).parent
    stubs = {Path(m.__file__).with_suffix(".pyi").relative_to(package.parent) for m in MODULES.values()}
    assert {Path("zoo/py.typed"), *stubs} <= shipped


def imported(source):
    """Return the modules of the zoo that a source imports."""
    for node in ast.walk(ast.parse(source)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) else []
        yield from (name for name in names if name.partition(".")[0] == "zoo")


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: str(file.relative_to(ROOT)))
def test_an_example_imports_the_public_modules_only(file):
    assert set(imported(file.read_text(encoding="utf-8"))) <= set(MODULES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_code_of_a_page_imports_the_public_modules_only(page):
    blocks = re.findall(r"^```python\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert {name for block in blocks for name in imported(block)} <= set(MODULES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_names_only_what_is_public(page):
    """Names in the text count too: `zoo.nn.layers` is a public path, `zoo.artifacts.saving` is not."""
    for path in re.findall(r"`(zoo(?:\.(?!json`)\w+)+)", page.read_text(encoding="utf-8")):
        found = next(m for m in sorted(MODULES, key=len, reverse=True) if path.startswith(f"{m}.") or path == m)
        name = path.removeprefix(found).removeprefix(".").partition(".")[0]
        assert not name or name in MODULES[found].__all__ or (found == "zoo.nn" and find_spec(f"zoo.nn.{name}")), path


@pytest.mark.parametrize("module", MODULES.values(), ids=MODULES)
def test_the_reference_lists_every_name(module):
    text = (ROOT / "docs/reference/python.md").read_text(encoding="utf-8")
    section = text.partition(f"\n## {module.__name__}\n")[2].partition("\n## ")[0].partition("\n### ")[0]
    listed = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    assert sorted(listed) == [name for name in module.__all__ if not name.startswith("_")]
