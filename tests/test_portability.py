"""Without the modules that only POSIX systems have, a benchmark, a fit and a recommendation run; text has an encoding."""

import ast
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from zoo.benchmark.executors.choose import choose_executor
from zoo.errors import ConfigError
from zoo.machine_memory import available_memory

ROOT = Path(__file__).parents[1]
SOURCES = sorted([*(ROOT / "zoo").rglob("*.py"), *(ROOT / "plugins").glob("*/src/**/*.py")])
POSIX_ONLY = ("crypt", "fcntl", "grp", "pty", "pwd", "readline", "resource", "spwd", "syslog", "termios", "tty")

# The libraries come first: what they import on this system says nothing about another one.
BLOCK = f"""
import sys
import datasets, filelock, pandas, pytorch_lightning, torch, torchmetrics, rich.console, scipy.sparse, sklearn.utils
for name in {POSIX_ONLY!r}:
    sys.modules[name] = None
"""
USE = """
from zoo.cli.main import main

experiment = '''
references = false
[data]
source = {name = "synthetic-shop", customers = 60, items = 40, events = 1500}
[evaluate]
bootstrap = 100
[train]
max_epochs = 1
[[model]]
predictor = "ease"
[[model]]
predictor = {name = "sasrec", dim = 8, length = 8, blocks = 1}
'''
open("shop.toml", "w", encoding="utf-8").write(experiment)
for arguments in (
    ["bench", "shop.toml", "--out", "out"],
    ["fit", "shop.toml", "--model", "ease", "--out", "artifact"],
    ["recommend", "artifact", "--history", "p00001,p00002", "--k", "3"],
    ["doctor"],
):
    try:
        main(arguments)
    except SystemExit as end:
        assert not end.code, arguments
"""


def test_a_benchmark_a_fit_and_a_recommendation_need_no_posix_module(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", BLOCK + USE], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert "sasrec" in done.stdout
    assert (tmp_path / "out" / "report.md").exists()


def imports_at_the_top(tree):
    """Yield the modules that a file imports as soon as it is imported itself."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]


def unencoded(tree):
    """Yield the lines that open a text file without an encoding."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        texts = called.endswith((".read_text", ".write_text")) or called in ("open", "os.fdopen")
        modes = [arg.value for arg in node.args[1:2] if isinstance(arg, ast.Constant)]
        modes += [k.value.value for k in node.keywords if k.arg == "mode" and isinstance(k.value, ast.Constant)]
        if texts and "encoding" not in {k.arg for k in node.keywords} and not any("b" in str(mode) for mode in modes):
            yield node.lineno, called


def test_no_module_imports_what_only_posix_has_at_its_top():
    assert len(SOURCES) > 200
    found = {file: set(imports_at_the_top(ast.parse(file.read_text(encoding="utf-8")))) for file in SOURCES}
    assert {str(file): names & {*POSIX_ONLY} for file, names in found.items() if names & {*POSIX_ONLY}} == {}


def test_every_text_file_is_opened_with_an_encoding():
    found = [(file.name, *at) for file in SOURCES for at in unencoded(ast.parse(file.read_text(encoding="utf-8")))]
    accepted = {("machine.py", "installed.read_text"), ("sentence_encoder.py", "parts.read_text")}
    assert [place for place in found if (place[0], place[2]) not in accepted] == []


def test_the_free_memory_is_known_where_there_is_no_proc(tmp_path):
    pytest.importorskip("psutil")
    assert 2**20 < available_memory(tmp_path) < 2**50


def test_a_process_for_each_run_is_refused_where_it_cannot_be_ended_with_all_that_it_started(monkeypatch):
    monkeypatch.setattr("zoo.benchmark.executors.processes.os", SimpleNamespace(name="nt"))
    with pytest.raises(
        ConfigError, match=r"\(--isolate, --executor processes\) need Linux or macOS, and this system is \w+\."
    ):
        choose_executor(isolate=True)
