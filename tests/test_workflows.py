"""The workflows of the code host call the targets of the Makefile, as everybody does."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def read(file):
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def jobs(file):
    """Return the jobs of a workflow that have steps of their own."""
    return [job for job in read(file)["jobs"].values() if "steps" in job]


def commands(file):
    """Return the commands of a workflow."""
    return [step["run"] for job in jobs(file) for step in job["steps"] if "run" in step]


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_a_workflow_runs_targets_of_the_makefile(file):
    for command in commands(file):
        target = re.fullmatch(r"make \$WITH ([a-z-]+)", command)
        assert target, f"{command}: a step of a workflow is a target of the Makefile"
        assert target[1] in TARGETS


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_a_workflow_has_few_rights_and_ends(file):
    assert read(file)["permissions"] == {"contents": "read"}
    assert all(job["timeout-minutes"] <= 120 for job in jobs(file))


def test_what_the_gate_runs_is_run_by_workflows():
    gate = re.findall(r"^make ([a-z-]+)$", (ROOT / ".ci/run").read_text(encoding="utf-8"), re.MULTILINE)
    run = {command.rpartition(" ")[2] for file in WORKFLOWS for command in commands(file)}
    assert set(gate) | {"site", "notebooks", "dist", "test-dist", "test-lowest", "test-newest"} <= run


def test_the_suite_runs_on_three_systems_and_four_pythons():
    matrix = read(ROOT / ".github/workflows/test.yml")["jobs"]["test"]["strategy"]["matrix"]
    assert matrix["python"] == ["3.11", "3.12", "3.13", "3.14"]
    assert {system.partition("-")[0] for system in matrix["system"]} == {"ubuntu", "macos", "windows"}
