"""The example of a dataset: a SQLite database beside the experiment file."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import zoo
from zoo.errors import ConfigError, DataError

PLUGIN = Path(__file__).parents[1] / "examples" / "plugins" / "sqlite_orders.py"
EXPERIMENT = """
references = false
[data]
source = { name = "sqlite-orders", database = "shop.db" }
[evaluate]
metrics = ["hit@3"]
exclude_seen = false
[[model]]
predictor = "popular"
"""


@pytest.fixture
def experiment(tmp_path):
    """Write a database and an experiment beside it; return the path of the experiment."""
    with closing(sqlite3.connect(tmp_path / "shop.db")) as connection:
        connection.execute("CREATE TABLE orders (user_id TEXT, item_id TEXT, timestamp INTEGER)")
        connection.execute("CREATE TABLE products (item_id TEXT, title TEXT, margin REAL)")
        rows = [(f"u{n % 20}", f"i{n * n % 13}", 1_700_000_000_000 + n * 86_400_000) for n in range(400)]
        connection.executemany("INSERT INTO orders VALUES (?, ?, ?)", rows)
        connection.executemany(
            "INSERT INTO products VALUES (?, ?, ?)", [(f"i{n}", f"Item {n}", n / 13) for n in range(13)]
        )
        connection.commit()
    file = tmp_path / "shop.toml"
    file.write_text(EXPERIMENT)
    return file


def test_a_database_beside_the_experiment_is_read(experiment, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    (row,) = zoo.bench(experiment, tmp_path / "out", plugins=[PLUGIN]).rows()
    assert row.error is None


def test_a_wrong_query_is_a_sentence(experiment, tmp_path):
    experiment.write_text(EXPERIMENT.replace('"shop.db"', '"shop.db", products = "SELECT * FROM goods"'))
    with pytest.raises(
        DataError, match=r"shop\.db: no such table: goods in 'SELECT \* FROM goods'\. Correct the query\."
    ):
        zoo.bench(experiment, tmp_path / "out", plugins=[PLUGIN])


def test_a_database_that_is_not_there_is_named(experiment, tmp_path):
    experiment.write_text(EXPERIMENT.replace("shop.db", "shop2.db"))
    with pytest.raises(DataError, match=r"shop2\.db: there is no such file\. Set `database` to a SQLite file\."):
        zoo.bench(experiment, tmp_path / "out", plugins=[PLUGIN])


def test_the_database_is_required(experiment, tmp_path):
    experiment.write_text(EXPERIMENT.replace(', database = "shop.db"', ""))
    with pytest.raises(ConfigError, match=r"data\.source\.database"):
        zoo.bench(experiment, tmp_path / "out", plugins=[PLUGIN])
