"""`zoo plugin check`: what is asked for, what is printed, and the exit code."""

import json
import re
import sys
from pathlib import Path

import pytest

from zoo.cli.plugin_check import find_components
from zoo.registry.registry import Registry
from zoo.scaffold.writer import SUMMARIES, new_file

EXAMPLE = Path(__file__).parents[2] / "examples" / "plugins" / "my_model.py"


def test_a_failure_says_what_to_change_and_sets_the_exit_code(install, zoo):
    install("unlicensed")
    lines = [line.strip() for line in zoo("plugin", "check", "unlicensed", code=1).stdout.splitlines()]
    assert lines[0] == "predictor shopzoo-fixture-unlicensed/licence"
    at = next(i for i, line in enumerate(lines) if line.startswith("predictor.licence "))
    assert lines[at].split() == ["predictor.licence", "failed"]
    assert lines[at + 2] == "found:  the metadata of shopzoo-fixture-unlicensed name no licence"
    assert lines[at + 3].startswith("change: Set `license` under `[project]` in pyproject.toml")
    assert [line.split() for line in lines if line.startswith("predictor.shape ")] == [["predictor.shape", "passed"]]
    assert "predictor.gradients              not applicable: it is for components that the core trains" in lines
    assert lines[-1].startswith("1 component: ")
    assert ", 1 failed, " in lines[-1]


def test_failures_alone_are_shown_where_they_are_asked_for_and_all_is_counted(zoo, tmp_path):
    new_file(tmp_path / "faulty_table.py", "dataset", Registry([]))
    file = tmp_path / "faulty_table.py"
    file.write_text(file.read_text().replace(SUMMARIES["dataset"], "tables"))
    output = zoo("plugin", "check", "faulty-table", "--plugin", file, "--failed", code=1).stdout
    first, failed, *more, _, last = output.splitlines()
    assert first == "dataset faulty_table/faulty-table"
    assert failed.split() == ["dataset.summary", "failed"]
    assert [line.split()[0] for line in more] == ["The", "found:", "change:"]
    assert re.fullmatch(r"1 component: \d+ passed, 1 failed, \d+ not applicable\.", last)
    rows = json.loads(zoo("plugin", "check", "faulty-table", "--plugin", file, "--failed", "--json", code=1).stdout)
    assert {row["outcome"] for row in rows} == {"passed", "failed", "not applicable"}
    del sys.modules["faulty_table"]


def test_a_single_file_as_json(zoo):
    rows = json.loads(zoo("plugin", "check", "recent-popular", "--plugin", EXAMPLE, "--json").stdout)
    assert {row["outcome"] for row in rows} == {"passed", "not applicable"}
    row = next(row for row in rows if row["check"] == "predictor.look-ahead")
    assert row == {
        "component": "my_model/recent-popular",
        "stage": "predictor",
        "check": "predictor.look-ahead",
        "outcome": "passed",
        "what": "Events after the cutoff do not change the outputs.",
        "detail": "",
        "remedy": "",
        "docs": "reference/conformance.md#look-ahead",
    }


@pytest.mark.parametrize("name", ["wrong", "shopzoo-fixture-wrong", "shopzoo_fixture.Wrong"])
def test_a_plugin_goes_by_its_entry_point_or_its_distribution(install, name):
    install("wrong")
    names = {c.name for c in find_components(Registry.discover(), name, None)}
    assert {"good-together", "good-frequent", "look-ahead-in-the-log"} < names
    assert {c.name for c in find_components(Registry.discover(), name, "featurizer")} == {
        "good-prices", "good-prices-at-once", "shape-of-padding", "shape-of-a-tensor", "row-alone", "future-catalogue",
        "fit-transform", "fit-transform-not-fitted",
    }  # fmt: skip


def test_a_component_goes_by_its_name(install):
    install("wrong")
    assert [c.qualified_name for c in find_components(Registry.discover(), "good-together", None)] == [
        "shopzoo-fixture-wrong/good-together"
    ]


def test_what_is_not_there_or_does_not_load_is_explained(install, zoo):
    install("raises-on-import", "good")
    assert "no component named 'shelve'. Did you mean 'shelf'?" in zoo("plugin", "check", "shelve", code=2).stderr
    error = zoo("plugin", "check", "raises-on-import", code=2).stderr
    assert "zoo: the plugin shopzoo-fixture-raises-on-import does not load: " in error
    assert (
        "no component named 'shelf' that is a metric"
        in zoo("plugin", "check", "shelf", "--stage", "metric", code=2).stderr
    )


def test_a_component_that_ends_the_process_with_code_0_fails(zoo, tmp_path):
    file = tmp_path / "quitting_table.py"
    new_file(file, "dataset", Registry([]))
    source = file.read_text()
    at = source.index("def read(self)")
    body = source.index('"""', source.index('"""', at) + 3) + 3
    file.write_text(f"{source[:body]}\n        raise SystemExit(0)\n{source[body:]}")
    rows = json.loads(zoo("plugin", "check", "quitting-table", "--plugin", file, "--json", code=1).stdout)
    (failed,) = (row for row in rows if row["check"] == "dataset.same-tables")
    assert failed["outcome"] == "failed"
    assert failed["detail"].startswith("SystemExit: 0 (")
    del sys.modules["quitting_table"]


def test_a_plugin_that_ends_a_command_with_code_0_is_an_error(zoo, tmp_path):
    file = tmp_path / "leaving_model.py"
    new_file(file, "predictor", Registry([]))
    source = file.read_text()
    at = source.index("def fit(self")
    body = source.index('"""', source.index('"""', at) + 3) + 3
    file.write_text(f"{source[:body]}\n        raise SystemExit(0)\n{source[body:]}")
    result = zoo(
        "fit", file.with_suffix(".toml"), "--model=leaving-model", "--out", tmp_path / "a", "--plugin", file, code=2
    )
    assert re.search(r"zoo: a plugin ended the process: SystemExit\(0\) \(.*leaving_model\.py:\d+\)", result.stderr)
    del sys.modules["leaving_model"]
