"""Fuzz data files: `python tests/fuzz/data_files.py --count 2000 --seed 0`.

A file of events, and sometimes one of items, is drawn from types and formats: each column has any Arrow type that it could come
in, some values are hostile, some files are damaged as bytes. It is then read as `zoo.read_log` reads it. A log that is accepted
must be sound: numbers in range, times within their limit, events sorted.
"""

import gzip
import io
import json
import random
import warnings
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet as pq
from configs import damage
from harness import main

from zoo.data.read_log import read_log
from zoo.data.time_range import LIMIT
from zoo.errors import ZooError

MOMENT = datetime(2024, 5, 31, tzinfo=UTC)
TEXTS = [
    "", " ", "a", "007", "7", "NA", "nan", "inf", "-inf", "1e400", "1e30", "-0", "\x00", "a\nb", "a,b", 'a"b', "a|b", "\x1b[2J", "é", "日本", "x" * 5000,
    "2024-05-31", "2024-05-31T12:00:00Z", "31.05.2024", "0001-01-01", "9999-12-31T23:59:59Z", "1717158615", "1717158615250", str(2**63), "1_000", "٣", "\ufeffa",
]  # fmt: skip
NUMBERS = [
    0,
    1,
    -1,
    7,
    255,
    10**8,
    1_717_158_615,
    1_717_158_615_250,
    2**53,
    2**62,
    2**62 + 1,
    2**63 - 1,
    -(2**63),
    2**63,
    2**64 - 1,
]
FLOATS = [0.0, -0.0, 1.0, 1.5, 1e-320, 1e18, 1e19, 1e308, float("nan"), float("inf"), float("-inf"), 1_717_158_615.25]


def whole(low: int, high: int) -> Callable[[random.Random], object]:
    """Return a function that draws a whole number of a type with these limits."""
    fitting = [number for number in NUMBERS if low <= number <= high]
    return lambda rng: rng.choice(
        [rng.randrange(5), rng.randrange(5), rng.choice(fitting), 2**30 if high > 2**30 else 3]
    )


TYPES: list[tuple[pa.DataType, Callable[[random.Random], object]]] = [
    *((getattr(pa, f"int{bits}")(), whole(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)) for bits in (8, 16, 32, 64)),
    *((getattr(pa, f"uint{bits}")(), whole(0, 2**bits - 1)) for bits in (8, 16, 32, 64)),
    (pa.float16(), lambda rng: np.float16(rng.choice([0, 1, 2.5, np.nan, np.inf]))),
    (pa.float32(), lambda rng: rng.choice(FLOATS[:4] + FLOATS[8:11])),
    (pa.float64(), lambda rng: rng.choice(FLOATS)),
    (pa.decimal128(20, 0), lambda rng: Decimal(rng.choice([0, 1, 10**19, 1_717_158_615]))),
    (pa.decimal128(12, 2), lambda rng: Decimal(rng.choice(["0.00", "1.25", "99.99"]))),
    (pa.decimal256(60, 0), lambda rng: Decimal(rng.choice([0, 10**50]))),
    *((kind, lambda rng: rng.choice(TEXTS)) for kind in (pa.string(), pa.large_string(), pa.string_view())),
    (pa.dictionary(pa.int8(), pa.string()), lambda rng: rng.choice(TEXTS)),
    (pa.dictionary(pa.int32(), pa.int64()), whole(0, 2**62)),
    (pa.binary(), lambda rng: rng.choice([b"", b"a", b"\xff\xfe", b"\x00"])),
    (pa.bool_(), lambda rng: rng.random() < 0.5),
    (pa.null(), lambda rng: None),
    (pa.date32(), lambda rng: rng.choice([date(2024, 5, 31), date(1, 1, 1), date(9999, 12, 31)])),
    (pa.date64(), lambda rng: rng.choice([date(2024, 5, 31), date(1, 1, 1)])),
    *((pa.timestamp(unit), lambda rng: rng.choice([0, 1, 10**9, -(10**12), 2**55, -(2**63), 2**63 - 1])) for unit in ("s", "ms", "us", "ns")),
    (pa.timestamp("us", "UTC"), lambda rng: MOMENT + timedelta(seconds=rng.randrange(10))),
    (pa.timestamp("ms", "+02:00"), lambda rng: rng.choice([0, 10**12])),
    (pa.duration("s"), lambda rng: rng.randrange(10)),
    (pa.time64("us"), lambda rng: time(rng.randrange(24))),
    (pa.list_(pa.int64()), lambda rng: [1] * rng.randrange(3)),
    (pa.large_list(pa.string()), lambda rng: [rng.choice(TEXTS)] * rng.randrange(3)),
    (pa.struct([("a", pa.int64())]), lambda rng: {"a": 1}),
    (pa.map_(pa.string(), pa.int64()), lambda rng: [("a", 1)]),
]  # fmt: skip
USUAL = [pa.int64(), pa.string(), pa.float64(), pa.timestamp("us", "UTC"), pa.int32(), pa.uint64()]
COLUMNS = [
    "user_id",
    "item_id",
    "timestamp",
    "position",
    "event",
    "session_id",
    "basket_id",
    "price",
    "quantity",
    "rating",
    "title",
    "split",
    "x",
]
FORMATS = ["parquet", "arrow", "feather", "csv", "tsv", "csv.gz", "json", "jsonl", "jsonl.gz"]


def draw_column(rng: random.Random, rows: int, usual: float) -> pa.Array:
    """Return a column of a random type."""
    kind, draw = rng.choice([pair for pair in TYPES if pair[0] in USUAL] if rng.random() < usual else TYPES)
    nulls = rng.choice([0, 0, 0, 0.1, 1])
    values = [None if rng.random() < nulls else draw(rng) for _ in range(rows)]
    if pa.types.is_integer(kind) and rng.random() < 0.7:
        values = [None if value is None else int(value) % 100 for value in values]
    try:
        return pa.array(values, kind)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        return pa.array([None if value is None else str(value) for value in values], pa.string())


def draw_tame_column(rng: random.Random, name: str, rows: int) -> pa.Array:
    """Return a column as shops have it, in any type that can hold it."""
    if name in ("timestamp", "position"):
        moments = [MOMENT + timedelta(seconds=rng.randrange(10**6)) for _ in range(rows)]
        seconds = [int(moment.timestamp()) for moment in moments]
        if name == "position":
            return pa.array(seconds, rng.choice([pa.int32(), pa.int64(), pa.uint32(), pa.float64()]))
        forms = [
            pa.array(seconds, rng.choice([pa.int32(), pa.int64(), pa.uint64(), pa.float64()])), pa.array([1000 * s for s in seconds], pa.int64()),
            pa.array(moments, pa.timestamp(rng.choice(["s", "ms", "us", "ns"]), rng.choice([None, "UTC"]))), pa.array([m.date() for m in moments]),
            pa.array([moment.isoformat() for moment in moments]), pa.array(map(str, seconds), pa.large_string()), pa.array([Decimal(s) for s in seconds]),
        ]  # fmt: skip
        return rng.choice(forms)
    if name in ("price", "quantity", "rating"):
        return pa.array(
            [rng.randrange(1, 9) for _ in range(rows)], rng.choice([pa.int8(), pa.float64(), pa.decimal128(5, 2)])
        )
    values = [rng.randrange(9) for _ in range(rows)]
    kinds = [
        pa.int8(),
        pa.int64(),
        pa.uint64(),
        pa.string(),
        pa.large_string(),
        pa.string_view(),
        pa.float64(),
        pa.dictionary(pa.int8(), pa.string()),
    ]
    kind = rng.choice(kinds if name.endswith("id") else kinds[3:6])
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return pa.array(values, kind)
    return pa.array([f"{name[0]}{value}" for value in values]).cast(kind)


def draw_table(rng: random.Random, required: list[str]) -> pa.Table:
    """Return a table with the required columns, mostly, and some others."""
    rows, usual = rng.choice([0, 1, 2, 5, 20, 50, 50]), rng.choice([0.0, 0.8, 1.0])
    tame = rng.choice([0.0, 0.9, 1.0, 1.0])
    names = [name for name in required if rng.random() < max(tame, 0.97)] + [
        name for name in COLUMNS if rng.random() < 0.1
    ]
    names = list(dict.fromkeys(names)) if rng.random() > 0.02 else names
    columns = [
        draw_tame_column(rng, name, rows) if rng.random() < tame else draw_column(rng, rows, usual) for name in names
    ]
    if "item_id" in names and "title" in required and tame == 1 and rows < 9:
        columns[names.index("item_id")] = pa.array([f"i{at}" for at in range(rows)])
    return pa.Table.from_arrays(columns, names=names)


def write(rng: random.Random, table: pa.Table, path: Path) -> None:
    """Write a table in the format of a path, and damage some files."""
    ending = path.name.partition(".")[2]
    content = io.BytesIO()
    if ending == "parquet":
        pq.write_table(
            table, content, compression=rng.choice(["zstd", "snappy", "none"]), row_group_size=rng.choice([1, 7, 1000])
        )
    elif ending == "arrow":
        with rng.choice([pa.ipc.new_stream, pa.ipc.new_file])(content, table.schema) as writer:
            writer.write_table(table, max_chunksize=rng.choice([1, 7, 1000]))
    elif ending == "feather":
        pyarrow.feather.write_feather(table, content)
    elif "csv" in ending or "tsv" in ending:
        options = pyarrow.csv.WriteOptions(delimiter="\t" if "tsv" in ending else ",")
        pyarrow.csv.write_csv(as_texts(table), content, options)
    else:
        rows = as_texts(table).to_pylist() if rng.random() < 0.3 else table.to_pylist()
        lines = [json.dumps(row, default=str) for row in rows]
        content.write(
            ("[" + ",".join(lines) + "]" if "jsonl" not in ending else "\n".join(lines)).encode("utf-8", "replace")
        )
    data = content.getvalue()
    if ending.endswith("gz"):
        data = gzip.compress(data)
    if rng.random() < 0.3:
        for _ in range(rng.choice([1, 1, 3])):
            data = damage(rng, data)
    path.write_bytes(data)


def as_texts(table: pa.Table) -> pa.Table:
    """Return a table as CSV holds it."""

    def text(column: pa.ChunkedArray) -> pa.Array:
        return pa.array([None if value is None else str(value) for value in column.to_pylist()], pa.string())

    return pa.Table.from_arrays([text(column) for column in table.columns], names=table.column_names)


def read_file(rng: random.Random, folder: Path) -> str:
    """Write and read a log; check one that is accepted."""
    events, items = folder / f"events.{rng.choice(FORMATS)}", None
    try:
        write(rng, draw_table(rng, ["user_id", "item_id", "timestamp"]), events)
        if rng.random() < 0.3:
            items = folder / f"items.{rng.choice(FORMATS)}"
            write(rng, draw_table(rng, ["item_id", "title", "price"]), items)
    except (pa.ArrowException, TypeError, OverflowError, ValueError):
        return "not written"  # the format cannot hold the type
    settings = rng.choice(
        [
            {},
            {},
            {"null_ids": "drop"},
            {"time": "file-order"},
            {"k_core": 2},
            {"duplicates": "drop-exact"},
            {"event_weights": {"a": 2.0}},
        ]
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            data = read_log(events, items, **settings)
    except ZooError as error:
        if not any(str(path) in str(error) for path in (events, items) if path) and "no event" not in str(error):
            raise AssertionError(f"the message does not name the file: {error}") from error
        return "refused"
    check_log(data)
    return "accepted"


def check_log(data: object) -> None:
    """Check what every log promises."""
    log = data.log
    lengths = np.diff(log.offsets)
    assert log.offsets[0] == 0
    assert log.offsets[-1] == len(log.items) == len(log.times)
    assert (lengths >= 0).all()
    assert log.items.min(initial=1) >= 1
    assert log.items.max(initial=0) <= log.n_items
    assert abs(log.times.astype(object)).max(initial=0) <= LIMIT
    rows = np.repeat(np.arange(len(lengths)), lengths)
    assert (np.diff(log.times)[np.diff(rows) == 0] >= 0).all()
    assert len(data.catalogue.ids) == log.n_items + 1
    assert not pc.any(pc.is_null(data.user_ids)).as_py()


def prepare() -> None:
    """Import what readers import at first use."""
    import datasets

    datasets.disable_progress_bars()


if __name__ == "__main__":
    main(__file__, "data-files", read_file, prepare)
