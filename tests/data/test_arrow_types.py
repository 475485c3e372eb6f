"""Every Arrow type of text, lists, numbers and times gives the same log and the same catalogue."""

from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import zoo
from zoo.data.arrow_files import read_arrow_file
from zoo.data.arrow_types import normalise_column, normalise_types
from zoo.errors import DataError

TEXTS = [
    pa.string(),
    pa.large_string(),
    pa.string_view(),
    pa.dictionary(pa.int8(), pa.string()),
    pa.dictionary(pa.uint32(), pa.large_string()),
    pa.dictionary(pa.int32(), pa.string_view()),
    pa.run_end_encoded(pa.int32(), pa.string()),
]
INTEGERS = [
    *(getattr(pa, f"{sign}int{bits}")() for sign in ("", "u") for bits in (8, 16, 32, 64)),
    pa.dictionary(pa.int8(), pa.int64()),
    pa.dictionary(pa.uint8(), pa.uint16()),
]
WHOLE = [
    *INTEGERS,
    pa.float16(),
    pa.float32(),
    pa.float64(),
    pa.decimal128(10, 0),
    pa.decimal128(38, 0),
    pa.decimal256(60, 0),
]
TIMES = [
    *(pa.timestamp(unit, zone) for unit in ("s", "ms", "us", "ns") for zone in (None, "UTC", "Asia/Tokyo", "-05:30")),
    pa.date32(),
    pa.date64(),
    *TEXTS,
]
NUMBERS_OF_TIME = [pa.int64(), pa.uint64(), pa.float64(), pa.decimal128(20, 0), pa.dictionary(pa.int8(), pa.int64())]
PRICES = [pa.float16(), pa.float32(), pa.float64(), pa.decimal128(9, 2), pa.decimal256(40, 2), *TEXTS]
LISTS = [
    make(value)
    for make in (pa.list_, pa.large_list, pa.list_view, pa.large_list_view, lambda value: pa.list_(value, 2))
    for value in (pa.string(), pa.large_string(), pa.string_view())
]
CODED_LISTS = [pa.list_(pa.dictionary(pa.int8(), pa.string()))]
USERS, ITEMS = [7, 12, 7, 7, 12], [3, 3, 1, 2, 1]
EVENTS = ["view", "view", "purchase", "view", "purchase"]
DAYS = [date(2024, 5, day) for day in (1, 2, 3, 4, 5)]
MILLISECONDS = [int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000) for day in DAYS]
PRICE = [2.5, None, 0.25]
TITLE = ["Red hat", None, "Oak äß"]
BRAND = ["Ash", "Oak", None]
TAGS = [["red", "wool"], None, ["oak", "red"]]


def build(values, kind):
    """Return a column of any type, in two chunks, from plain values."""
    if pa.types.is_run_end_encoded(kind):
        return pa.chunked_array([pa.compute.run_end_encode(part) for part in build(values, kind.value_type).chunks])
    if pa.types.is_dictionary(kind):
        plain = build(values, kind.value_type)
        return pa.chunked_array([_encode(part, kind) for part in plain.chunks])
    if pa.types.is_decimal(kind):
        values = [None if v is None else Decimal(str(v)) for v in values]
    if pa.types.is_float16(kind):
        values = [None if v is None else np.float16(v) for v in values]
    if pa.types.is_nested(kind):
        return pa.chunked_array([_lists(part, kind) for part in (values[:2], values[2:])])
    return pa.chunked_array([pa.array(part, kind) for part in (values[:2], values[2:])])


def _encode(part, kind):
    known = part.unique().drop_null()
    at = pa.compute.index_in(part.cast(pa.string()), known.cast(pa.string())).cast(kind.index_type)
    return pa.DictionaryArray.from_arrays(at, known)


def _lists(part, kind):
    if pa.types.is_dictionary(kind.value_type):
        flat = pa.array([value for values in part for value in values or [None, None]], pa.string())
        missing = pa.array([values is None for values in part])
        offsets = pa.array(np.arange(len(part) + 1) * 2, pa.int32())
        return pa.ListArray.from_arrays(offsets, _encode(flat, kind.value_type), mask=missing)
    return pa.array(part, kind)


def texts(values):
    return [None if v is None else str(v) for v in values]


def moments(kind):
    """Return the days as values of a type of times."""
    if kind in TEXTS:
        return [day.isoformat() for day in DAYS]
    if pa.types.is_date(kind):
        return DAYS
    if pa.types.is_timestamp(kind):
        return [datetime(d.year, d.month, d.day, tzinfo=UTC if kind.tz else None) for d in DAYS]
    return MILLISECONDS


def tables(user=None, item=None, event=None, time=None, price=None, title=None, brand=None, tags=None):
    """Return the tables of the test, with the given types of their columns."""
    user, item, time = user or pa.int64(), item or pa.int64(), time or pa.int64()
    ids = {name: texts if kind in TEXTS else list for name, kind in (("user", user), ("item", item))}
    events = pa.table(
        {
            "user_id": build(ids["user"](USERS), user),
            "item_id": build(ids["item"](ITEMS), item),
            "event": build(EVENTS, event or pa.string()),
            "timestamp": build(moments(time), time),
        }
    )
    items = pa.table(
        {
            "item_id": build(ids["item"]([1, 2, 3]), item),
            "price": build(texts(PRICE) if price in TEXTS else PRICE, price or pa.float64()),
            "title": build(TITLE, title or pa.string()),
            "brand": build(BRAND, brand or pa.string()),
            "tags": build(TAGS, tags or pa.list_(pa.string())),
        }
    )
    return events, items


def write(folder, tables, ending):
    """Write the tables; skip the test if the format has no such type."""
    files = [folder / f"{name}.{ending}" for name in ("events", "items")]
    for file, table in zip(files, tables, strict=True):
        if ending == "parquet":
            try:
                pq.write_table(table, file)
            except pa.ArrowNotImplementedError as error:
                pytest.skip(f"parquet has no such type: {error}")
        elif ending == "arrow":
            with pa.ipc.new_stream(str(file), table.schema) as out:
                out.write_table(table)
        else:
            with pa.ipc.new_file(str(file), table.schema) as out:
                out.write_table(table.combine_chunks())  # this format has one dictionary for all batches
    return files


def check(folder, ending, **types):
    """Check that files with the given types give the expected log and catalogue."""
    data = zoo.read_log(*write(folder, tables(**types), ending))
    log, catalogue = data.log, data.catalogue
    rows = sorted(zip(texts(USERS), MILLISECONDS, texts(ITEMS), EVENTS, strict=True))
    found = [
        (data.user_ids[user].as_py(), int(time), catalogue.ids[int(item)].as_py(), log.event_names[code])
        for user, time, item, code in zip(log.users, log.times, log.items, log.events, strict=True)
    ]
    assert found == rows
    by_id = {catalogue.ids[i].as_py(): i for i in range(1, len(catalogue))}
    order = [by_id[name] for name in ("1", "2", "3")]
    np.testing.assert_array_equal(catalogue.numbers("price")[order], [v if v is not None else np.nan for v in PRICE])
    joined = catalogue.texts(["title", "brand", "tags"])
    assert [joined[i] for i in order] == ["Red hat Ash red wool", "Oak", "Oak äß oak red"]
    for name, values in (("brand", [[v] if v else [] for v in BRAND]), ("tags", [v or [] for v in TAGS])):
        at, categories = catalogue.categories(name)
        assert [[c.as_py() for i, c in zip(at, categories, strict=True) if i == item] for item in order] == values
    return data


ENDINGS = ("parquet", "arrow", "feather")


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("kind", [*TEXTS, *WHOLE], ids=str)
def test_ids_of_every_type_are_the_same(tmp_path, kind, ending):
    check(tmp_path, ending, user=kind, item=kind)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("kind", [*TIMES, *NUMBERS_OF_TIME], ids=str)
def test_times_of_every_type_are_the_same(tmp_path, kind, ending):
    check(tmp_path, ending, time=kind)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("kind", TEXTS, ids=str)
def test_event_types_titles_and_categories_of_every_type_are_the_same(tmp_path, kind, ending):
    check(tmp_path, ending, event=kind, title=kind, brand=kind)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("kind", PRICES, ids=str)
def test_prices_of_every_type_are_the_same(tmp_path, kind, ending):
    check(tmp_path, ending, price=kind)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("kind", [*LISTS, *CODED_LISTS], ids=str)
def test_lists_of_every_type_are_the_same(tmp_path, kind, ending):
    check(tmp_path, ending, tags=kind)


@given(
    user=st.sampled_from([*TEXTS, *WHOLE]),
    item=st.sampled_from([*TEXTS, *WHOLE]),
    event=st.sampled_from(TEXTS),
    time=st.sampled_from([*TIMES, *NUMBERS_OF_TIME]),
    price=st.sampled_from(PRICES),
    title=st.sampled_from(TEXTS),
    brand=st.sampled_from(TEXTS),
    tags=st.sampled_from(LISTS),
)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_mixture_of_types_gives_the_same_log(tmp_path_factory, **types):
    check(tmp_path_factory.mktemp("types"), "feather", **types)


def test_files_whose_text_has_other_types_are_one_table(tmp_path):
    for at, kind in enumerate(TEXTS):
        write(tmp_path, tables(user=kind, item=kind), "feather")
        (tmp_path / "events.feather").rename(tmp_path / f"part-{at}.feather")
    assert len(zoo.read_log(tmp_path / "part-*.feather").log) == len(TEXTS) * len(USERS)


def test_what_pandas_3_writes_is_read(tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"user_id": texts(USERS), "item_id": texts(ITEMS), "timestamp": texts(DAYS)})
    frame.to_parquet(tmp_path / "events.parquet", index=False)
    assert zoo.read_log(tmp_path / "events.parquet").log.times.tolist() == sorted(
        MILLISECONDS, key=lambda t: (USERS[MILLISECONDS.index(t)] == 7, t)
    )


def test_ids_beyond_64_bits_stay_exact(tmp_path):
    big = [Decimal(10**30 + at) for at in range(5)]
    events = pa.table({"user_id": pa.array(big, pa.decimal128(38, 0)), "item_id": ITEMS, "timestamp": MILLISECONDS})
    pq.write_table(events, tmp_path / "events.parquet")
    assert zoo.read_log(tmp_path / "events.parquet").user_ids.to_pylist() == [str(v) for v in big]


@pytest.mark.parametrize("ending", ["parquet", "arrow"])
@pytest.mark.parametrize("big_first", [False, True])
def test_decimal_ids_of_which_some_batches_need_text_are_text(tmp_path, monkeypatch, ending, big_first):
    monkeypatch.setattr("zoo.data.arrow_files.BATCH_ROWS", 2)
    ids = [Decimal(at) for at in (3, 1, 2)] + [Decimal(10**30)]
    ids = ids[::-1] if big_first else ids
    column = pa.array(ids, pa.decimal128(38, 0))
    lists = pa.array([[value] for value in ids], pa.list_(pa.decimal128(38, 0)))
    table = pa.table({"user_id": column, "tags": lists, "price": [1, None, 2, 3]})
    if ending == "parquet":
        pq.write_table(table, tmp_path / "events.parquet")
    else:
        with pa.ipc.new_stream(str(tmp_path / "events.arrow"), table.schema) as out:
            out.write_table(table, max_chunksize=2)
    found = read_arrow_file(tmp_path / f"events.{ending}", ending).to_pydict()
    assert found == {"user_id": texts(ids), "tags": [[str(value)] for value in ids], "price": [1, None, 2, 3]}


def test_floats_that_are_not_whole_are_no_ids(tmp_path):
    events = pa.table({"user_id": [1.0, 2.5], "item_id": [1, 2], "timestamp": MILLISECONDS[:2]})
    pq.write_table(events, tmp_path / "events.parquet")
    with pytest.raises(
        DataError, match=r"events\.parquet, row 2: user_id is 2\.5, expected an id: a whole number or text"
    ):
        zoo.read_log(tmp_path / "events.parquet")


def test_empty_columns_and_columns_without_chunks_are_converted():
    for kind in (*TEXTS[:6], *LISTS[:3]):
        for column in (pa.chunked_array([], kind), pa.chunked_array([pa.array([], pa.string())]).cast(pa.string())):
            assert len(normalise_column(column)) == 0
    assert normalise_column(pa.chunked_array([], pa.large_string())).type == pa.string()
    assert normalise_column(pa.chunked_array([], pa.large_list(pa.string_view()))).type == pa.list_(pa.string())


def test_nested_lists_and_slices_are_converted():
    column = pa.chunked_array(
        [pa.array([[["a"], None], None, [], [["b", "c"]]], pa.large_list(pa.large_list(pa.large_string())))]
    )
    found = normalise_column(column.slice(1))
    assert found.type == pa.list_(pa.list_(pa.string()))
    assert found.to_pylist() == [None, [], [["b", "c"]]]


def test_a_type_that_cannot_be_converted_is_an_error_that_names_the_column():
    ends, values = pa.array([2], pa.int32()), pa.array(["x"], pa.string_view())
    table = pa.table({"title": pa.chunked_array([pa.RunEndEncodedArray.from_arrays(ends, values)])})
    with pytest.raises(DataError) as error:
        normalise_types(table, "items.parquet")
    assert str(error.value).startswith("items.parquet: the column 'title' is run_end_encoded<")
    assert str(error.value).endswith(" Write it as text, numbers, timestamps or lists of them.")
