"""`zoo data report`: the files that it writes and the lines that it prints."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
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


def test_columns_of_users_are_described_and_their_ids_guessed(zoo, tmp_path):
    rng = np.random.default_rng(0)
    events = {
        "customer": rng.integers(0, 30, 500),
        "sku": rng.integers(0, 20, 500),
        "timestamp": 1_700_000_000_000 + 3_600_000 * np.arange(500),
    }
    pq.write_table(pa.table(events), tmp_path / "events.parquet")
    pq.write_table(pa.table({"customer_id": np.arange(40), "city": ["Graz", "Bern"] * 20}), tmp_path / "users.parquet")
    out = tmp_path / "out"
    found = zoo(
        "data", "report", tmp_path / "events.parquet", "--users", tmp_path / "users.parquet", "--out", out, "--json"
    )
    report = json.loads(found.stdout)
    assert "user_id is the column 'customer_id' of the users" in report["guessed"]
    (column,) = report["user_columns"]
    assert (column["name"], column["missing"], column["distinct"]) == ("city", 0.0, 2)
    assert column["top"] == {"Bern": 15, "Graz": 15}
    assert 'user_columns = { user_id = "customer_id" }' in report["proposal"]
    page = (out / "data.html").read_text()
    assert "Columns of the users" in page
    zoo("config", "check", out / "proposed.toml")


def test_columns_that_are_not_used_are_printed_and_on_the_page(zoo, tmp_path):
    rng = np.random.default_rng(0)
    times = np.datetime64("2024-05-01", "s") + 3600 * np.arange(500)
    events = {"customer": rng.integers(0, 30, 500), "sku": rng.integers(0, 20, 500), "picked": times, "packed": times}
    pq.write_table(pa.table(events), tmp_path / "events.parquet")
    lines = zoo("data", "report", tmp_path / "events.parquet", "--out", tmp_path / "out").stdout.splitlines()
    told = "picked (looks like times; use it with --set data.columns.timestamp=picked)"
    (line,) = [line for line in lines if line.startswith("not used")]
    assert line.startswith(f"not used  {told}, packed (looks like times")
    assert f"Columns that are not used: {told}" in (tmp_path / "out" / "data.html").read_text()
