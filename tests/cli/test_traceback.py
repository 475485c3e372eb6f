"""Errors of a plugin's code: the author's line in the sentence, and the whole traceback if it is asked for."""

import os
import sys

import click
import pytest

from zoo.cli.main import main

MODEL = """\
import numpy as np
import torch

from zoo.api import ComponentSpec, CutoffParams, Params, Predictor, QueryMetric, hookimpl


class Slips(Predictor[Params]):
    fitted = ()

    def fit(self, data, context):
        self.helped(data)

    def helped(self, data):
        np.stack([])  # line 14

    def score(self, queries):
        return torch.zeros(len(queries), queries.log.n_items + 1)


class Misses(QueryMetric[CutoffParams]):
    title = "misses"

    def values(self, lists, facts):
        return facts.nowhere  # line 24


@hookimpl
def zoo_components():
    return [
        ComponentSpec("slips", "predictor", "slips:Slips", Params, "Fails in its fit.", api=2),
        ComponentSpec("misses", "metric", "slips:Misses", CutoffParams, "Fails.", api=2),
    ]
"""
EXPERIMENT = """\
references = false
[data]
source = { name = "synthetic-shop", customers = 60, items = 80, events = 1500, categories = 6, brands = 12 }
[evaluate]
metrics = ["misses@3", "hit@3"]
[[model]]
predictor = "PREDICTOR"
"""


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Write the plugin and two experiments; return their paths."""
    monkeypatch.delenv("ZOO_TRACEBACK", raising=False)
    plugin = tmp_path / "slips.py"
    plugin.write_text(MODEL)
    paths = [plugin]
    for name in ("slips", "random"):
        paths.append(tmp_path / f"{name}.toml")
        paths[-1].write_text(EXPERIMENT.replace("PREDICTOR", name))
    yield paths
    sys.modules.pop("slips", None)


def commands(command, path=()):
    if not isinstance(command, click.Group):
        return [(path, command)]
    return [found for name, part in command.commands.items() for found in commands(part, (*path, name))]


@pytest.mark.parametrize(("path", "command"), commands(main), ids=lambda v: "-".join(v) if isinstance(v, tuple) else "")
def test_every_command_has_the_option(path, command):
    assert [option.name for option in command.params].count("traceback") == 1


def test_an_error_of_a_plugin_is_a_sentence_with_the_authors_line(zoo, files, tmp_path):
    plugin, slips, _ = files
    stderr = zoo("fit", slips, "--out", tmp_path / "o", "--plugin", plugin, code=2).stderr
    assert stderr.splitlines()[-1] == (
        f"zoo: ValueError: need at least one array to stack ({plugin}:14). "
        "Add --traceback to see the calls that led to it."
    )
    assert "Traceback" not in stderr


@pytest.mark.parametrize("by", ["option", "variable"])
def test_the_traceback_is_shown_if_it_is_asked_for(zoo, files, tmp_path, monkeypatch, by):
    plugin, slips, _ = files
    more = ["--traceback"] if by == "option" else []
    if by == "variable":
        monkeypatch.setenv("ZOO_TRACEBACK", "1")
    stderr = zoo("fit", slips, "--out", tmp_path / "o", "--plugin", plugin, *more, code=2).stderr
    assert "Traceback (most recent call last):" in stderr
    assert "np.stack([])  # line 14" in stderr
    assert stderr.splitlines()[-1] == f"zoo: ValueError: need at least one array to stack ({plugin}:14)."
    assert ("ZOO_TRACEBACK" in os.environ) == (by == "variable")  # the option is that of one command


def test_a_row_that_failed_has_the_line_and_its_traceback_is_shown(zoo, files, tmp_path):
    plugin, slips, _ = files
    result = zoo("bench", slips, "--out", tmp_path / "o", "--plugin", plugin, "--traceback", code=1)
    assert f"ValueError: need at least one array to stack ({plugin}:14)" in result.output
    assert "np.stack([])  # line 14" in result.stderr


def test_a_metric_that_failed_has_the_line_of_the_metric(zoo, files, tmp_path):
    plugin, _, random = files
    result = zoo("bench", random, "--out", tmp_path / "o", "--plugin", plugin)
    place = f"AttributeError: 'Facts' object has no attribute 'nowhere' ({plugin}:24)"
    assert place in result.output.replace("\n", " ")
    assert "Traceback" not in result.stderr


def test_a_plugin_that_does_not_load_shows_how(zoo, tmp_path):
    broken = tmp_path / "breaks.py"
    broken.write_text("def inner():\n    return 1 / 0\n\n\ninner()\n")
    stderr = zoo("list", "--plugin", broken, "--traceback", code=2).stderr
    assert "return 1 / 0" in stderr
    assert f"breaks.py does not load: ZeroDivisionError: division by zero ({broken}:2)" in stderr


def test_a_failed_check_shows_its_traceback(zoo, files):
    plugin, *_ = files
    result = zoo("plugin", "check", "slips", "--stage", "predictor", "--plugin", plugin, "--traceback", code=1)
    assert "np.stack([])  # line 14" in result.stderr


def test_an_error_of_the_core_stays_an_error(zoo, files, monkeypatch):
    def broken(*args, **kwargs):
        raise ValueError("a slip of the core")

    monkeypatch.setattr("zoo.config.load.load_experiment", broken)
    with pytest.raises(ValueError, match="a slip of the core"):
        raise zoo("config", "check", files[1], code=1).exception
