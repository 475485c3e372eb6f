"""`zoo data report`: the files that it writes and the lines that it prints."""

import json

import pytest

SHOP = """
[data]
source = { name = "synthetic-shop", customers = 300, items = 100, events = 9000 }
[[model]]
predictor = "popular"
"""


@pytest.fixture
def experiment(tmp_path):
    file = tmp_path / "shop.toml"
    file.write_text(SHOP)
    return file


def test_it_writes_a_page_values_and_an_experiment_and_says_so(zoo, experiment, tmp_path):
    out = tmp_path / "report"
    lines = zoo("data", "report", experiment, "--out", out).stdout.splitlines()
    assert sorted(path.name for path in out.iterdir()) == ["data.html", "data.json", "proposed.toml"]
    assert lines[-1] == f"Run the proposal: zoo bench {out / 'proposed.toml'}"
    assert lines[0].startswith("events    ")
    found = json.loads((out / "data.json").read_text())
    assert f"{sum(found['size']['events'].values()):,}" in lines[0]
    assert [line for line in lines if line.startswith("- ")] == [line for line in lines if line.startswith("- ")][
        : len(found["faults"])
    ]
    page = (out / "data.html").read_text()
    assert "<title>shop.toml – ShopZoo data report</title>" in page
    assert len(page) < 500_000
    zoo("config", "check", out / "proposed.toml")
    zoo("data", "report", experiment, "--out", out)  # replaces its own report


def test_a_folder_with_something_else_is_not_replaced(zoo, experiment, tmp_path):
    result = zoo("data", "report", experiment, "--out", tmp_path, code=2)
    assert (
        f"{tmp_path} holds 'shop.toml', which is no part of a data report and would be lost. "
        "Choose another folder with --out." in result.output
    )
    result = zoo("data", "report", experiment, "--out", experiment, code=2)
    assert f"{experiment} is a file, expected a folder to write. Choose another one with --out." in result.output


def test_json_is_the_report(zoo, experiment, tmp_path):
    printed = json.loads(zoo("data", "report", experiment, "--out", tmp_path / "out", "--json").stdout)
    assert printed == json.loads((tmp_path / "out" / "data.json").read_text())


def test_items_of_an_experiment_stand_in_its_file(zoo, experiment):
    result = zoo("data", "report", experiment, "--items", experiment, code=2)
    assert "is an experiment: set items in its [data] source" in result.output
