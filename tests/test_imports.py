"""What is light stays light, and who may import whom: a plugin sees `zoo`, `zoo.api` and `zoo.nn` only."""

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


def heavy_after(*steps):
    """Run steps of code in one fresh interpreter; return those after which it has imported heavy packages, with these."""
    report = f"\nimport sys\nprint('\\nheavy:', *[m for m in {HEAVY!r} if m in sys.modules])\n"
    command = [sys.executable, "-c", "".join(step + report for step in steps)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    found = [set(line.split()[1:]) for line in done.stdout.splitlines() if line.startswith("heavy:")]
    return {step: heavy for step, heavy in zip(steps, found, strict=True) if heavy}


def test_the_check_sees_what_is_heavy():
    [(step, heavy)] = heavy_after("import json", "import pandas").items()
    assert step == "import pandas"
    assert heavy >= {"numpy", "pandas"}


COMMANDS = (
    ["--help"],
    ["list"],
    ["show", "als"],
    ["config", "check", "zoo/cli/demo.toml"],
    ["demo", "--config"],
    ["config", "schema"],
    ["data", "check", "--help"],
)


def test_a_command_that_only_looks_imports_nothing_heavy():
    command = "from zoo.cli.main import main\ntry:\n    main({!r})\nexcept SystemExit as end:\n    assert not end.code"
    steps = list(map(command.format, COMMANDS))
    assert heavy_after(*steps) == {}


def test_the_light_modules_import_nothing_heavy():
    names = "import zoo, zoo.api, zoo.nn, zoo.testing\nfor m in (zoo, zoo.api, zoo.nn, zoo.testing): dir(m)"
    steps = (names, f"import {', '.join(LIGHT)}")
    assert heavy_after(*steps) == {}


def test_a_plugin_is_found_and_asked_for_nothing_heavy():
    code = (
        "import shopzoo_{0}, importlib.util, importlib\n"
        "importlib.util.find_spec('shopzoo_{0}.params') and importlib.import_module('shopzoo_{0}.params')\n"
        "hooks = [getattr(shopzoo_{0}, f'zoo_{{name}}', None) for name in ('components', 'executors', 'commands')]\n"
        "assert any(hook() for hook in hooks if hook)"
    )
    steps = list(map(code.format, PLUGINS))
    assert heavy_after(*steps) == {}


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
        assert [m for m in ours if not m.startswith(allowed) and m not in ("zoo", "zoo.nn")] == [], file


def test_the_core_imports_no_plugin():
    for file in (ROOT / "zoo").rglob("*.py"):
        assert not [m for m in imported(file) if m.startswith("shopzoo")], file
