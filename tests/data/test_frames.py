"""Data frames of any library give the log that a Parquet file of the same rows gives; what cannot be read is refused."""

import datetime as dt
import decimal
import pickle

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import zoo
from zoo.data.frames import frame_table
from zoo.errors import ConfigError, DataError

N = 400
NAMES = {"user_id": "customer", "item_id": "sku", "timestamp": "date"}


def rows(seed=0):
    rng = np.random.default_rng(seed)
    return {
        "customer": [f"u{i}" for i in rng.integers(0, 30, N)],
        "sku": rng.integers(100, 140, N),
        "date": pd.to_datetime(rng.integers(1_700_000_000, 1_710_000_000, N), unit="s", utc=True),
        "price": np.round(rng.random(N) * 50, 2),
    }


def of_polars(table):
    return pytest.importorskip("polars", reason="polars is not installed").from_arrow(table)


def of_duckdb(table):
    duckdb = pytest.importorskip("duckdb", reason="DuckDB is not installed")
    return duckdb.connect().from_arrow(table)


KINDS = {
    "pandas": lambda table: table.to_pandas(),
    "pandas with arrow types": lambda table: table.to_pandas(types_mapper=pd.ArrowDtype),
    "pandas with the users as index": lambda table: table.to_pandas().set_index("customer"),
    "pandas with categories": lambda table: table.to_pandas().astype({"customer": "category", "sku": "category"}),
    "pandas with nullable types": lambda table: table.to_pandas().convert_dtypes(),
    "pandas with objects": lambda table: table.to_pandas().astype({"customer": object, "sku": object}),
    "pandas with decimals": lambda table: table.to_pandas().assign(
        sku=[decimal.Decimal(int(value)) for value in table["sku"].to_pylist()]
    ),
    "pandas in another time zone": lambda table: table.to_pandas().assign(
        date=lambda frame: frame["date"].dt.tz_convert("Asia/Tokyo")
    ),
    "pandas without a time zone": lambda table: table.to_pandas().assign(
        date=lambda frame: frame["date"].dt.tz_localize(None)
    ),
    "polars": of_polars,
    "pyarrow": lambda table: table,
    "a record batch": lambda table: table.combine_chunks().to_batches()[0],
    "a reader that can be read once": lambda table: table.to_reader(),
    "duckdb": of_duckdb,
    "a dictionary": lambda table: {name: table[name] for name in table.column_names},
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_frame_gives_the_log_of_a_parquet_file(kind, tmp_path):
    table = pa.Table.from_pandas(pd.DataFrame(rows()), preserve_index=False)
    pq.write_table(table, tmp_path / "events.parquet")
    expected = zoo.read_log(tmp_path / "events.parquet", **NAMES)
    found = zoo.read_log(KINDS[kind](table), **NAMES)
    for name in ("offsets", "items", "times", "events"):
        np.testing.assert_array_equal(getattr(found.log, name), getattr(expected.log, name))
    assert found.catalogue.ids.equals(expected.catalogue.ids)
    assert found.user_ids.equals(expected.user_ids)
    assert found.log.column("price").to_pylist() == expected.log.column("price").to_pylist()


def test_the_items_may_be_a_frame_too_and_share_the_name_of_their_ids():
    events = pd.DataFrame(rows())
    items = pd.DataFrame({"sku": np.arange(100, 140), "title": [f"item {i}" for i in range(40)]})
    data = zoo.read_log(events, items, **NAMES)
    titles = dict(zip(data.catalogue.ids.to_pylist(), data.catalogue.column("title").to_pylist(), strict=True))
    assert titles["107"] == "item 7"
    renamed = zoo.read_log(events, items.rename(columns={"sku": "item_id"}), **NAMES)
    assert renamed.catalogue.table.equals(data.catalogue.table)


def test_a_frame_and_a_file_go_together(tmp_path):
    pd.DataFrame({"item_id": np.arange(100, 140), "price": 2.5}).to_csv(tmp_path / "items.csv", index=False)
    data = zoo.read_log(pd.DataFrame(rows()), tmp_path / "items.csv", **NAMES)
    assert data.catalogue.numbers("price")[1:].tolist() == [2.5] * 40


@pytest.mark.parametrize("change", ["in place", "by a new column", "of columns"])
def test_a_frame_that_is_changed_after_it_was_read_changes_nothing(change):
    frame = pd.DataFrame(rows())
    data = zoo.read_log(frame, **NAMES)
    items, prices = data.log.items.copy(), [rows()["price"][row] for row in data.log.rows]
    if change == "in place":
        frame.loc[:, "price"] = -1.0
        frame.iloc[:, 1] = 0
    elif change == "by a new column":
        frame["price"] = 0.0
    else:
        del frame["price"]
    assert data.log.column("price").to_pylist() == prices
    np.testing.assert_array_equal(data.log.items, items)


def test_numbers_are_not_copied_and_texts_at_most_once():
    frame = pd.DataFrame(
        {"user_id": np.arange(100_000), "timestamp": np.arange(100_000), "item_id": ["a" * 50] * 100_000}
    )
    before = pa.total_allocated_bytes()
    numbers = frame_table(frame).select(["user_id", "timestamp"])
    assert pa.total_allocated_bytes() - before < 10_000
    texts = frame_table(frame.astype({"item_id": object})).select(["item_id"])
    assert pa.total_allocated_bytes() - before < 1.5 * texts.nbytes
    assert len(numbers) == len(texts) == 100_000


BAD = {
    "no user column": (
        lambda f: f.rename(columns={"customer": "custmer"}),
        r"the pandas data frame: user_id='customer' names no column of it\. Did you mean 'custmer'\? Its columns: custmer, sku",
    ),
    "no mapping": (
        lambda f: f.rename(columns={"customer": "user", "sku": "item_id"}),
        r"user_id='customer' names no column of it\.",
    ),
    "an index without a name": (
        lambda f: f.set_index("customer").rename_axis(None),
        r"Its index has no name and is not read; if it holds the ids, make it a column: frame\.rename_axis\(\"user_id\"\)",
    ),
    "two columns of one name": (
        lambda f: pd.concat([f, f[["sku"]]], axis=1),
        r"the pandas data frame: two columns are named 'sku'\. Rename one\.",
    ),
    "two levels of columns": (
        lambda f: pd.concat({"a": f}, axis=1),
        r"has 2 levels of column names, expected one\. Flatten them",
    ),
    "no rows": (lambda f: f[:0], r"the pandas data frame has no rows, expected one row per event\."),
    "mixed types": (
        lambda f: f.assign(sku=[1, *["a"] * (N - 1)]),
        r"the column 'sku' has values of the types int, str \(.*expected one type\. Convert it: frame\['sku'\]\.astype\(str\)\.",
    ),
    "mixed zones": (
        lambda f: f.assign(
            date=pd.Series([dt.datetime(2024, 1, 1), *[dt.datetime(2024, 1, 1, tzinfo=dt.UTC)] * (N - 1)], dtype=object)
        ),
        r"the column 'date' has moments with and without a time zone, expected one kind\. Give all a zone",
    ),
    "periods": (
        lambda f: f.assign(date=pd.period_range("2024-01", periods=N, freq="D")),
        r"the column 'date' is period\[D\], which has no Arrow type\. Convert it: frame\['date'\]\.dt\.to_timestamp\(\)\.",
    ),
    "durations": (
        lambda f: f.assign(date=pd.to_timedelta(np.arange(N), unit="s")),
        r"timestamp \('date' in the data\) is duration\[\w+\], expected UTC milliseconds, or a date",
    ),
    "a missing id": (
        lambda f: f.assign(customer=[None, *f["customer"][1:]]),
        r"the pandas data frame, row 0 \(counted from 0\): user_id \('customer' in the data\) is empty, expected an id .*"
        r'Correct the data, or drop these rows: data\.null_ids = "drop" \(in Python, null_ids="drop"\)\.',
    ),
    "a missing time": (
        lambda f: f.assign(date=[pd.NaT, *f["date"][1:]]),
        r"row 0 \(counted from 0\): timestamp \('date' in the data\) is empty",
    ),
    "a fraction as id": (
        lambda f: f.assign(sku=f["sku"] + 0.5),
        r"item_id \('sku' in the data\) is \d+\.5, expected an id: a whole number or text",
    ),
    "a series": (lambda f: f["sku"], "found a pandas Series, expected a DataFrame"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_frame_that_cannot_be_read_is_refused_with_a_sentence(case):
    change, said = BAD[case]
    with pytest.raises(DataError, match=said):
        zoo.read_log(change(pd.DataFrame(rows())), **NAMES)


def test_a_missing_column_that_nothing_names_shows_the_keyword():
    frame = pd.DataFrame(rows()).rename(columns={"sku": "item_id", "date": "timestamp"})
    with pytest.raises(
        DataError,
        match=r"no column 'user_id'\. Did you mean 'customer'\? Its columns: .* that holds it: read_log\(\.\.\., user_id='customer'\)\.",
    ):
        zoo.read_log(frame)
    with pytest.raises(
        DataError, match=r"no column 'timestamp' or 'position' .* read_log\(\.\.\., timestamp=\.\.\.\), or"
    ):
        zoo.read_log(frame.drop(columns="timestamp"), user_id="customer")
    in_order = zoo.read_log(frame.drop(columns="timestamp"), user_id="customer", time="file-order")
    assert len(in_order.log) == N


def test_what_is_no_table_is_refused():
    with pytest.raises(DataError, match="found int, expected a data frame"):
        zoo.read_log(3)
    with pytest.raises(DataError, match="found list, expected a data frame"):
        zoo.read_log([{"user_id": 1}])
    with pytest.raises(DataError, match="the dictionary of columns cannot be read as a table"):
        zoo.read_log({"user_id": [1, 2], "item_id": [1]})
    with pytest.raises(DataError, match=r"two columns are named 'a'\. Rename one"):
        zoo.read_log(pa.table([[1], [2]], names=["a", "a"]))


def test_a_lazy_frame_is_refused_with_what_to_call():
    polars = pytest.importorskip("polars", reason="polars is not installed")
    with pytest.raises(
        DataError, match=r"is a query that has not run, expected a data frame\. Pass the result: frame\.collect\(\)"
    ):
        zoo.read_log(polars.DataFrame(rows()).lazy(), **NAMES)


def test_a_name_is_given_once():
    with pytest.raises(
        ConfigError, match=r"user_id='customer' and columns=\{'user_id': 'sku'\} differ\. Give one of them"
    ):
        zoo.read_log(pd.DataFrame(rows()), columns={"user_id": "sku"}, **NAMES)


@pytest.mark.parametrize("kind", ["pandas", "pandas with the users as index", "pyarrow"])
def test_another_process_can_receive_a_frame(kind):
    table = pa.Table.from_pandas(pd.DataFrame(rows()), preserve_index=False)
    frame = frame_table(KINDS[kind](table))
    received = pickle.loads(pickle.dumps(frame))
    assert received.select(["price", "customer"]).equals(frame.select(["price", "customer"]))
    assert received.place(3) == frame.place(3)
