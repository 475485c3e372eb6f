"""The examples that this repository ships are in order."""

from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.toml")), ids=lambda file: file.name)
def test_an_experiment_is_in_order(zoo, monkeypatch, file):
    monkeypatch.setenv("ZOO_DATA", "data")
    assert zoo("config", "check", file).stdout.endswith(f"{file} is in order.\n")


@pytest.mark.parametrize("file", sorted((EXAMPLES / "plugins").glob("*.py")), ids=lambda file: file.name)
def test_a_single_file_plugin_loads(zoo, file):
    assert f"good  {file.stem} file" in zoo("doctor", "--plugin", file).stdout
