"""From an empty folder to a row in a table: what `zoo plugin new` writes is installed, checked and benchmarked unchanged."""

import json

import pytest

from zoo.scaffold.writer import SUMMARIES

OFFLINE = "install --no-build-isolation"
"""What the how-to says to add where there is no network."""
KINDS = [kind if kind == "metric" else pytest.param(kind, marks=pytest.mark.slow) for kind in SUMMARIES]


def new(kind):
    stage = ["predictor", "--neural"] if kind == "neural" else [kind]
    return ["-m", "zoo", "plugin", "new", f"my-{kind}", "--stage", *stage]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.robust
def test_a_package_is_installed_checked_and_benchmarked(fresh, kind):
    name = f"my-{kind}"
    said = fresh(*new(kind))
    for command in (f"pip install -e {name}", f"zoo plugin check {name}", f"zoo bench {name}/example.toml"):
        assert f"  {command}\n" in said
        fresh("-m", *command.replace("install", OFFLINE).split())
    (listed,) = [c for c in json.loads(fresh("-m", "zoo", "list", "--json")) if c["name"] == name]
    assert (listed["distribution"], listed["version"]) == (name, "0.1.0")


@pytest.mark.slow
@pytest.mark.parametrize("kind", SUMMARIES)
def test_the_tests_of_a_package_pass(fresh, kind):
    fresh(*new(kind))
    fresh(*f"-m pip {OFFLINE} -e my-{kind}[test]".split())
    assert " passed" in fresh("-m", "pytest", "-q", "-W", "error", folder=f"my-{kind}")


@pytest.mark.slow
@pytest.mark.parametrize("kind", SUMMARIES)
def test_a_package_is_installed_for_good(fresh, kind):
    """Without `-e`: what is built holds everything, and the source may go."""
    fresh(*new(kind))
    fresh(*f"-m pip {OFFLINE} ./my-{kind}".split())
    (found,) = [p for p in json.loads(fresh("-m", "zoo", "doctor", "--json")) if p["distribution"] == f"my-{kind}"]
    assert (found["errors"], found["warnings"], len(found["components"])) == ([], [], 1)


@pytest.mark.slow
@pytest.mark.parametrize("kind", SUMMARIES)
def test_a_single_file_is_checked_and_benchmarked(fresh, kind):
    command = new(kind)
    command[4] = f"my_{kind}.py"
    said = fresh(*command, "--single-file")
    commands = [line.split() for line in said.splitlines() if line.startswith("  zoo ")]
    assert [command[1] for command in commands] == ["show", "plugin", "bench"]
    for command in commands:
        fresh("-m", *command)
