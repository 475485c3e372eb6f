"""Tables from queries: what each database gives, what is refused, and that no password is shown or stored."""

import builtins
import sqlite3
from contextlib import closing

import duckdb
import pyarrow as pa
import pytest

import zoo
from zoo.data.database_uri import DatabaseUri
from zoo.data.dataset_params import SqlParams
from zoo.data.sql import SQL_ROWS, Sql
from zoo.errors import ComponentError, DataError

CLOSED = "postgresql://shop:${PASSWORD}@127.0.0.1:1/shop"
"""No server listens on port 1."""
EVENTS = [(f"u{i % 9}", f"00{i * 7 % 10}", i) for i in range(90)]


@pytest.fixture
def files(tmp_path):
    """Write the same events and items into a DuckDB and a SQLite file."""
    with (
        closing(duckdb.connect(str(tmp_path / "shop.duckdb"))) as duck,
        closing(sqlite3.connect(tmp_path / "shop.sqlite")) as lite,
    ):
        for connection in (duck, lite):
            connection.execute("CREATE TABLE events (user_id TEXT, item_id TEXT, position INTEGER)")
            connection.executemany("INSERT INTO events VALUES (?, ?, ?)", EVENTS)
            connection.execute("CREATE TABLE items (item_id TEXT, price DECIMAL(8, 2))")
            connection.executemany("INSERT INTO items VALUES (?, ?)", [(f"00{i}", i + 0.25) for i in range(10)])
        lite.commit()
    return tmp_path


def read(uri, query="SELECT * FROM events", **more):
    return Sql(SqlParams(uri=uri, query=query, **more)).read()


def sqlite_table(path, rows, query="SELECT * FROM t"):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (a, b)")
        connection.executemany("INSERT INTO t VALUES (?, ?)", rows)
        connection.commit()
    return read(f"sqlite:///{path}", query).interactions


def refusal(uri, query="SELECT * FROM events", kind=DataError, **more):
    with pytest.raises(kind) as error:
        read(uri, query, **more)
    assert error.value.__cause__ is None
    return str(error.value)


@pytest.mark.parametrize("system", ["duckdb", "sqlite"])
def test_a_file_gives_events_and_items(files, system):
    uri = f"{system}:///{files}/shop.{system}"
    tables = read(uri, "-- all\n(SELECT * FROM events);" if system == "duckdb" else "SELECT * FROM events -- all",
                  items_query="SELECT item_id, price FROM items WHERE price > 5 ORDER BY 1")  # fmt: skip
    assert (tables.interactions_from, tables.items_from) == (
        "the query of data.source",
        "the items_query of data.source",
    )
    assert [tuple(row.values()) for row in tables.interactions.to_pylist()] == EVENTS
    assert [(row["item_id"], float(row["price"])) for row in tables.items.to_pylist()] == [
        (f"00{i}", i + 0.25) for i in range(5, 10)
    ]
    assert read(uri).items is None


@pytest.mark.parametrize("system", ["duckdb", "sqlite"])
def test_a_result_of_many_batches_is_complete(files, system):
    rows = SQL_ROWS * 2 + 5
    query = f"WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {rows}) SELECT i FROM n"
    if system == "duckdb":
        query = f"SELECT range AS i FROM range({rows})"
    column = read(f"{system}:///{files}/shop.{system}", query).interactions["i"]
    assert column.to_pylist() == list(range(rows))
    assert column.num_chunks >= 3


def test_types_of_sqlite_follow_from_the_values(tmp_path):
    table = sqlite_table(tmp_path / "one.db", [(1, 1), (None, 1.5), (3, None)])
    assert table.to_pydict() == {"a": [1, None, 3], "b": [1.0, 1.5, None]}
    assert table.schema.types == [pa.int64(), pa.float64()]
    table = sqlite_table(tmp_path / "mixed.db", [(1, 2**62 + 1), ("x", 1.5), (2.5, None)])
    assert table.to_pydict() == {"a": ["1", "x", "2.5"], "b": [str(2**62 + 1), "1.5", None]}
    table = sqlite_table(tmp_path / "late.db", [(1, None)] * SQL_ROWS + [("007", b"\0")])
    assert table.schema.types == [pa.string(), pa.binary()]
    assert table["a"].to_pylist()[-2:] == ["1", "007"]


def test_a_benchmark_reads_a_query_as_it_reads_a_file(files):
    (files / "events.csv").write_text("user_id,item_id,position\n" + "".join(f"{u},{i},{at}\n" for u, i, at in EVENTS))
    sql = {"name": "sql", "uri": f"sqlite:///{files}/shop.sqlite", "query": "SELECT * FROM events"}
    rows = [
        zoo.bench(
            {"data": {"source": source}, "split": {"policy": "leave-last-out"}, "references": False,
             "evaluate": {"metrics": ["ndcg@5"]}, "model": [{"predictor": "popular"}]},
            files / name,
        ).rows()[0]
        for name, source in (("a", sql), ("b", {"name": "files", "interactions": str(files / "events.csv")}))
    ]  # fmt: skip
    assert rows[0].metrics == rows[1].metrics
    assert rows[0].error is None


def test_a_missing_file_is_told(tmp_path):
    assert refusal(f"duckdb:///{tmp_path}/no.db") == (
        f"data.source: there is no file {tmp_path}/no.db. Correct the uri: duckdb:///shop.db is relative to the experiment file, "
        "duckdb:////data/shop.db with four slashes is not."
    )
    assert not (tmp_path / "no.db").exists()


@pytest.mark.parametrize(("system", "reason", "advice"), [
    ("sqlite", "file is not a database",
     "Check that it is a SQLite database, and that this user may read it."),
    ("duckdb", "",
     "Check that it is a DuckDB database of a version that the package reads, and that no other program writes to it."),
])  # fmt: skip
def test_a_file_of_another_kind_is_told(tmp_path, system, reason, advice):
    (tmp_path / "shop.db").write_text("user_id,item_id\n" * 400)
    told = refusal(f"{system}:///{tmp_path}/shop.db")
    assert told.startswith(f"data.source: {tmp_path}/shop.db cannot be opened: {reason}")
    assert told.endswith(f". {advice}")


@pytest.mark.parametrize(("system", "driver"), [
    ("duckdb", "duckdb"),
    ("postgresql", "adbc_driver_postgresql"),
])  # fmt: skip
def test_a_missing_driver_names_the_extra(files, monkeypatch, system, driver):
    installed = builtins.__import__

    def without(name, *arguments, **more):
        if name == driver:
            raise ImportError(name)
        return installed(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    uri = f"duckdb:///{files}/shop.duckdb" if system == "duckdb" else CLOSED
    assert refusal(uri, kind=ComponentError) == (
        f'data.source: reading {system} needs a driver that is not installed: pip install "shopzoo[sql]"'
    )


STATEMENTS = {
    "SELECT nope FROM events": "nope",
    "SELEC * FROM events": "it is not a SELECT statement",
    "DELETE FROM events": "it is not a SELECT statement",
    "COPY events TO 'events.csv'": "it is not a SELECT statement",
    "VACUUM INTO 'events.csv'": "it is not a SELECT statement",
    "-- only a remark": "it is not a SELECT statement",
    "SELECT 1; DELETE FROM events": "",
    "WITH a AS (SELECT 'u' AS u) INSERT INTO events SELECT u, u, 1 FROM a": "",
}


@pytest.mark.parametrize("query", STATEMENTS)
@pytest.mark.parametrize("system", ["duckdb", "sqlite"])
def test_other_statements_are_refused_and_change_nothing(files, monkeypatch, system, query):
    monkeypatch.chdir(files)
    before = sorted(files.iterdir())
    told = refusal(f"{system}:///{files}/shop.{system}", query)
    assert told.startswith(f"the query of data.source cannot be run on {files}/shop.{system}: ")
    assert STATEMENTS[query] in told
    assert told.endswith(". Write one SELECT statement that the database accepts; the connection is read-only.")
    assert len(read(f"{system}:///{files}/shop.{system}").interactions) == len(EVENTS)
    assert sorted(files.iterdir()) == before


@pytest.mark.parametrize("system", ["duckdb", "sqlite"])
def test_a_result_without_rows_is_told(files, system):
    uri = f"{system}:///{files}/shop.{system}"
    assert refusal(uri, items_query="SELECT * FROM items WHERE price < 0") == (
        f"the items_query of data.source gives no rows from {files}/shop.{system}. Check its conditions, and that the database is "
        "the right one."
    )


def test_two_columns_of_one_name_are_told(files):
    assert refusal(f"sqlite:///{files}/shop.sqlite", "SELECT item_id, user_id AS item_id FROM events") == (
        "the query of data.source: two columns are named 'item_id'. Rename one with AS."
    )


def test_blobs_among_other_values_are_told(tmp_path):
    with pytest.raises(DataError, match=r"the column 'a' holds blobs and other values, which CAST\(a AS TEXT\) makes"):
        sqlite_table(tmp_path / "t.db", [(1, 1), (b"x", 1)])


@pytest.fixture
def shop(postgresql):
    """Fill a PostgreSQL server with the events, and return the URI of `shop` and of `brief`, who has a short password."""
    from adbc_driver_postgresql import dbapi

    host, password = postgresql
    uris = {
        "shop": (f"postgresql://shop:${{PASSWORD}}@{host}/postgres", password),
        "brief": (f"postgresql://brief:${{PASSWORD}}@{host}/postgres", "p9"),
    }
    with (
        dbapi.connect(DatabaseUri.of(uris["shop"][0].replace("${PASSWORD}", password)).connection) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("DROP TABLE IF EXISTS events")
        cursor.execute("DROP ROLE IF EXISTS brief")
        cursor.execute(
            "CREATE TABLE events (user_id TEXT, item_id VARCHAR(9), position BIGINT, price NUMERIC(8, 2), at TIMESTAMPTZ)"
        )
        values = ", ".join(f"('{u}', '{i}', {at}, {at}.25, '2024-01-01 12:00+01')" for u, i, at in EVENTS)
        cursor.execute(f"INSERT INTO events VALUES {values}")
        cursor.execute("CREATE ROLE brief LOGIN PASSWORD 'p9'")
        cursor.execute("GRANT SELECT ON events TO brief")
        connection.commit()
    return uris


@pytest.mark.robust
def test_postgresql_gives_rows_and_refuses_the_rest(shop):
    uri = shop["shop"][0].replace("${PASSWORD}", shop["shop"][1])
    table = read(uri, "SELECT * FROM events ORDER BY position;").interactions
    assert [tuple(row.values())[:3] for row in table.to_pylist()] == EVENTS
    assert table.schema.field("at").type == pa.timestamp("us", tz="UTC")
    rows = SQL_ROWS * 2
    assert read(uri, f"SELECT generate_series(1, {rows}) AS i").interactions["i"].to_pylist() == list(
        range(1, rows + 1)
    )

    place = f"postgresql://{uri.rpartition('@')[2]}"
    for query, reason in {
        "SELECT nope FROM events": 'column "nope" does not exist',
        "SELEC * FROM events": "it is not a SELECT statement",
        "DELETE FROM events": "it is not a SELECT statement",
        "COPY events TO PROGRAM 'cat'": "it is not a SELECT statement",
        "SELECT 1; DELETE FROM events": "cannot insert multiple commands into a prepared statement",
        "WITH gone AS (DELETE FROM events RETURNING *) SELECT * FROM gone": "cannot execute SELECT in a read-only transaction",
    }.items():
        told = refusal(uri, query)
        assert told.startswith(f"the query of data.source cannot be run on {place}: ")
        assert told.endswith(
            f"{reason}. Write one SELECT statement that the database accepts; the connection is read-only."
        )
    assert refusal(uri, "SELECT * FROM events WHERE false") == (
        f"the query of data.source gives no rows from {place}. Check its conditions, and that the database is the right one."
    )
    wrong = refusal(uri.replace("shop:", "shop:wrong-"))
    assert 'password authentication failed for user "shop"' in wrong
    assert "wrong" not in wrong
    assert len(read(uri).interactions) == len(EVENTS)


@pytest.mark.robust
@pytest.mark.parametrize("user", ["shop", "brief"])
def test_no_file_of_a_benchmark_or_an_artifact_contains_the_password(shop, user, tmp_path, monkeypatch):
    uri, password = shop[user]
    monkeypatch.setenv("PASSWORD", password)
    raw = {
        "data": {"source": {"name": "sql", "uri": uri, "query": "SELECT * FROM events"}, "time": "position"},
        "split": {"policy": "leave-last-out"},
        "references": False,
        "evaluate": {"metrics": ["ndcg@5"]},
        "model": [{"predictor": "popular"}],
    }
    (row,) = zoo.bench(raw, tmp_path / "out").rows()
    assert row.error is None
    zoo.fit(raw).save(tmp_path / "artifact")
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    texts = [path.read_bytes() for path in written]
    assert any(uri.encode() in text for text in texts)
    forms = {
        f":{form}@"
        for form in (
            password,
            DatabaseUri.of(uri.replace("${PASSWORD}", password)).connection.split(":")[2].rpartition("@")[0],
        )
    }
    assert [
        path for path, text in zip(written, texts, strict=True) if any(form.encode() in text for form in forms)
    ] == []
    assert len(password) < 8 or not [
        path for path, text in zip(written, texts, strict=True) if password.encode() in text
    ]
