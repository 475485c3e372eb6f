"""The user table: its rows in the order of the log's users, what is counted, and what is refused."""

import sqlite3
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import zoo
from zoo.config.experiment import DataSettings
from zoo.data.dataset import Tables, read_tables
from zoo.data.dataset_params import FilesParams, HubParams, SqlParams
from zoo.data.fingerprint import fingerprint
from zoo.data.log import read_data
from zoo.data.sql import Sql
from zoo.data.user_table import UserTable
from zoo.errors import DataError

START = 1_700_000_000_000
EVENTS = pa.table(
    {
        "user_id": ["b", "a", "a", "b", "c", "c"],
        "item_id": ["x", "y", "x", "y", "z", "x"],
        "timestamp": [START + i for i in range(6)],
    }
)
USERS = pa.table({"user_id": ["d", "c", "a"], "age": [50, 40, 20], "city": ["Bern", None, "Graz"]})


def read(users=USERS, events=EVENTS, **settings):
    tables = Tables(events, interactions_from="events.csv", users=users, users_from="users.csv")
    return read_data(tables, DataSettings.model_validate({"source": "files", **settings}))


def refused(*args, **settings):
    with pytest.raises(DataError) as error:
        read(*args, **settings)
    return str(error.value)


def test_its_rows_are_those_of_the_log_and_row_0_is_null():
    data = read()
    assert data.user_ids.to_pylist() == ["a", "b", "c"]
    assert data.users.ids.to_pylist() == [None, "a", "b", "c"]
    assert data.users.column("age").to_pylist() == [None, 20, None, 40]
    assert data.users.columns == ["age", "city"]
    assert data.notes["users of the log that the user table lacks"] == 1
    assert data.notes["users of the user table without an event"] == 1


def test_without_a_table_nothing_changes():
    data, bare = read(None), read(USERS.select(["user_id"]))
    assert data.users is None
    assert "users of the log that the user table lacks" not in data.notes
    hashes = [fingerprint(d.log, d.catalogue, d.user_ids, d.users) for d in (data, bare, read())]
    assert hashes[0] == fingerprint(data.log, data.catalogue, data.user_ids) == hashes[1] != hashes[2]
    assert "user_columns" not in DataSettings.model_validate({"source": "files"}).model_dump()
    for params in (
        FilesParams(interactions=["a"]),
        HubParams(dataset="a"),
        SqlParams(uri="sqlite:///a", query="SELECT 1"),
    ):
        assert not [name for name in params.model_dump() if "user" in name]


def test_every_value_is_part_of_the_fingerprint():
    data = read()
    other = replace(data.users, table=data.users.table.set_column(0, "age", pa.chunked_array([[None, 20, None, 41]])))
    renamed = UserTable(data.users.ids, data.users.table.rename_columns(["years", "city"]))
    hashes = {fingerprint(data.log, data.catalogue, data.user_ids, users) for users in (data.users, other, renamed)}
    assert len(hashes) == 3
    swapped = data.users.select(["city", "age"])
    assert fingerprint(data.log, data.catalogue, data.user_ids, swapped) in hashes


def test_users_that_filters_remove_have_no_row():
    events = pa.concat_tables([EVENTS, pa.table({"user_id": ["d"], "item_id": ["w"], "timestamp": [START]})])
    data = read(events=events, k_core={"user": 2})
    assert data.users.ids.to_pylist() == [None, "a", "b", "c"]
    assert data.notes["users of the user table without an event"] == 1


def test_integers_and_texts_are_compared_as_text():
    events = EVENTS.set_column(0, "user_id", pa.array([2, 1, 1, 2, 3, 3]))
    assert read(pa.table({"user_id": ["3", "1"], "age": [3, 1]}), events).users.numbers("age")[1:].tolist()[::2] == [
        1,
        3,
    ]
    assert read(pa.table({"user_id": [3.0, 1.0], "age": [3, 1]}), events).users.numbers("age")[3] == 3
    assert refused(pa.table({"user_id": ["u1", "u2"], "age": [3, 1]}), events) == (
        "users.csv: this table has none of the 3 users of events.csv. An id there is '1', an id here is 'u1'. Ids are compared as "
        "text: write them the same way in both files (leading zeros, prefixes), or map `user_id` to the right column in "
        "data.columns or data.user_columns."
    )
    assert refused(pa.table({"user_id": [0.5], "age": [3]}), events) == (
        "users.csv, row 1: user_id is 0.5, expected an id: a whole number or text. Cast the column in the file."
    )


def test_a_table_that_does_not_fit_is_refused():
    assert refused(USERS.rename_columns(["customer", "age", "city"])) == (
        "users.csv: no column 'user_id'. Did you mean 'customer'? Its columns: customer, age, city. Map the column that holds it: "
        'data.user_columns = { user_id = "customer" } (in Python, user_columns={"user_id": "customer"}).'
    )
    assert refused(pa.table({"user_id": ["a", "b", "a"], "age": [1, 2, 3]})) == (
        "users.csv, row 3: user_id 'a' occurs already in users.csv, row 1, expected each user once. Remove one of the rows."
    )
    assert refused(USERS.slice(0, 0)) == (
        "users.csv: the table has no rows, expected one row per user. Choose another file."
    )
    assert refused(pa.table({"user_id": ["a", None], "age": [1, 2]})).startswith(
        "users.csv, row 2: user_id is empty, expected an id (rows without user_id: 1)."
    )
    dropped = read(pa.table({"user_id": ["a", None], "age": [1, 2]}), null_ids="drop")
    assert dropped.notes["left out: rows of users.csv without user_id"] == 1
    assert refused(None, user_columns={"user_id": "customer"}) == (
        "data.user_columns maps 'user_id', and the source has no user table. Give the `source` of [data] a file of `users` (in "
        "Python, `read_log(..., users=...)`), or remove the mapping."
    )


def test_a_column_that_it_lacks_is_named_with_those_that_it_has():
    with pytest.raises(
        DataError, match=r"the user table has no column 'aeg'\. Did you mean 'age'\? Its columns: age, city"
    ):
        read().users.column("aeg")
    with pytest.raises(
        DataError, match="the user table's column 'city' is text, and not all of its values are numbers"
    ):
        read().users.numbers("city")
    with pytest.raises(DataError, match=r"Its columns: none; give the `source` of \[data\] a file of `users`"):
        UserTable.bare(2).column("age")


def test_read_log_takes_frames_files_and_both(tmp_path):
    pq.write_table(EVENTS.rename_columns(["customer", "item_id", "timestamp"]), tmp_path / "events.parquet")
    pq.write_table(USERS.rename_columns(["customer", "age", "city"]), tmp_path / "users.parquet")
    files = zoo.read_log(tmp_path / "events.parquet", users=tmp_path / "users.parquet", user_id="customer")
    assert files.settings.source.params["users"] == [str(tmp_path / "users.parquet")]
    assert files.users.column("age").to_pylist() == [None, 20, None, 40]
    for events, users in ((EVENTS, USERS), (EVENTS, tmp_path / "users.parquet"), (tmp_path / "events.parquet", USERS)):
        data = zoo.read_log(events, users=users, user_id="customer" if events is not EVENTS else None,
                            user_columns={"user_id": "customer"} if users is not USERS else {})  # fmt: skip
        assert data.users.table.equals(files.users.table)
    with pytest.raises(DataError, match=r"of users: no column 'user_id'.*user_columns=\{'user_id': 'customer'\}\."):
        zoo.read_log(EVENTS, users=USERS.rename_columns(["customer", "age", "city"]))
    with pytest.raises(DataError, match=r"of users has no rows, expected one row per user\."):
        zoo.read_log(EVENTS, users=USERS.slice(0, 0))


def test_a_task_keeps_it_and_its_hash_covers_it():
    data, bare = zoo.read_log(EVENTS, users=USERS), zoo.read_log(EVENTS)
    task, other = (zoo.Task.of(d.log, zoo.LeaveLastOut(validation=False), users=d.users) for d in (data, bare))
    assert task.users.column("age").to_pylist() == [None, 20, None, 40]
    assert task.description()["data"] != other.description()["data"]
    assert {**task.description(), "data": ""} == {**other.description(), "data": ""}


def test_a_query_of_a_database_gives_it(tmp_path):
    with sqlite3.connect(tmp_path / "shop.db") as database:
        database.execute("CREATE TABLE customers (user_id TEXT, age INTEGER)")
        database.executemany("INSERT INTO customers VALUES (?, ?)", [("a", 20), ("b", 30)])
    uri = f"sqlite:///{tmp_path / 'shop.db'}"
    params = SqlParams(uri=uri, query="SELECT user_id FROM customers", users_query="SELECT * FROM customers")
    tables = read_tables(Sql(params))
    assert tables.users.to_pydict() == {"user_id": ["a", "b"], "age": [20, 30]}
    assert tables.users_from == "the users_query of data.source"
