"""What is light stays light, and who may import whom: a plugin sees `zoo.api` and `zoo.nn` only."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PLUGINS = sorted(path.name for path in (ROOT / "plugins").iterdir() if (path / "src").is_dir())
HEAVY = ("torch", "pytorch_lightning", "torchmetrics", "datasets", "pandas", "pyarrow", "scipy", "numpy", "sklearn")
LIGHT = (
    "zoo", "zoo.nn", "zoo.testing", "zoo.lazy", "zoo.errors", "zoo.params", "zoo.spec", "zoo.hookspecs", "zoo.registry.registry", "zoo.config.load",
    "zoo.config.json_schema", "zoo.builtin", "zoo.api", "zoo.cli.main", "zoo.data.dataset_params", "zoo.metric_params",
    "zoo.scaffold.writer",
)  # fmt: skip


def heavy_after(code):
    """Return which heavy packages a fresh interpreter has imported after running some code."""
    report = f"\nimport sys\nprint('heavy:', *[m for m in {HEAVY!r} if m in sys.modules])"
    command = [sys.executable, "-c", code + report]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].removeprefix("heavy:").split())


def test_the_check_sees_what_is_heavy():
    assert heavy_after("import pandas") >= {"numpy", "pandas"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["list"],
        ["show", "als"],
        ["config", "check", "zoo/cli/demo.toml"],
        ["demo", "--config"],
        ["config", "schema"],
        ["data", "check", "--help"],
    ],
    ids=" ".join,
)
def test_a_command_that_only_looks_imports_nothing_heavy(arguments):
    code = f"from zoo.cli.main import main\ntry:\n    main({arguments!r})\nexcept SystemExit as end:\n    assert not end.code"
    assert heavy_after(code) == set()


def test_the_light_modules_import_nothing_heavy():
    assert heavy_after(f"import {', '.join(LIGHT)}") == set()


def test_listing_the_public_names_imports_nothing_heavy():
    assert (
        heavy_after("import zoo, zoo.api, zoo.nn, zoo.testing\nfor m in (zoo, zoo.api, zoo.nn, zoo.testing): dir(m)")
        == set()
    )


@pytest.mark.parametrize("family", PLUGINS)
def test_a_plugin_is_found_and_asked_for_nothing_heavy(family):
    code = (
        f"import shopzoo_{family}, importlib.util, importlib\n"
        f"importlib.util.find_spec('shopzoo_{family}.params') and importlib.import_module('shopzoo_{family}.params')\n"
        f"assert shopzoo_{family}.zoo_components()"
    )
    assert heavy_after(code) == set()


def imported(file):
    """Return the modules that a file imports, also within functions."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            yield node.module or "."


@pytest.mark.parametrize("family", PLUGINS)
def test_a_plugin_imports_the_api_and_the_blocks_and_no_other_plugin(family):
    files = sorted((ROOT / "plugins" / family / "src").rglob("*.py"))
    assert files
    for file in files:
        ours = [m for m in imported(file) if m.partition(".")[0] == "zoo" or m.startswith("shopzoo_")]
        allowed = ("zoo.api", "zoo.nn.", f"shopzoo_{family}")
        assert [m for m in ours if not m.startswith(allowed) and m != "zoo.nn"] == [], file


def test_the_core_imports_no_plugin():
    for file in (ROOT / "zoo").rglob("*.py"):
        assert not [m for m in imported(file) if m.startswith("shopzoo")], file
