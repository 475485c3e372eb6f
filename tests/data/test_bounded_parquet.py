"""Small files that declare or repeat far more than fits are refused before memory is filled."""

import gzip
import resource
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
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


def number(value):
    """Return a number in Thrift's compact protocol."""
    written = b""
    while value > 127:
        written, value = written + bytes([value & 127 | 128]), value >> 7
    return written + bytes([value])


def struct(**fields):
    """Return a structure of fields `f1`, `f2`, ...: whole numbers, texts, structures and lists of one of these."""

    def typed(value):
        if isinstance(value, int):
            return 6 if isinstance(value, Long) else 5, number(value << 1)
        if isinstance(value, list):
            kinds, parts = zip(*map(typed, value), strict=True)
            return 9, bytes([len(value) << 4 | kinds[0]]) + b"".join(parts)
        return (12, value.written) if isinstance(value, Written) else (8, number(len(value)) + value)

    written, last = b"", 0
    for field, value in sorted((int(name[1:]), value) for name, value in fields.items()):
        kind, part = typed(value)
        written, last = written + bytes([field - last << 4 | kind]) + part, field
    return Written(written + b"\0")


class Long(int):
    """A number of 64 bits in Thrift; others have 32."""


@dataclass(frozen=True)
class Written:
    """A structure in Thrift's compact protocol."""

    written: bytes


@dataclass(frozen=True)
class DictionaryText:
    """A Parquet file, written by hand, with a long text that each of its rows repeats.

    Attributes:
        rows: Number of rows.
        plain_first: Whether a page without the dictionary stands first.
        declared: Number of rows that the row group declares; the real one if 0.
    """

    rows: int
    plain_first: bool = False
    declared: int = 0

    def content(self):
        text = b"x" * 2**20
        pages = self.page(2, len(text).to_bytes(4, "little") + text, f7=struct(f1=1, f2=0))
        start, rows = 4 + len(pages), self.rows
        if self.plain_first:
            pages += self.page(0, b"\1\0\0\0a", f5=struct(f1=1, f2=0, f3=3, f4=3))
            rows += 1
        run = b"\1" + number(self.rows << 1) + b"\0"  # the number 0, repeated
        pages += self.page(0, run, f5=struct(f1=self.rows, f2=8, f3=3, f4=3))
        size = len(pages)
        sizes = {"f5": Long(rows), "f6": Long(size), "f7": Long(size), "f9": Long(start), "f11": Long(4)}
        chunk = struct(f1=6, f2=[0, 8], f3=[b"a"], f4=0, **sizes)
        group = struct(f1=[struct(f2=Long(4), f3=chunk)], f2=Long(size), f3=Long(self.declared or rows))
        schema = [struct(f4=b"schema", f5=1), struct(f1=6, f3=0, f4=b"a", f6=0)]
        footer = struct(f1=1, f2=schema, f3=Long(rows), f4=[group]).written
        return b"PAR1" + pages + footer + len(footer).to_bytes(4, "little") + b"PAR1"

    def page(self, kind, content, **header):
        return struct(f1=kind, f2=len(content), f3=len(content), **header).written + content


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


def test_a_row_that_repeats_a_long_text_is_not_read(tmp_path):
    rows = [[], ["x" * 2**20] * 100, ["y"]]
    nested = pa.array([[{"b": text} for text in row] for row in rows])
    path = write(tmp_path / "t.parquet", pa.table({"a": nested}), store_schema=False)
    with (
        counted_memory() as memory,
        pytest.raises(
            pa.ArrowInvalid, match=r"the texts of 1 lists in a\.list\.element\.b need 100 MiB, and 64 MiB are allowed"
        ),
    ):
        read_all(path, None, 2**26, 2**20)
    assert memory.max_memory() < 2**25


def test_a_list_with_one_long_text_is_read(tmp_path):
    rows = [[f"tag {i % 20}", "b"] for i in range(100_000)]
    rows[7] = ["x" * 1000]
    path = write(tmp_path / "t.parquet", pa.table({"a": rows}))
    assert sum(map(len, read_all(path, None, 2**24, 2**20))) == len(rows)


@pytest.mark.parametrize("name", ["a.b", "a"])
def test_a_column_may_have_a_dot_in_its_name(tmp_path, name):
    path = write(tmp_path / "t.parquet", repeat(["x" * 2**20], 100).rename_columns([name]), store_schema=False)
    with (
        counted_memory() as memory,
        pytest.raises(pa.ArrowInvalid, match=r"its content needs more than 16 MiB, which are allowed"),
    ):
        read_all(path, [name], 2**24, 2**20)
    assert memory.max_memory() < 3 * 2**24


def test_values_of_fixed_width_in_lists_are_counted(tmp_path):
    for kind in (pa.list_(pa.binary(2**18)), pa.struct({"b": pa.binary(2**18)})):
        values = [[b"x" * 2**18]] * 100 if pa.types.is_list(kind) else [{"b": b"x" * 2**18}] * 100
        path = write(tmp_path / "t.parquet", pa.table({"a": pa.array(values, kind)}))
        with pytest.raises(pa.ArrowInvalid, match=r"a part of it declares 25 MiB, and 16 MiB are allowed"):
            read_all(path, None, 2**24, 2**20)


def test_the_encodings_in_the_footer_are_not_trusted(tmp_path):
    table = pa.table({"a": ["x" * 2**20] * 100})
    path = write(
        tmp_path / "t.parquet", table, store_schema=False, use_dictionary=False, column_encoding="DELTA_BYTE_ARRAY"
    )
    content = path.read_bytes()
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    listed = content.index(b"\x19\x25", footer)  # a list of two numbers, one of which is the encoding
    place = content.index(b"\x0e", listed)
    path.write_bytes(content[:place] + b"\x00" + content[place + 1 :])
    with counted_memory() as memory, pytest.raises(pa.ArrowInvalid, match=r"its content needs more than 16 MiB"):
        read_all(path, None, 2**24, 2**20)
    assert memory.max_memory() < 3 * 2**24


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (DictionaryText(rows=100, plain_first=True), r"its content needs more than 16 MiB"),
        (DictionaryText(rows=100, declared=2**31), r"a declares 100 values for 2,147,483,648 rows"),
    ],
    ids=["plain-first", "rows"],
)
def test_pages_and_rows_that_no_writer_makes(tmp_path, written, message):
    path = tmp_path / "t.parquet"
    path.write_bytes(written.content())
    with counted_memory() as memory, pytest.raises(pa.ArrowInvalid, match=message):
        read_all(path, None, 2**24, 2**20)
    assert memory.max_memory() < 3 * 2**24


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
    monkeypatch.setattr("zoo.data.csv_files.available_memory", lambda: 2**16)
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
