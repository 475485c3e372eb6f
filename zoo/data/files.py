"""Tables from files and from the Hugging Face Hub.

Parquet, Arrow and CSV files are read by pyarrow, JSON and the Hub by `datasets`, and also the CSV files that pyarrow refuses.
Columns are read on demand. CSV is read as text, so ids such as `007` or `NA` are preserved; the schema casts the other columns.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from zoo.data.arrow_files import read_arrow_batches, read_arrow_file, read_column_names
from zoo.data.arrow_types import normalise_types
from zoo.data.csv_files import read_csv, read_csv_header
from zoo.data.dataset import Dataset, Tables
from zoo.data.dataset_params import FilesParams, HubParams
from zoo.data.find_files import find_files, format_of
from zoo.data.readers import BATCH_ROWS, first_line, silence_datasets, stream_file
from zoo.errors import DataError, suggestion

ARROW_KINDS = ("parquet", "arrow")
"""The formats that are read a batch at a time."""


class Files(Dataset[FilesParams]):
    """Interactions, items and users from local files."""

    def read(self) -> Tables:
        """Return the tables; their columns are read on demand."""
        p = self.params
        events = file_table(p.interactions, p.delimiter)
        items = file_table(p.items, p.delimiter) if p.items else None
        users = file_table(p.users, p.delimiter) if p.users else None
        return Tables(
            events,
            items,
            events.name,
            items.name if items else "items",
            events.place,
            items.place if items else None,
            users=users,
            users_from=users.name if users else "users",
            users_place=users.place if users else None,
        )


class Hub(Dataset[HubParams]):
    """Interactions, items and users from a dataset on the Hugging Face Hub, stored in the Hugging Face cache.

    Columns have the types shown on the dataset's page. Ids with a numeric type have lost any leading zeros.
    """

    def read(self) -> Tables:
        """Return the tables; the first call downloads them."""
        p = self.params
        origin = f"{p.dataset} ({p.config or 'default'}, {p.split})"
        events = self._table(p.config, p.split)
        tables = Tables(events, interactions_from=origin)
        if p.items is not None:
            at = p.items_split or p.split
            tables = replace(tables, items=self._table(p.items, at), items_from=f"{p.dataset} ({p.items}, {at})")
        if p.users is not None:
            at = p.users_split or p.split
            tables = replace(tables, users=self._table(p.users, at), users_from=f"{p.dataset} ({p.users}, {at})")
        return tables

    def _table(self, config: str | None, split: str) -> pa.Table:
        """Return one split of one config, memory-mapped."""
        import datasets

        p = self.params
        try:
            with silence_datasets():
                loaded = datasets.load_dataset(p.dataset, config, split=split, revision=p.revision, cache_dir=p.cache)
        except Exception as error:  # the library raises what its transports raise
            raise DataError(
                f"hub dataset {p.dataset!r} (config {config!r}, split {split!r}) cannot be read: {first_line(error)}. "
                "Check the names on the dataset's page, and the connection."
            ) from error
        return loaded.data.table


@dataclass(eq=False)
class FileTable:
    """A table stored in one or more files of the same format.

    Attributes:
        files: The files, concatenated in this order.
        delimiter: The field delimiter of CSV files; None chooses it by the file extension.
    """

    files: Sequence[Path]
    delimiter: str | None = None
    _rows: list[int] = field(default_factory=list)
    _cache: dict[Path, pa.Table] = field(default_factory=dict)
    _stamps: dict[Path, tuple[int, int]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return the name of the table in messages."""
        return str(self.files[0]) if len(self.files) == 1 else f"{self.files[0]} and {len(self.files) - 1} more"

    def place(self, row: int) -> str:
        """Return the file of a row (counted from 0) and its number in that file (counted from 1)."""
        for file, rows in zip(self.files, self._rows, strict=False):
            if row < rows:
                return f"{file}, row {row + 1}"
            row -= rows
        return f"{self.name}, row {row + 1}"

    @cached_property
    def column_names(self) -> list[str]:
        """Return the column names of the first file."""
        return self._names(self.files[0])

    def select(self, columns: list[str]) -> pa.Table:
        """Read the given columns.

        Raises:
            DataError: A file cannot be read, lacks a column, or has other types than the other files.
        """
        tables = []
        for file in self.files:
            self.stamp(file)
            self._require(file, columns)
            tables.append(self._read(file, columns))
        self._rows = [table.num_rows for table in tables]
        try:
            return pa.concat_tables(tables, promote_options="permissive")
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise DataError(
                f"{self.name}: the files' columns are of different types ({error}). Use files with the same column types."
            ) from error

    def head(self, columns: list[str]) -> pa.Table:
        """Read the given columns of the first rows: those of the first block or batch of the first file.

        Raises:
            DataError: The file cannot be read or lacks a column.
        """
        file = self.files[0]
        self.stamp(file)
        self._require(file, columns)
        kind, table = format_of(file), None
        if kind == "csv":
            table = read_csv(file, self._separator(file), columns, head=True)
        elif kind in ARROW_KINDS:
            table = next(iter(read_arrow_batches(file, kind, columns)), None)
        return self._read(file, columns) if table is None else table

    def batches(self, columns: list[str]) -> Iterator[pa.Table]:
        """Yield the given columns a part of the rows at a time: a batch of a parquet or Arrow file, or all rows of another file.

        Raises:
            DataError: A file cannot be read or lacks a column.
        """
        self._rows = []
        for file in self.files:
            self.stamp(file)
            self._require(file, columns)
            kind = format_of(file)
            self._rows.append(0)
            for part in read_arrow_batches(file, kind, columns) if kind in ARROW_KINDS else [self._read(file, columns)]:
                self._rows[-1] += part.num_rows
                yield part

    @property
    def size(self) -> int:
        """Return the size of the files in bytes."""
        return sum(file.stat().st_size for file in self.files)

    def _require(self, file: Path, columns: list[str]) -> None:
        """Refuse a file that lacks a column.

        Raises:
            DataError: The file lacks a column.
        """
        names = self.column_names if file == self.files[0] else self._names(file)
        for column in columns:
            if column not in names:
                raise DataError(
                    f"{file}: no column {column!r}, which {self.files[0]} has.{suggestion(column, names)} "
                    f"Its columns: {', '.join(names)}. Use files with the same columns."
                )

    def stamp(self, file: Path) -> tuple[int, int]:
        """Return the size of a file and when it changed, in nanoseconds since 1970.

        Raises:
            DataError: It has changed since this was asked or the file was read first, so that its rows may no longer match.
        """
        status = file.stat()
        stamp = (status.st_size, status.st_mtime_ns)
        if self._stamps.setdefault(file, stamp) != stamp:
            raise DataError(f"{file}: the file has changed since it was first read. Load the data again.")
        return stamp

    def _names(self, file: Path) -> list[str]:
        """Return the column names of a file."""
        kind = format_of(file)
        if kind == "csv":
            header = read_csv_header(file, self._separator(file))
            if header is None:
                options = self._csv_options(file, header=None, nrows=1, na_values=None)
                header = list(stream_file(file, "csv", **options).to_pylist()[0].values())
            names = [str(value) or f"Unnamed: {i}" for i, value in enumerate(header)]
            _refuse_one_field(file, names)
        elif kind == "json":  # a column may first occur in any row
            names = list(self._read_whole(file).column_names)
        else:
            names = read_column_names(file, kind)
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise DataError(f"{file}: two columns are named {twice!r}. Rename one.")
        return names

    def _read(self, file: Path, columns: list[str]) -> pa.Table:
        """Read the given columns of one file."""
        kind = format_of(file)
        if kind == "parquet":
            return read_arrow_file(file, kind, columns)
        if kind == "csv":
            table = read_csv(file, self._separator(file), columns)
            if table is not None:
                return table
            import datasets

            # read all columns to detect rows with too many fields
            texts = datasets.Features({name: datasets.Value("string") for name in self._names(file)})
            return stream_file(
                file, kind, keep=columns, **self._csv_options(file, features=texts, chunksize=BATCH_ROWS // 8)
            )
        return self._read_whole(file).select(columns)

    def _csv_options(self, file: Path, **options: Any) -> dict[str, Any]:
        """Return the reader's options for a CSV file: values stay text, and an empty field is null."""
        common = {"keep_default_na": False, "na_values": [""], "index_col": False}
        return {"sep": self._separator(file), **common, **options}

    def _separator(self, file: Path) -> str:
        """Return the field delimiter of a CSV file."""
        return self.delimiter or ("\t" if ".tsv" in file.suffixes else ",")

    def _read_whole(self, file: Path) -> pa.Table:
        """Read a file whose format cannot be read by columns, and cache it."""
        if file not in self._cache:
            kind = format_of(file)
            table = read_arrow_file(file, kind) if kind == "arrow" else stream_file(file, kind)
            self._cache[file] = normalise_types(table, str(file))
        return self._cache[file]


def file_table(path: str | Path | Sequence[str], delimiter: str | None = None) -> FileTable:
    """Return the table in a file, in the files that match a pattern, or in several files, in any format of `files`.

    Raises:
        DataError: A file does not exist, is empty, or has an unknown extension.
    """
    return FileTable(find_files([str(path)] if isinstance(path, str | Path) else path), delimiter)


def _refuse_one_field(file: Path, names: list[str]) -> None:
    """Refuse a CSV header with a single field that contains another delimiter.

    Raises:
        DataError: The header contains another delimiter.
    """
    delimiter = next((sign for sign in ";\t|," if sign in names[0]), None)
    if len(names) == 1 and delimiter is not None:
        raise DataError(
            f"{file}: the header is a single field, {names[0]!r}, and seems to be separated by {delimiter!r}. "
            f"Set delimiter = {json.dumps(delimiter)} in data.source (in Python, delimiter={json.dumps(delimiter)})."
        )
