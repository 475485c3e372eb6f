"""The examples that this repository ships are valid."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from zoo.config.split_settings import Temporal
from zoo.data.interactions import Interactions
from zoo.data.task import Task

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.toml")), ids=lambda file: file.name)
def test_an_experiment_is_in_order(zoo, monkeypatch, file):
    monkeypatch.setenv("ZOO_DATA", "data")
    plugins = [word for word in file.read_text().splitlines()[0].split() if word.startswith("examples/plugins/")]
    options = [option for plugin in plugins for option in ("--plugin", EXAMPLES.parent / plugin)]
    assert zoo("config", "check", file, *options).stdout.endswith(f"{file} is valid.\n")


def test_the_single_file_plugins_load(zoo):
    files = sorted((EXAMPLES / "plugins").glob("*.py"))
    text = zoo("doctor", *(option for file in files for option in ("--plugin", file))).stdout
    assert len(files) > 10
    assert [file.stem for file in files if f"good  {file.stem} file" not in text] == []


def test_the_example_of_one_event_cuts_histories_down_to_the_last():
    one_event_each = runpy.run_path(str(EXAMPLES / "one_event.py"))["one_event_each"]
    users, items, times = np.array([0, 0, 0, 1, 1, 2]), np.array([1, 2, 3, 2, 1, 3]), np.array([0, 1, 9, 0, 9, 9])
    task = Task.of(Interactions.from_arrays(users, items, times), Temporal(cuts=[0.6]))
    queries = one_event_each(task)
    assert queries.row.tolist() == [0, 1]  # the third has no history
    assert queries.lengths.tolist() == [1, 1]
    assert queries.histories.items.tolist() == [2, 2]
    assert queries.answers().items.tolist() == [3, 1]


def test_the_paired_differences_of_users_asked_twice_are_less_certain_than_of_twice_as_many():
    paired = runpy.run_path(str(EXAMPLES / "cold_pairs.py"))["mean_difference"]
    once = np.random.default_rng(0).normal(0.5, 1.0, 400)
    mean, half = paired(np.tile(once, 2), np.tile(np.arange(400), 2))
    assert mean == pytest.approx(once.mean())
    assert half == pytest.approx(1.96 * once.std() / 20)
    assert paired(np.tile(once, 2), np.arange(800))[1] == pytest.approx(half / np.sqrt(2))


@pytest.mark.slow
def test_the_example_of_one_event_runs(data_dir, monkeypatch, capsys):
    monkeypatch.setenv("ZOO_DATA", str(data_dir))
    runpy.run_path(str(EXAMPLES / "one_event.py"), run_name="__main__")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "1,822 queries"
    assert [line.partition(" recall@10")[0].strip() for line in lines[1:4]] == ["random", "popular", "item-knn"]
