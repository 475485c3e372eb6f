"""A process that is killed while it saves an artifact leaves the old or the new one, complete, and nothing that stays."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("kill_saves.py")
GRAPH = Path(__file__).parents[1] / "fixtures" / "artifacts" / "graph"


@pytest.mark.parametrize(
    ("mode", "before", "points"), [("first", "nothing", 30), ("replace", "old", 40), ("renames", "old", 40)]
)
def test_at_each_system_call(tmp_path, mode, before, points):
    command = [sys.executable, str(PROGRAM), str(tmp_path / "parent"), str(GRAPH), mode]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found) >= points
    which = [after for after, _, _ in found]
    assert set(which) == {before, "new"} or (mode == "first" and set(which) == {before}), Counter(which)
    assert which == sorted(which, key=["nothing", "old", "new"].index)  # the new one takes its place once
    assert {(again, *names) for _, again, names in found} == {("third", "artifact")}
