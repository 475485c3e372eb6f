"""Read CSV files with pyarrow, batch by batch; `zoo.data.readers` reads those that pyarrow refuses."""

from __future__ import annotations

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from zoo.errors import DataError
from zoo.machine_memory import available_memory

BLOCK_BYTES = 2**23
"""The bytes of text that are parsed at once; a row that is longer is left to the other reader."""
HEADER_BYTES = 2**16
NEWLINES = (b"\n", b"\r")
REFUSED = (pa.ArrowException, OSError, ValueError)
"""What pyarrow raises for a file or a delimiter that it cannot read."""


def read_csv_header(file: Path, separator: str) -> list[str] | None:
    """Return the fields of the header, or None if pyarrow cannot read the file."""
    if len(separator) != 1:
        return None
    try:
        with _Text(file) as text, _open(text, separator, HEADER_BYTES, pa.csv.ConvertOptions()) as reader:
            return list(reader.schema.names)
    except REFUSED:
        return None


def read_csv(file: Path, separator: str, columns: list[str], *, head: bool = False) -> pa.Table | None:
    """Read columns of a CSV file as text; an empty field is null.

    Args:
        file: The file, plain or compressed (.gz, .zst).
        separator: The field delimiter.
        columns: The columns to keep, by their names in the header.
        head: Whether to read only the rows of the first block.

    Returns:
        The table, or None if pyarrow cannot read the file or might read it in another way than
        `zoo.data.readers.stream_file`: rows of several lengths, an open quote, a single column, a delimiter of several signs.

    Raises:
        DataError: The columns need more memory than is available.
    """
    names = read_csv_header(file, separator)
    if names is None or len(names) < 2 or len(set(names)) < len(names) or not set(columns) <= set(names):
        return None
    last = names[-1]
    kept = list(dict.fromkeys([*columns, last]))
    options = pa.csv.ConvertOptions(
        column_types=dict.fromkeys(kept, pa.string()),
        include_columns=kept,
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=True,
    )
    batches, used, limit, end = [], 0, available_memory(), None
    try:
        with _Text(file) as text, _open(text, separator, BLOCK_BYTES, options) as reader:
            schema = reader.schema
            for batch in reader:
                if batch.num_rows:
                    end = batch.column(last)[-1].as_py()
                batches.append(batch.select(columns))
                used += batches[-1].nbytes
                if used > limit:
                    raise DataError(
                        f"{file}: cannot be read as csv: its content needs more than {limit / 2**30:,.1f} GiB, which are "
                        "available. Correct or recreate the file."
                    )
                if head:
                    end = None
                    break
    except REFUSED:
        return None
    # pyarrow takes a quote that is never closed for a value that reaches to the end of the file
    if end is not None and end.endswith(("\n", "\r")):
        return None
    return pa.Table.from_batches(batches, pa.schema([schema.field(name) for name in columns]))


def _open(text: _Text, separator: str, block: int, options: pa.csv.ConvertOptions) -> pa.csv.CSVStreamingReader:
    """Return the batches of a file whose quoted fields may hold line breaks."""
    parsing = pa.csv.ParseOptions(delimiter=separator, newlines_in_values=True)
    return pa.csv.open_csv(text, pa.csv.ReadOptions(block_size=block), parsing, options)


class _Text(io.RawIOBase):
    """The bytes of a file, decompressed, with a line break after the last line."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._source = pa.input_stream(str(file), compression="detect")
        self._last = b"\n"

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data: bytes = self._source.read(None if size < 0 else size)
        if not data and self._last not in NEWLINES:
            data = b"\n"
        self._last = data[-1:] or self._last
        return data

    def close(self) -> None:
        self._source.close()
        super().close()
