"""What tests of several folders need: the fixture plugins."""

import importlib.util
import sys
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parent / "fixtures" / "plugins"
EXAMPLES = Path(__file__).parents[1] / "examples"
EXAMPLE_NAMES = {file.stem for file in EXAMPLES.rglob("*.py")}


@pytest.fixture(scope="session")
def load_script():
    """Return a function that loads a script of `tests/` as a module."""

    def load(name):
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # dataclasses look their module up
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture(autouse=True)
def forget_examples():
    """Forget the plugin files that a test loaded: as installed modules their names would be taken for the next."""
    yield
    for name in EXAMPLE_NAMES & sys.modules.keys():  # to look at the file of every module takes 0.1 s a test
        if EXAMPLES in Path(getattr(sys.modules[name], "__file__", None) or "/").parents:
            del sys.modules[name]


@pytest.fixture
def install(monkeypatch):
    """Return a function that installs fixture plugins for the length of a test, and hides those of this repository."""

    def installed(*names):
        for name in names:
            monkeypatch.syspath_prepend(PLUGINS / name)
        monkeypatch.setenv("ZOO_PLUGINS", ",".join(["core", *names]))

    yield installed
    for module in [m for m in sys.modules if m.startswith(("fixture_", "api1_"))]:
        del sys.modules[module]
