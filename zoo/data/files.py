"""Tables from files and from the Hugging Face Hub, read by `datasets`.

Columns are read when somebody asks for them. CSV is read as text: an id such as `007` or `NA` stays what it is, and the
schema casts the rest.
"""

from __future__ import annotations

import glob
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from zoo.data.dataset import Dataset, Tables
from zoo.data.dataset_params import FilesParams, HubParams
from zoo.data.readers import BATCH_ROWS, brief, quiet, streamed
from zoo.errors import DataError, suggestion

FORMATS = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".arrow": "arrow",
    ".feather": "arrow",
}


class Files(Dataset[FilesParams]):
    """Interactions and items from files on this machine."""

    def read(self) -> Tables:
        """Return the tables; their columns are read when they are asked for."""
        p = self.params
        events = file_table(p.interactions, p.delimiter)
        items = file_table(p.items, p.delimiter) if p.items else None
        return Tables(
            events,
            items,
            events.name,
            items.name if items else "items",
            events.place,
            items.place if items else None,
        )


class Hub(Dataset[HubParams]):
    """Interactions and items from a dataset of the Hugging Face Hub, kept in its usual cache.

    Types are those that the dataset's page shows; of ids that it shows as numbers, leading zeros are gone.
    """

    def read(self) -> Tables:
        """Return the tables, downloaded at the first call."""
        p = self.params
        origin = f"{p.dataset} ({p.config or 'default'}, {p.split})"
        events = self._table(p.config, p.split)
        if p.items is None:
            return Tables(events, interactions_from=origin)
        items_split = p.items_split or p.split
        return Tables(events, self._table(p.items, items_split), origin, f"{p.dataset} ({p.items}, {items_split})")

    def _table(self, config: str | None, split: str) -> pa.Table:
        """Return one split of one config; its columns are mapped from disk."""
        import datasets

        p = self.params
        try:
            with quiet():
                loaded = datasets.load_dataset(p.dataset, config, split=split, revision=p.revision, cache_dir=p.cache)
        except Exception as error:  # the library raises what its transports raise
            raise DataError(
                f"hub dataset {p.dataset!r} (config {config!r}, split {split!r}) cannot be read: {brief(error)}. "
                "Check the names on the dataset's page, and the connection."
            ) from error
        return loaded.data.table


@dataclass(eq=False)
class FileTable:
    """One table in one or several files of one format.

    Attributes:
        files: The files, read in this order as one table.
        delimiter: What separates the fields of a CSV file; by the file's ending where it is None.
    """

    files: Sequence[Path]
    delimiter: str | None = None
    _rows: list[int] = field(default_factory=list)
    _kept: dict[Path, pa.Table] = field(default_factory=dict)
    _stamps: dict[Path, tuple[int, int]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return what to call the table in messages."""
        return str(self.files[0]) if len(self.files) == 1 else f"{self.files[0]} and {len(self.files) - 1} more"

    def place(self, row: int) -> str:
        """Return the name of a row, counted from 0: its file, and its number in it from 1."""
        for file, rows in zip(self.files, self._rows, strict=False):
            if row < rows:
                return f"{file}, row {row + 1}"
            row -= rows
        return f"{self.name}, row {row + 1}"

    @cached_property
    def column_names(self) -> list[str]:
        """Return the names of the columns: those of the first file."""
        return self._names(self.files[0])

    def select(self, columns: list[str]) -> pa.Table:
        """Read some of the columns.

        Raises:
            DataError: A file cannot be read, lacks a column, or holds other types than the rest.
        """
        tables = []
        for file in self.files:
            self._refuse_changed(file)
            names = self.column_names if file == self.files[0] else self._names(file)
            for column in columns:
                if column not in names:
                    raise DataError(
                        f"{file}: no column {column!r}, which {self.files[0]} has.{suggestion(column, names)} "
                        f"Its columns: {', '.join(names)}. Give files of one form."
                    )
            tables.append(self._read(file, columns))
        self._rows = [table.num_rows for table in tables]
        try:
            return pa.concat_tables(tables, promote_options="permissive")
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise DataError(
                f"{self.name}: the files' columns are of different types ({error}). Give files of one form."
            ) from error

    def _refuse_changed(self, file: Path) -> None:
        """Refuse a file that was written between two reads: its rows would no longer be the same events."""
        status = file.stat()
        stamp = (status.st_size, status.st_mtime_ns)
        if self._stamps.setdefault(file, stamp) != stamp:
            raise DataError(f"{file}: the file has changed since it was first read. Load the data again.")

    def _names(self, file: Path) -> list[str]:
        """Return the names of a file's columns."""
        kind = _format(file)
        if kind == "csv":
            first = streamed(file, "csv", **self._csv_options(file, header=None, nrows=1, na_values=None)).to_pylist()
            names = [str(value) or f"Unnamed: {i}" for i, value in enumerate(first[0].values())]
            _refuse_one_field(file, names)
        elif kind == "json":  # only all rows together tell all names
            names = list(self._whole(file).column_names)
        else:
            names = list(streamed(file, kind, names_only=True).column_names)
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise DataError(f"{file}: two columns are named {twice!r}. Rename one.")
        return names

    def _read(self, file: Path, columns: list[str]) -> pa.Table:
        """Read some columns of one file."""
        kind = _format(file)
        if kind == "parquet":
            return streamed(file, kind, columns=columns, batch_size=BATCH_ROWS).select(columns)
        if kind == "csv":  # all columns, or a row with a field too many would go unnoticed
            import datasets

            texts = datasets.Features({name: datasets.Value("string") for name in self._names(file)})
            return streamed(
                file, kind, kept=columns, **self._csv_options(file, features=texts, chunksize=BATCH_ROWS // 8)
            )
        return self._whole(file).select(columns)

    def _csv_options(self, file: Path, **options: Any) -> dict[str, Any]:
        """Return how a CSV file is read: nothing is interpreted, and an empty field is null."""
        separator = self.delimiter or ("\t" if ".tsv" in file.suffixes else ",")
        return {"sep": separator, "keep_default_na": False, "na_values": [""], "index_col": False, **options}

    def _whole(self, file: Path) -> pa.Table:
        """Read a file of a format that cannot be read by columns; it is kept."""
        if file not in self._kept:
            self._kept[file] = streamed(file, _format(file))
        return self._kept[file]


def file_table(path: str | Path | Sequence[str], delimiter: str | None = None) -> FileTable:
    """Return the table of a file, of those of a pattern, or of several, in any format of the `files` dataset.

    Raises:
        DataError: There is no such file, it is empty, or its ending tells no format.
    """
    return FileTable(_found([str(path)] if isinstance(path, str | Path) else path), delimiter)


def _refuse_one_field(file: Path, names: list[str]) -> None:
    """Refuse a CSV header that is one field and looks like several.

    Raises:
        DataError: Another delimiter is in it.
    """
    delimiter = next((sign for sign in ";\t|," if sign in names[0]), None)
    if len(names) == 1 and delimiter is not None:
        raise DataError(
            f"{file}: the header is one field, {names[0]!r}, and looks separated by {delimiter!r}. "
            f"Set delimiter = {json.dumps(delimiter)} in data.source."
        )


def _found(paths: Sequence[str]) -> list[Path]:
    """Return the files that paths and patterns name, those of a pattern in the order of their names.

    Raises:
        DataError: There is none.
    """
    files: list[Path] = []
    for path in paths:
        if Path(path).is_file():
            files.append(Path(path))
        elif matches := sorted(m for m in glob.glob(path, recursive=True) if Path(m).is_file()):
            files += map(Path, matches)
        else:
            raise DataError(_why_not_found(Path(path)))
    for file in files:
        _format(file)
        if file.stat().st_size == 0:
            raise DataError(
                f"{file}: the file is empty (0 bytes), expected a table. Write it again, or choose another file."
            )
    return files


def _why_not_found(path: Path) -> str:
    """Return the message for a path that names no file."""
    path = path.absolute()
    if path.is_dir():
        return f"{path} is a folder, expected files. Give a file, or a pattern such as {path / '*.parquet'}."
    if glob.has_magic(str(path)):
        return f"{path}: no file is of this pattern. Paths in an experiment file are relative to it."
    if not path.parent.is_dir():
        return f"{path}: there is no such file, nor a folder {path.parent}. Paths in an experiment file are relative to it."
    beside = sorted(f.name for f in path.parent.iterdir() if f.is_file() and _known_format(f))
    return (
        f"{path}: there is no such file.{suggestion(path.name, beside)} Paths in an experiment file are relative to it."
    )


def _format(file: Path) -> str:
    """Return the format that a file's ending tells.

    Raises:
        DataError: It tells none.
    """
    kind = _known_format(file)
    if kind is None:
        raise DataError(
            f"{file}: unknown format, expected {', '.join(FORMATS)}, or .csv.gz, .tsv.gz, .json.gz, .jsonl.gz."
        )
    return kind


def _known_format(file: Path) -> str | None:
    """Return the format that a file's ending tells, if it tells one."""
    endings = file.suffixes[-2:]
    zipped = endings[-1:] == [".gz"]
    ending = (endings[:-1] if zipped else endings)[-1:]
    kind = FORMATS.get(ending[0].lower()) if ending else None
    return None if zipped and kind not in ("csv", "json") else kind
