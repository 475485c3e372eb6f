"""Read Parquet within a limit of memory. A small file can declare billions of rows, or repeat one long text.

Rows, types and the sizes that the file declares are compared with the limit before anything is read. Then the rows are read in
steps so small that a step fits even if each of its texts is the longest, and the sizes of the steps are added up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from zoo.data.parquet_pages import ColumnChunk, RowGroup, read_row_groups

BATCH_BYTES = 2**26
"""The intended size of a batch."""
STEP_BYTES = 2**27
"""The most bytes of the rows that are read at once."""
PAGE_BYTES = 2**28
"""The largest page; common writers make pages of about 1 MiB."""


def read_batches(
    file: Path, opened: pq.ParquetFile, columns: Sequence[str] | None, limit: int, batch_rows: int
) -> Iterator[pa.RecordBatch]:
    """Yield the batches of a file.

    Args:
        file: The file.
        opened: The same file, opened.
        columns: The columns to read; all if None.
        limit: The most bytes that all batches may have.
        batch_rows: The most rows of a batch.

    Raises:
        pa.ArrowInvalid: The content needs more than the limit.
    """
    kinds = [field.type for field in opened.schema_arrow if columns is None or field.name in columns]
    rows = opened.metadata.num_rows
    least = rows * sum(map(_least_bits, kinds)) // 8
    if least > limit:
        raise pa.ArrowInvalid(
            f"its {rows:,} rows need at least {format_bytes(least)}, and {format_bytes(limit)} are allowed"
        )
    groups = [_columns_of(group, opened, columns) for group in read_row_groups(file)] if rows else []
    for group in groups:
        _check_declared(group, limit)
    names, used = None if columns is None else list(columns), 0
    pending, pending_rows, pending_bytes = list[pa.RecordBatch](), 0, 0
    for number, group in enumerate(groups):
        step = max(1, int(min(limit - used, STEP_BYTES) // _row_bytes(file, number, group, limit)))
        size = 0
        for batch in opened.iter_batches(min(step, batch_rows), row_groups=[number], columns=names):
            size = sum(map(_bytes_of_values, batch.columns)) if size else batch.nbytes
            used += size
            if used > limit:
                raise pa.ArrowInvalid(f"its content needs more than {format_bytes(limit)}, which are allowed")
            if pending and (pending_bytes + size > BATCH_BYTES or pending_rows + len(batch) > batch_rows):
                yield from _join(pending)
                pending, pending_rows, pending_bytes = [], 0, 0
            pending.append(batch)
            pending_rows, pending_bytes = pending_rows + len(batch), pending_bytes + size
    yield from _join(pending)


def format_bytes(size: int) -> str:
    """Return a size in MiB or GiB."""
    return f"{size / 2**30:,.1f} GiB" if size >= 2**30 else f"{size / 2**20:,.0f} MiB"


def _least_bits(kind: pa.DataType) -> int:
    """Return the fewest bits that a value of a type takes in memory."""
    if pa.types.is_null(kind):
        return 0
    if pa.types.is_dictionary(kind):
        return int(kind.index_type.bit_width)
    try:
        return int(kind.bit_width)
    except ValueError:  # text, lists: an offset
        return 32 if not pa.types.is_struct(kind) else 0


@dataclass(frozen=True)
class _Column:
    """A column of a row group.

    Attributes:
        path: The names from the root of the schema to the column, joined by dots.
        in_list: Whether a row may have several values.
        is_text: Whether its values are texts in memory, not the numbers of texts.
        rows: Number of rows of the row group.
        chunk: What the file declares.
    """

    path: str
    in_list: bool
    is_text: bool
    rows: int
    chunk: ColumnChunk


def _columns_of(group: RowGroup, opened: pq.ParquetFile, columns: Sequence[str] | None) -> list[_Column]:
    """Return the chosen columns of a row group, with their names from the schema.

    Raises:
        pa.ArrowInvalid: The row group has other columns than the schema.
    """
    if len(group.chunks) != len(opened.schema):
        raise pa.ArrowInvalid(f"a part of it has {len(group.chunks)} columns, and its schema has {len(opened.schema)}")
    numbers = {field.name for field in opened.schema_arrow if pa.types.is_dictionary(field.type)}
    leaves = map(opened.schema.column, range(len(opened.schema)))
    return [
        _Column(leaf.path, leaf.max_repetition_level > 0, leaf.path not in numbers, max(group.rows, 1), chunk)
        for leaf, chunk in zip(leaves, group.chunks, strict=True)
        if columns is None or leaf.path.split(".")[0] in columns
    ]


def _check_declared(group: list[_Column], limit: int) -> None:
    """Refuse sizes that do not fit, and pages that no writer makes.

    Raises:
        pa.ArrowInvalid: There is one.
    """
    chunks = [column.chunk for column in group]
    whole = sum(max(chunk.content + chunk.dictionary, chunk.n_values * chunk.value_bytes) for chunk in chunks)
    if whole > limit:
        raise pa.ArrowInvalid(f"a part of it declares {format_bytes(whole)}, and {format_bytes(limit)} are allowed")
    page = max((chunk.largest_page for chunk in chunks), default=0)
    if page > PAGE_BYTES:
        raise pa.ArrowInvalid(f"a page of it declares {format_bytes(page)}, and {format_bytes(PAGE_BYTES)} are allowed")


def _row_bytes(file: Path, number: int, group: list[_Column], limit: int) -> float:
    """Return the bytes of a row of a row group if each of its texts is the longest.

    Raises:
        pa.ArrowInvalid: A row may have so many texts that it does not fit by itself.
    """
    total = 1.0
    for column in group:
        chunk = column.chunk
        longest = chunk.shared + (_longest_text(file, number, column) if column.is_text and chunk.dictionary else 0)
        if column.in_list and longest * chunk.n_values > limit:  # one row may have all of them
            raise pa.ArrowInvalid(
                f"{column.path} may repeat a text of {format_bytes(longest)} {chunk.n_values:,} times in a row, and "
                f"{format_bytes(limit)} are allowed"
            )
        total += max(chunk.content, chunk.n_values * (chunk.value_bytes + longest)) / column.rows
    return total


def _longest_text(file: Path, number: int, column: _Column) -> int:
    """Return the bytes of the longest text in the dictionary of a column chunk: the reader gives it whole with any row."""
    with pq.ParquetFile(file, pre_buffer=False, read_dictionary=[column.path]) as opened:
        batch = next(opened.iter_batches(1, row_groups=[number], columns=[column.path]), None)
    values = None if batch is None else batch.column(0)
    while values is not None and pa.types.is_nested(values.type):
        values = values.field(0) if pa.types.is_struct(values.type) else values.values
    if values is None or not pa.types.is_dictionary(values.type) or not len(values.dictionary):
        return column.chunk.dictionary
    return int(pc.max(pc.binary_length(values.dictionary)).as_py())


def _bytes_of_values(column: pa.Array) -> int:
    """Return the bytes of a column; without those of a dictionary, which the batches of a row group share."""
    return int(column.indices.nbytes if pa.types.is_dictionary(column.type) else column.nbytes)


def _join(batches: list[pa.RecordBatch]) -> list[pa.RecordBatch]:
    """Return batches as one, or as few as their types allow."""
    return batches if len(batches) < 2 else pa.Table.from_batches(batches).combine_chunks().to_batches()
