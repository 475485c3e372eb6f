"""Read the sizes that a Parquet file declares: those of its column chunks and of their pages.

pyarrow gives them too, but its metadata of a column chunk ends the process if a damaged file contradicts itself. Here
each such contradiction is an error. The footer and the headers of pages are Thrift structures in the compact protocol.

Source:
    Apache Parquet format 2.12, parquet.thrift; Apache Thrift, compact protocol specification.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

BYTE_ARRAY = 6
"""The physical type of text."""
DICTIONARY_PAGE = 2
"""The type of a page that holds the distinct values of a column chunk."""
BY_DICTIONARY, DELTA_BYTE_ARRAY = (2, 8), 7
"""Encodings of a page: numbers of values in the dictionary, and texts that repeat the beginning of the text before them."""
ENCODINGS = {5: 2, 8: 4}
"""Where the header of a data page, of version 1 and 2, has its encoding: the fields of `PageHeader` and of the inner header."""
DEEPEST = 16
"""The most structures inside each other; those of Parquet have five."""


@dataclass(frozen=True)
class ColumnChunk:
    """What a file declares about one column in one row group.

    Attributes:
        n_values: Number of values; a list has several in a row.
        content: Bytes of its pages after decompression, without its dictionary.
        largest_page: Bytes of its largest page after decompression.
        dictionary: Bytes of its dictionary if it holds texts, of which one may be repeated in each row.
        shows_dictionary: Whether the first values are numbers in the dictionary, so that a reader meets it first.
        shared: Bytes that a text may share with the text before it, because only differences are stored.
    """

    n_values: int
    content: int
    largest_page: int
    dictionary: int
    shows_dictionary: bool
    shared: int


@dataclass(frozen=True)
class RowGroup:
    """What a file declares about the rows that it stores together.

    Attributes:
        rows: Number of rows.
        chunks: Its columns, in the order of the schema.
    """

    rows: int
    chunks: tuple[ColumnChunk, ...]


def read_row_groups(file: Path) -> list[RowGroup]:
    """Return the row groups of a file.

    Raises:
        pa.ArrowInvalid: The footer or a page contradicts itself or the size of the file.
    """
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:
        try:
            length = int.from_bytes(content[-8:-4], "little")
            footer = _Thrift(content, len(content) - 8 - length).struct()
            return [RowGroup(group[3], tuple(_chunk(content, column[3]) for column in group[1])) for group in footer[4]]
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise pa.ArrowInvalid("the sizes that its footer or a page declares cannot be read") from error


def _chunk(content: mmap.mmap, meta: dict[int, Any]) -> ColumnChunk:
    """Return a column chunk from its entry in the footer (`ColumnMetaData`)."""
    pages = list(_pages(content, meta))
    text = meta[1] == BYTE_ARRAY
    data = [page for page in pages if page.kind != DICTIONARY_PAGE]
    return ColumnChunk(
        n_values=meta[5],
        content=sum(page.size for page in data),
        largest_page=max((page.size for page in pages), default=0),
        dictionary=sum(page.size for page in pages if page.kind == DICTIONARY_PAGE) if text else 0,
        shows_dictionary=bool(data) and data[0].encoding in BY_DICTIONARY,
        shared=sum(page.size for page in data if page.encoding == DELTA_BYTE_ARRAY) if text else 0,
    )


class _Page(NamedTuple):
    """The header of a page: its type, its bytes after decompression, and its encoding; -1 for a page without data."""

    kind: int
    size: int
    encoding: int


def _pages(content: mmap.mmap, meta: dict[int, Any]) -> Iterator[_Page]:
    """Yield the pages of a column chunk."""
    place = min(offset for offset in (meta[9], meta.get(11)) if offset)  # writers set 0 for no dictionary
    end = place + meta[7]
    if place < 0 or not place <= end <= len(content):
        raise ValueError("a column chunk outside the file")
    while place < end:
        thrift = _Thrift(content, place)
        page = thrift.struct()
        if page[2] < 0 or page[3] < 0:
            raise ValueError("a page of less than no bytes")
        yield _Page(page[1], page[2], next((page[at][inner] for at, inner in ENCODINGS.items() if at in page), -1))
        place = thrift.place + page[3]


class _Thrift:
    """Reads values of the compact protocol from a place in a file; a field that is not there is a `LookupError`."""

    def __init__(self, content: mmap.mmap, place: int) -> None:
        if place < 0:
            raise ValueError("a place before the file")
        self.content, self.place = content, place

    def struct(self, depth: int = 0) -> dict[int, Any]:
        """Return the fields of a structure by their numbers."""
        if depth > DEEPEST:
            raise ValueError("too many structures inside each other")
        fields: dict[int, Any] = {}
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self._integer()
            kind = head & 15
            fields[number] = kind == 1 if kind in (1, 2) else self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        """Return a value of a type of the compact protocol."""
        match kind:
            case 1 | 2 | 3:  # in a list, a truth value takes a byte
                return self._byte()
            case 4 | 5 | 6:
                return self._integer()
            case 7:
                return self._bytes(8)
            case 8:
                return self._bytes(self._unsigned())
            case 9 | 10:
                head = self._byte()
                size = head >> 4 if head >> 4 < 15 else self._unsigned()
                return [self._value(head & 15, depth) for _ in range(self._bounded(size))]
            case 12:
                return self.struct(depth + 1)
        raise ValueError(f"no type of Parquet has the number {kind}")

    def _integer(self) -> int:
        value = self._unsigned()
        return (value >> 1) ^ -(value & 1)

    def _unsigned(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
        raise ValueError("a number of more than ten bytes")

    def _byte(self) -> int:
        self.place += 1
        return self.content[self.place - 1]

    def _bytes(self, size: int) -> bytes:
        start = self.place
        self.place += self._bounded(size)
        return self.content[start : self.place]

    def _bounded(self, size: int) -> int:
        """Return a number of bytes or values, of which the rest of the file must have as many bytes."""
        if size > len(self.content) - self.place:
            raise ValueError("a value that ends after the file")
        return size
