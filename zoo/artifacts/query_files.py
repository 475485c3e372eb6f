"""Read files of queries in blocks, so that memory use does not depend on the size of the file."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pyarrow as pa
import pyarrow.parquet as pq

from zoo.artifacts.query_table import COLUMNS, refuse_columns
from zoo.data.arrow_types import normalise_types
from zoo.errors import DataError

BLOCK = 2**14
"""Number of queries per block."""
LISTS = ("history", "times", "events")
KINDS = (".parquet", ".csv", ".jsonl")
EXAMPLE = '{"user_id": "42"} or {"history": ["A", "B"]}'


@dataclass(frozen=True)
class Block:
    """A block of rows of a file of queries.

    Attributes:
        table: The rows.
        first: Number of the first row in the file, from 0.
        file: The file.
    """

    table: pa.Table
    first: int
    file: Path

    def place(self, row: int) -> str:
        """Return the name of a row of the block, counted from 0."""
        return f"{self.file}, row {self.first + row + 1}"


def kind_of(file: Path) -> str:
    """Return the format of a file by its ending.

    Raises:
        DataError: The format is not supported for queries and lists.
    """
    if file.suffix.lower() not in KINDS:
        raise DataError(f"{file}: unknown format, expected {', '.join(KINDS)}. Choose another ending.")
    return file.suffix.lower()


def blocks(file: Path) -> Iterator[Block]:
    """Yield the rows of a file of queries in blocks; for an empty file, one block without rows.

    Raises:
        DataError: The file is missing or malformed; the message names file, row and column.
    """
    read = {".parquet": _parquet, ".csv": _csv, ".jsonl": _jsonl}[kind_of(file)]
    if not file.is_file():
        raise DataError(f"{file}: there is no such file. Give a file of queries.")
    try:
        yield from read(file)
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror or error}.") from error


def _parquet(file: Path) -> Iterator[Block]:
    """Yield the rows of a parquet file."""
    first = 0
    try:
        with pq.ParquetFile(file, pre_buffer=False) as opened:
            schema = opened.schema_arrow
            refuse_columns(schema.names, str(file))
            yield_empty = not opened.metadata.num_rows
            for batch in opened.iter_batches(BLOCK):
                yield Block(normalise_types(pa.Table.from_batches([batch]), str(file)), first, file)
                first += len(batch)
    except (pa.ArrowException, OSError) as error:
        reason = str(error).strip().splitlines()[0].rstrip(".")
        raise DataError(f"{file}: cannot be read as parquet: {reason}. Write it again.") from None
    if yield_empty:
        yield Block(normalise_types(schema.empty_table(), str(file)), 0, file)


def _csv(file: Path) -> Iterator[Block]:
    """Yield the rows of a CSV file as strings; an empty field is null."""
    with file.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
        lines = csv.reader(text)
        header = next(lines, None)
        if header is None:
            raise DataError(f"{file}: the file is empty, expected a header. Write it again.")
        refuse_columns(header, str(file))
        if len(set(header)) < len(header):
            raise DataError(f"{file}: a column is named twice in the header. Rename one.")
        rows: list[list[str | None]] = []
        first, blank = 0, False
        try:
            for fields in lines:
                if not fields:
                    blank = True  # blank lines are allowed at the end of the file
                    continue
                if blank:
                    _fail(file, first + len(rows), "is an empty line. Remove it.")
                if len(fields) != len(header):
                    _fail(file, first + len(rows), f"{len(fields)} fields, the header has {len(header)}. Mend the row.")
                rows.append([value or None for value in fields])
                if len(rows) == BLOCK:
                    yield _block(header, rows, first, file)
                    first, rows = first + len(rows), []
        except csv.Error as error:
            _fail(file, first + len(rows), f"is not valid CSV ({error}). Mend the row.")
        if rows or not first:
            yield _block(header, rows, first, file)


def _jsonl(file: Path) -> Iterator[Block]:
    """Yield the rows of a JSON Lines file as strings and lists of strings."""
    rows: list[dict[str, Any]] = []
    first = 0
    with file.open(encoding="utf-8-sig", errors="surrogateescape") as lines:
        for line in lines:
            if line.strip():
                rows.append(_query(line, file, first + len(rows)))
            if len(rows) == BLOCK:
                yield _block(COLUMNS, [[row.get(name) for name in COLUMNS] for row in rows], first, file)
                first, rows = first + len(rows), []
    if rows or not first:
        yield _block(COLUMNS, [[row.get(name) for name in COLUMNS] for row in rows], first, file)


def _query(line: str, file: Path, row: int) -> dict[str, Any]:
    """Parse the query of a line.

    Raises:
        DataError: The line is not a JSON object of the expected form.
    """
    try:
        query = json.loads(line)
    except (ValueError, RecursionError) as error:
        _fail(file, row, f"is not valid JSON ({error}), expected an object such as {EXAMPLE}. Mend the row.")
    if not isinstance(query, dict):
        _fail(file, row, f"is {line.strip()[:60]}, expected an object such as {EXAMPLE}. Mend the row.")
    refuse_columns(list(query), f"{file}, row {row + 1}")
    return {name: _texts(value, name, file, row) for name, value in query.items()}


def _texts(value: Any, name: str, file: Path, row: int) -> Any:
    """Return a JSON value as a string or a list of strings.

    Raises:
        DataError: It is of another type.
    """
    if name in LISTS and isinstance(value, list):
        return [_text(entry, name, file, row) for entry in value]
    if name in LISTS and value is not None:
        _fail(file, row, f"{name} is {json.dumps(value)[:60]}, expected a list. Mend the row.")
    return _text(value, name, file, row)


def _text(value: Any, name: str, file: Path, row: int) -> str | None:
    """Return an id, a time or an event type as a string.

    Raises:
        DataError: It is of another type.
    """
    if value is not None and type(value) not in (str, int):
        what = "text or a whole number" if name not in LISTS else "texts or whole numbers in it"
        _fail(file, row, f"{name} has {json.dumps(value)[:60]}, expected {what}. Mend the row.")
    return None if value is None else str(value)


def _block(names: Sequence[str], rows: list[list[Any]], first: int, file: Path) -> Block:
    """Return rows as a block.

    Raises:
        DataError: A text is not UTF-8.
    """
    columns: dict[str, pa.Array] = {}
    for at, name in enumerate(names):
        values = [row[at] for row in rows]
        kind = pa.list_(pa.string()) if any(isinstance(value, list) for value in values) else pa.string()
        try:
            columns[name] = pa.array(values, kind)
        except UnicodeEncodeError:
            wrong = next(i for i, value in enumerate(values) if not _is_utf8(value))
            _fail(file, first + wrong, f"{name} is not valid UTF-8. Write the file again as UTF-8.")
    return Block(pa.table(columns), first, file)


def _is_utf8(value: Any) -> bool:
    """Return whether a string, or every string of a list, can be encoded as UTF-8."""
    try:
        "".join(entry or "" for entry in (value if isinstance(value, list) else [value])).encode()
    except UnicodeEncodeError:
        return False
    return True


def _fail(file: Path, row: int, problem: str) -> NoReturn:
    """Raise an error about a row, counted from 0."""
    raise DataError(f"{file}, row {row + 1}: {problem}")
