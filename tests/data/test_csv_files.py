"""pyarrow reads a CSV file as the other reader does, or leaves it to that reader."""

import random

import pyarrow as pa
import pytest

from zoo.data import csv_files
from zoo.data.csv_files import read_csv
from zoo.data.files import file_table
from zoo.errors import DataError

ODD = [
    b'a,b,c\n1,"","x\r\ny"\n,NA,007\n',
    b'a,b,c\n1,2,"3\n"\n4,5,6\n',
    b'a,b,c\n4,5,6\n1,2,"3\n"\n',
    b"\n\na,b,c\n\n1,2,3\n\n",
    b"\xef\xbb\xbfa,b,c\r1,\xc3\xa9,3\r",
    b'a,b,c\n1,x"y",3\n1, "y",3\n1,"x"y,3',
    b",b,c\n0,1,2\n",
    b",b,\n0,1,2\n",
    b"a,b,c\n1\n1,2\n1,2,3\n",
    b"a,b,c\n   \n1,2,3\n",
    b"a\n1\n  \n2\n",
    b"a,b,c\n1,2,3\x00x\n",
    b"a,b,c\n1,2,3",
    b'a,b,"c\nd"\n1,2,3\n',
    b"a,b,c\n",
]
OPEN_QUOTES = [b'a,b,c\n1,2,"3', b'a,b,c\n1,2,"3\n', b'a,b,c\n1,2,"3\n4,5,6\n', b'a,b,c\n1,"2,3\n']


def outcome(file):
    """Return the columns of a file, or what is wrong with it."""
    table = file_table(file)
    try:
        return {name: table.select([name]).column(0).to_pylist() for name in table.column_names}
    except DataError as error:
        return str(error)


def by_the_other_reader(file, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("zoo.data.files.read_csv_header", lambda *_: None)
        patch.setattr("zoo.data.files.read_csv", lambda *_: None)
        return outcome(file)


@pytest.mark.parametrize("content", ODD + OPEN_QUOTES)
def test_odd_files_are_read_as_before(tmp_path, monkeypatch, content):
    file = tmp_path / "e.csv"
    file.write_bytes(content)
    assert outcome(file) == by_the_other_reader(file, monkeypatch)


def test_drawn_files_are_read_as_before(tmp_path, monkeypatch):
    rng, file = random.Random(0), tmp_path / "e.csv"
    for _ in range(60):
        file.write_text("a,b\n" + "".join(rng.choices('x1,"\n ', [4, 4, 5, 2, 3, 1], k=rng.randint(1, 24))))
        assert outcome(file) == by_the_other_reader(file, monkeypatch), file.read_bytes()


@pytest.mark.parametrize("content", OPEN_QUOTES)
def test_a_quote_that_is_never_closed_is_refused(tmp_path, content):
    file = tmp_path / "e.csv"
    file.write_bytes(content)
    assert read_csv(file, ",", ["a"]) is None
    assert str(outcome(file)).startswith(f"{file}: cannot be read as csv: Error tokenizing data")


def test_values_may_cross_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_files, "BLOCK_BYTES", 64)
    file = tmp_path / "e.csv"
    file.write_text("a,b\n" + "".join(f'{n:03},"x\n{n}"\n' for n in range(100)))
    table = read_csv(file, ",", ["b", "a"])
    assert table is not None
    assert table.to_pydict() == {"b": [f"x\n{n}" for n in range(100)], "a": [f"{n:03}" for n in range(100)]}
    assert table.schema == pa.schema({"b": pa.string(), "a": pa.string()})


def test_more_than_fits_into_memory_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_files, "available_memory", lambda: 8)
    file = tmp_path / "e.csv"
    file.write_text("a,b\n" + "123456,1\n" * 100)
    assert outcome(file) == (
        f"{file}: cannot be read as csv: its content needs more than 0.0 GiB, which are available. "
        "Correct or recreate the file."
    )


def test_a_delimiter_of_several_signs_is_left_to_the_other_reader(tmp_path):
    file = tmp_path / "e.csv"
    file.write_text("a||b\n1||2\n")
    assert read_csv(file, "||", ["a"]) is None
