"""Small files that declare or repeat far more than fits are refused before memory is filled."""

import gzip
import resource
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from zoo.data.bounded_parquet import read_batches
from zoo.data.read_log import read_log
from zoo.errors import DataError


def write(path, table, **options):
    pq.write_table(table, path, compression="zstd", **options)
    return path


def read_all(path, columns, limit, batch_rows):
    with pq.ParquetFile(path) as opened:
        return list(read_batches(path, opened, columns, limit, batch_rows))


@contextmanager
def counted_memory():
    """Yield a pool that counts what pyarrow allocates."""
    before = pa.default_memory_pool()
    counting = pa.proxy_memory_pool(before)
    pa.set_memory_pool(counting)
    try:
        yield counting
    finally:
        pa.set_memory_pool(before)


def repeat(texts, rows):
    """Return a column of texts, each repeated so many times, which a file stores once."""
    indices = np.repeat(np.arange(len(texts), dtype=np.int32), rows)
    return pa.table({"a": pa.DictionaryArray.from_arrays(pa.array(indices), pa.array(texts))})


def test_what_fits_is_read_as_it_is(tmp_path):
    table = pa.table({"a": np.arange(1000), "b": [f"t{i}" for i in range(1000)], "c": [None] * 1000, "d": [[1]] * 1000})
    path = write(tmp_path / "t.parquet", table, row_group_size=300)
    for limit in (2**18, 2**20, 2**30):
        batches = read_all(path, None, limit, 170)
        assert pa.Table.from_batches(batches).equals(table)
        assert max(map(len, batches)) <= 170
        assert pa.Table.from_batches(read_all(path, ["b", "a"], limit, 170)).equals(table.select(["b", "a"]))
    empty = write(tmp_path / "e.parquet", table.slice(0, 0))
    assert read_all(empty, None, 0, 170) == []


def test_small_steps_are_joined(tmp_path):
    path = write(tmp_path / "t.parquet", repeat(["x" * 1000, "y"], 1000), store_schema=False)
    [batch] = read_all(path, None, 2**21, 2**20)
    assert len(batch) == 2000


def test_a_dictionary_is_counted_once(tmp_path):
    table = pa.table({"a": repeat(["x" * 2**16, "y"], 5000)["a"], "b": [str(i % 7) for i in range(10_000)]})
    path = write(tmp_path / "t.parquet", table, row_group_size=10_000)
    assert pa.Table.from_batches(read_all(path, None, 2**19, 100)).equals(table)


def test_rows_are_counted_before_they_are_read(tmp_path):
    path = write(tmp_path / "t.parquet", pa.table({"a": np.zeros(10**6, np.int64)}))
    assert path.stat().st_size < 10_000
    with pytest.raises(pa.ArrowInvalid, match=r"its 1,000,000 rows need at least 8 MiB, and 4 MiB are allowed"):
        read_all(path, None, 2**22, 2**20)


@pytest.mark.parametrize("options", [{}, {"use_dictionary": False, "column_encoding": "DELTA_BYTE_ARRAY"}])
@pytest.mark.parametrize("texts", [["x" * 2**20], ["", "x" * 2**20]], ids=["from-the-start", "later"])
def test_a_text_that_is_repeated_is_read_in_steps_up_to_the_limit(tmp_path, texts, options):
    table = repeat(texts, 200)
    if options:
        table = table.cast(pa.schema({"a": pa.string()}))
    path = write(tmp_path / "t.parquet", table, store_schema=False, **options)
    assert path.stat().st_size < 100_000
    with (
        counted_memory() as memory,
        pytest.raises(pa.ArrowInvalid, match=r"its content needs more than 16 MiB, which are allowed"),
    ):
        read_all(path, None, 2**24, 2**20)
    assert 2**24 < memory.max_memory() < 3 * 2**24


@pytest.mark.parametrize("options", [{}, {"use_dictionary": False}])
def test_a_text_that_alone_is_larger_than_the_limit_is_not_read(tmp_path, options):
    path = write(tmp_path / "t.parquet", pa.table({"a": ["x" * 2**23] * 2}), **options)
    with (
        counted_memory() as memory,
        pytest.raises(pa.ArrowInvalid, match=r"a part of it declares (8|16) MiB, and 4 MiB are allowed"),
    ):
        read_all(path, None, 2**22, 2**20)
    assert memory.max_memory() < 2**20


def test_a_row_of_many_values_is_not_read(tmp_path):
    path = write(tmp_path / "t.parquet", pa.table({"a": [np.zeros(10**6)]}))
    assert path.stat().st_size < 10_000
    with pytest.raises(pa.ArrowInvalid, match=r"a part of it declares 8 MiB, and 4 MiB are allowed"):
        read_all(path, None, 2**22, 2**20)


def test_a_row_that_may_repeat_a_long_text_is_not_read(tmp_path):
    rows = [[], ["x" * 2**20] * 100, ["y"]]
    nested = pa.array([[{"b": text} for text in row] for row in rows])
    path = write(tmp_path / "t.parquet", pa.table({"a": nested}), store_schema=False)
    with (
        counted_memory() as memory,
        pytest.raises(
            pa.ArrowInvalid, match=r"a\.list\.element\.b may repeat a text of 1 MiB 102 times in a row, and 64 MiB are"
        ),
    ):
        read_all(path, None, 2**26, 2**20)
    assert memory.max_memory() < 2**25


def test_lists_of_short_texts_are_read_at_once(tmp_path):
    rows = [[f"t{i}", f"t{i + 1}"] for i in range(30_000)] * 10
    path = write(tmp_path / "t.parquet", pa.table({"a": rows}))
    [batch] = read_all(path, None, 2**26, 2**20)
    assert len(batch) == len(rows)


def test_a_page_that_no_writer_makes_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr("zoo.data.bounded_parquet.PAGE_BYTES", 2**22)
    path = write(tmp_path / "t.parquet", pa.table({"a": ["x" * (2**22 + 1)]}), use_dictionary=False)
    with (
        counted_memory() as memory,
        pytest.raises(pa.ArrowInvalid, match=r"a page of it declares 4 MiB, and 4 MiB are allowed"),
    ):
        read_all(path, None, 2**34, 2**20)
    assert memory.max_memory() < 2**20


def test_every_byte_of_a_footer_that_is_changed_gives_a_table_or_an_error(tmp_path):
    """The metadata of a damaged column chunk ended the process when pyarrow was asked for it."""
    table = pa.table({"a": np.arange(20), "b": [f"t{i % 3}" for i in range(20)], "c": [[1.5]] * 20})
    path = write(tmp_path / "t.parquet", table, row_group_size=7, store_schema=False)
    content = bytearray(path.read_bytes())
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    for place in range(footer, len(content) - 8):
        for value in (0xFF, content[place] ^ 4):
            damaged = content.copy()
            damaged[place] = value
            path.write_bytes(damaged)
            with suppress(OSError, pa.ArrowException, UnicodeDecodeError, MemoryError):
                read_all(path, None, 2**26, 2**20)


def test_a_log_that_does_not_fit_into_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("zoo.data.arrow_files.available_memory", lambda: 2**20)
    path = tmp_path / "events.parquet"
    write(path, pa.table({name: np.zeros(10**6, np.int64) for name in ("user_id", "item_id", "timestamp")}))
    with pytest.raises(DataError) as error:
        read_log(path)
    assert str(error.value) == (
        f"{path}: cannot be read as parquet: its 1,000,000 rows need at least 23 MiB, and 1 MiB are allowed. Correct or recreate the file."
    )


def test_a_compressed_text_that_does_not_fit_into_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("zoo.data.readers.available_memory", lambda: 2**16)
    path = tmp_path / "events.csv.gz"
    path.write_bytes(gzip.compress(b"user_id,item_id,timestamp\n" + b"u,i,1717158615250\n" * 100_000))
    with pytest.raises(
        DataError, match=r"events\.csv\.gz: cannot be read as csv: its content needs more than 0\.0 GiB"
    ):
        read_log(path)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of a process")
@pytest.mark.parametrize("writer", [pa.ipc.new_file, pa.ipc.new_stream])
def test_an_arrow_file_is_not_mistaken_for_a_stream_of_a_gigabyte(tmp_path, writer):
    """Read as a stream, the first bytes of an Arrow file declare a message of 1.3 GiB."""
    table = pa.table(
        {"user_id": ["a", "b"], "item_id": ["x", "y"], "timestamp": [1_717_158_615_250, 1_717_158_615_251]}
    )
    path = tmp_path / "events.arrow"
    with writer(path, table.schema) as out:
        out.write_table(table)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    read_log(path)  # imports what it needs
    resource.setrlimit(resource.RLIMIT_AS, (used + 2**30, hard))
    try:
        assert len(read_log(path).log) == 2
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def test_a_column_name_that_is_not_utf8(tmp_path):
    path = tmp_path / "events.parquet"
    write(path, pa.table({"user_id": ["a"], "name": ["b"]}), store_schema=False)
    path.write_bytes(path.read_bytes().replace(b"name", b"na\xdde"))
    with pytest.raises(DataError) as error:
        read_log(path)
    assert str(error.value) == (
        f"{path}: cannot be read as parquet: the name of a column is not UTF-8. Correct or recreate the file."
    )
