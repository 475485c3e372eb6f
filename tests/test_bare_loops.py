"""The bare loops of `tests/speed/bare` run on a generated log, and know nothing of the zoo."""

import ast
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

SPEED = Path(__file__).parent / "speed"


@pytest.fixture(scope="module")
def logs():
    spec = importlib.util.spec_from_file_location("logs_of_speed", SPEED / "logs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(*command):
    done = subprocess.run(
        [sys.executable, "-m", "bare", *map(str, command)],
        cwd=SPEED,
        env={**os.environ, "PYTHONSAFEPATH": ""},  # the package is in the folder
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_generated_log_has_the_size_that_was_asked_for(logs):
    table = logs.generate(users=300, items=200, events=6000)
    users, items = (table[name].to_numpy() for name in ("user_id", "item_id"))
    assert len(np.unique(users)) == 300
    assert items.max() < 200
    assert 5000 < len(table) < 6500
    assert len(np.unique(users * 200 + items)) == len(table)  # an item occurs once in a history
    assert min(np.bincount(users)) >= logs.SHORTEST


def test_the_bare_loops_find_the_tastes_of_a_generated_log(logs, tmp_path):
    pq.write_table(logs.generate(users=300, items=200, events=6000), tmp_path / "interactions.parquet")
    random, learned = run("eval", tmp_path), run("ease", tmp_path, 50.0)
    trained = run("sasrec", tmp_path, 20, "sampled", 1)
    assert (random["users"], random["items"]) == (300, learned["items"])
    assert learned["hr_ndcg"][0] > 1.5 * random["hr_ndcg"][0]
    assert trained["epochs"] == 1


@pytest.mark.parametrize("file", sorted((SPEED / "bare").glob("*.py")), ids=lambda file: file.stem)
def test_a_bare_loop_imports_nothing_of_the_zoo(file):
    tree = ast.parse(file.read_text(encoding="utf-8"))
    names = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    names |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert not any(name.startswith(("zoo", "shopzoo")) for name in names)


@pytest.mark.parametrize("file", sorted(SPEED.glob("*.py")), ids=lambda file: file.stem)
def test_a_benchmark_needs_no_script_outside_the_tree(file):
    assert "ZOO_BARE" not in file.read_text(encoding="utf-8")
