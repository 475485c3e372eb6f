"""A log that is sorted out of core is the one that is sorted in memory, event for event."""

import numpy as np
import pyarrow as pa
import pytest

from zoo.errors import DataError

pytest.importorskip("duckdb", reason="sorting out of core needs DuckDB")


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"ties": "file"},
        {"salt": "another"},
        {"events": ["view", "purchase"], "event_weights": {"purchase": 5, "cart": 2}},
        {"until": "2023-11-14T22:15:00Z"},
        {"k_core": 12},
        {"duplicates": "drop-exact"},
        {"duplicates": "first", "ties": "file"},
    ],
    ids=str,
)
def test_settings(logs, tmp_path, write, settings):
    file = write(**logs.draw())
    found = logs.out_of_core(tmp_path / "columns", file, **settings)
    in_memory = logs.in_memory(file, **settings)
    assert logs.content(found, "price") == logs.content(in_memory, "price")


def test_columns_without_filters_are_files(logs, tmp_path, write):
    found = logs.out_of_core(tmp_path / "columns", write(**logs.draw()))
    assert all(
        isinstance(part, np.memmap) for part in (found.log.items, found.log.times, found.log.events, found.log.rows)
    )
    assert sorted(path.name for path in (tmp_path / "columns").iterdir()) == [
        "events.bin",
        "items.bin",
        "rows.bin",
        "times.bin",
    ]


@pytest.mark.parametrize(
    "columns",
    [
        {"user_id": pa.array([7, 10, 9, None] * 250), "item_id": pa.array([2**64 - 1, 3, 4, 5] * 250, pa.uint64())},
        {"user_id": ["007", "7", " ", "é"] * 250, "item_id": [1.0, 2.0, 10.0, float("nan")] * 250},
        {"timestamp": pa.array([3, 1, 2, 0] * 250, pa.timestamp("s"))},
        {"timestamp": ["2024-05-31", "2024-05-31T12:00:00+02:00"] * 500},
        {"timestamp": [1_700_000_000 + n % 50 for n in range(1000)]},
        {"event": pa.array(["b", "a"] * 500).dictionary_encode()},
    ],
    ids=lambda columns: ", ".join(columns),
)
def test_types(logs, tmp_path, write, columns):
    file = write(**logs.draw(**columns))
    found = logs.out_of_core(tmp_path / "columns", file, null_ids="drop")
    in_memory = logs.in_memory(file, null_ids="drop")
    assert logs.content(found) == logs.content(in_memory)


def test_several_files_with_a_catalogue_that_has_more_items(logs, tmp_path, write):
    files = [write(f"{seed}.parquet", **logs.draw(seed=seed)) for seed in range(3)]
    items = write("items.parquet", item_id=np.arange(10, 90), title=[f"title {n}" for n in range(80)])
    found = logs.out_of_core(tmp_path / "columns", *files, items=[items])
    in_memory = logs.in_memory(*files, items=[items])
    assert logs.content(found, "price") == logs.content(in_memory, "price")


def test_anonymous_sessions_and_positions(logs, tmp_path, write):
    columns = logs.draw()
    columns["session_id"], columns["position"] = columns.pop("user_id"), columns.pop("timestamp") // 1000
    file = write(**columns)
    found = logs.out_of_core(tmp_path / "columns", file, sessions_as_users=True)
    in_memory = logs.in_memory(file, sessions_as_users=True)
    assert logs.content(found) == logs.content(in_memory)
    assert found.notes["users are"] == "sessions"


def test_text_files(logs, tmp_path):
    file = tmp_path / "events.csv"
    file.write_text("user_id,item_id,timestamp\n" + "".join(f"{n % 7},{n % 5:03},{n}\n" for n in range(100)))
    found = logs.out_of_core(tmp_path / "columns", str(file))
    in_memory = logs.in_memory(str(file))
    assert logs.content(found) == logs.content(in_memory)


def test_files_in_different_units_are_read_as_a_whole(logs, tmp_path, write):
    seconds = write("a.parquet", **logs.draw(timestamp=np.full(1000, 1_700_000_000)))
    with pytest.raises(DataError, match="a mixture of units"):
        logs.out_of_core(tmp_path / "columns", seconds, write("b.parquet", **logs.draw()))


def test_files_with_ids_of_different_types_are_read_as_a_whole(logs, tmp_path, write):
    numbers = write("a.parquet", **logs.draw(user_id=np.arange(1000)))
    with pytest.raises(DataError, match="different types"):
        logs.out_of_core(tmp_path / "columns", numbers, write("b.parquet", **logs.draw()))


@pytest.mark.parametrize(
    ("columns", "settings", "message"),
    [
        ({"item_id": pa.array([1, None] * 500)}, {}, r"events.parquet, row 2: item_id is empty"),
        ({"event": pa.array(["view", None] * 500)}, {}, r"row 2: event is empty"),
        ({"event": [str(n) for n in range(1000)]}, {}, r"1000 different values"),
        ({"timestamp": pa.array([*range(950), None, *range(49)])}, {}, r"row 951: timestamp is empty"),
        ({"item_id": [*[1.0] * 700, 1.5, *[1.0] * 299]}, {}, r"row 701: item_id is 1.5"),
        ({}, {"events": ["veiw"]}, r"no event 'veiw' in the data. Did you mean 'view'"),
        ({}, {"event_weights": {"buy": 2}}, r"no event 'buy'"),
        ({}, {"k_core": 1000}, r"no event is left"),
        (
            {"event": ["refund"] * 1000, "item_id": pa.nulls(1000, pa.int64())},
            {"null_ids": "drop"},
            r"no event is left",
        ),
        (
            {
                name: values[:0]
                for name, values in {
                    "user_id": [1],
                    "item_id": [1],
                    "timestamp": [1],
                    "event": ["a"],
                    "price": [1.0],
                }.items()
            },
            {},
            r"no rows",
        ),
    ],
)
def test_errors_are_the_same(logs, tmp_path, write, columns, settings, message):
    file = write(**logs.draw(**columns))
    with pytest.raises(DataError, match=message) as in_memory:
        logs.in_memory(file, **settings)
    with pytest.raises(DataError) as found:
        logs.out_of_core(tmp_path / "columns", file, **settings)
    assert str(found.value) == str(in_memory.value)
    assert not (tmp_path / "columns" / "scratch").exists()
