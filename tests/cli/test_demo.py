"""`zoo demo`, and what is said where no plugin is installed."""

import json

import pytest

from zoo.cli import demo_command

NOTE = 'No plugin is installed. To install those of the zoo: pip install "shopzoo[all]"'
SMALL = """
references = false

[data]
source = { name = "synthetic-shop", customers = 60, items = 40, events = 1500 }

[evaluate]
bootstrap = 100

[[model]]
predictor = "popular"
"""


@pytest.fixture
def bare(monkeypatch):
    """Hide every plugin."""
    monkeypatch.setenv("ZOO_PLUGINS", "core")


def test_the_demo_runs_its_experiment_in_the_folder(zoo, tmp_path, monkeypatch):
    (tmp_path / "demo.toml").write_text(SMALL)
    monkeypatch.setattr(demo_command, "EXPERIMENT", tmp_path / "demo.toml")
    assert "popular" in zoo("demo", "--out", tmp_path / "out").stdout
    (row,) = map(json.loads, (tmp_path / "out" / "results.jsonl").read_text(encoding="utf-8").splitlines())
    assert (row["label"], row["error"]) == ("popular", None)


def test_the_printed_file_is_valid(zoo, tmp_path):
    (tmp_path / "shop.toml").write_text(zoo("demo", "--config").stdout, encoding="utf-8")
    assert zoo("config", "check", tmp_path / "shop.toml").stdout.endswith("shop.toml is valid.\n")


def test_without_a_plugin_the_demo_says_how_to_install_them(zoo, bare):
    assert zoo("demo", code=2).stderr == f"zoo: the demo compares models of plugins. {NOTE}\n"


def test_without_a_plugin_the_list_says_so_too(zoo, bare):
    listed = zoo("list")
    assert listed.stderr == f"{NOTE}\n"
    assert "synthetic-shop" in listed.stdout


def test_without_a_plugin_no_model_is_found_and_the_benchmark_says_why(zoo, bare, tmp_path):
    (tmp_path / "small.toml").write_text(SMALL)
    told = zoo("bench", tmp_path / "small.toml", "--out", tmp_path / "out", code=2).stderr
    assert told.splitlines()[1] == f"  model[1].predictor: no predictor named 'popular'. Installed: none. {NOTE}"


def test_with_a_plugin_nothing_is_said_about_installing(zoo):
    assert NOTE not in zoo("list").stderr
