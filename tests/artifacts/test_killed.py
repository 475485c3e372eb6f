"""Replacing an artifact: whoever is killed or reads at that moment has the old or the new one, complete."""

import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from zoo.artifacts import saving
from zoo.artifacts.saving import load_artifact, save_artifact

PROGRAM = Path(__file__).with_name("kill_saves.py")
GRAPH = Path(__file__).parents[1] / "fixtures" / "artifacts" / "graph"


@pytest.mark.parametrize(
    ("mode", "before", "points"), [("first", "nothing", 30), ("replace", "old", 40), ("renames", "old", 40)]
)
@pytest.mark.robust
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


def test_an_artifact_that_is_replaced_while_it_is_read_is_read_again(copy, monkeypatch):
    newer, load_pipeline, calls = replace(load_artifact(copy), data={"newer": True}), saving.load_pipeline, []

    def load_late(*args, **options):
        calls.append(args)
        if len(calls) == 1:
            save_artifact(newer, copy)
        return load_pipeline(*args, **options)

    monkeypatch.setattr(saving, "load_pipeline", load_late)
    assert load_artifact(copy).data == {"newer": True}
    assert len(calls) == 2
