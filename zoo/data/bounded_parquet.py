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
VALUE_BYTES, LARGEST_DECIMAL = {"BOOLEAN": 1, "INT32": 4, "FLOAT": 4}, 32
"""The bytes of a value in memory by its physical type, 8 for the others, and the most bytes of a decimal."""
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
    texts = {column.path for group in groups for column in group if column.is_text and column.chunk.dictionary}
    dictionaries = pq.ParquetFile(file, metadata=opened.metadata, pre_buffer=False, read_dictionary=sorted(texts))
    for number, group in enumerate(groups):
        room = min(limit - used, STEP_BYTES)
        step, size = max(1, min(batch_rows, int(room // _row_bytes(dictionaries, number, group)))), 0
        _check_lists(dictionaries, number, group, step, limit)
        for batch in opened.iter_batches(step, row_groups=[number], columns=names):
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
        value_bytes: The most bytes of a value in memory, without those of its text.
        rows: Number of rows of the row group.
        chunk: What the file declares.
    """

    path: str
    in_list: bool
    is_text: bool
    value_bytes: int
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
    found = [
        _Column(
            leaf.path,
            leaf.max_repetition_level > 0,
            leaf.path not in numbers,
            _value_bytes(leaf),
            max(group.rows, 1),
            chunk,
        )
        for leaf, chunk in zip(leaves, group.chunks, strict=True)
        if columns is None or any(leaf.path == name or leaf.path.startswith(f"{name}.") for name in columns)
    ]
    for column in found:
        least, most = group.rows, column.chunk.n_values if column.in_list else group.rows
        if not 0 <= least <= column.chunk.n_values <= most:
            raise pa.ArrowInvalid(f"{column.path} declares {column.chunk.n_values:,} values for {group.rows:,} rows")
    return found


def _value_bytes(leaf: pq.ColumnSchema) -> int:
    """Return the most bytes of a value in memory, without those of its text."""
    if leaf.physical_type == "FIXED_LEN_BYTE_ARRAY":
        return max(int(leaf.length), LARGEST_DECIMAL)
    return LARGEST_DECIMAL if leaf.logical_type.type == "DECIMAL" else VALUE_BYTES.get(leaf.physical_type, 8)


def _check_declared(group: list[_Column], limit: int) -> None:
    """Refuse sizes that do not fit, and pages that no writer makes.

    Raises:
        pa.ArrowInvalid: There is one.
    """
    whole = sum(
        max(column.chunk.content + column.chunk.dictionary, column.chunk.n_values * column.value_bytes)
        for column in group
    )
    if whole > limit:
        raise pa.ArrowInvalid(f"a part of it declares {format_bytes(whole)}, and {format_bytes(limit)} are allowed")
    page = max((column.chunk.largest_page for column in group), default=0)
    if page > PAGE_BYTES:
        raise pa.ArrowInvalid(f"a page of it declares {format_bytes(page)}, and {format_bytes(PAGE_BYTES)} are allowed")


def _row_bytes(dictionaries: pq.ParquetFile, number: int, group: list[_Column]) -> float:
    """Return the bytes of a row of a row group if each of its texts is the longest."""
    total = 1.0
    for column in group:
        chunk = column.chunk
        longest = chunk.shared + _longest_text(dictionaries, number, column)
        total += max(chunk.content, chunk.n_values * (column.value_bytes + longest)) / column.rows
    return total


def _longest_text(dictionaries: pq.ParquetFile, number: int, column: _Column) -> int:
    """Return the bytes of the longest text in the dictionary of a column chunk, of which a row with a number in it has the whole."""
    if not (column.is_text and column.chunk.dictionary):
        return 0
    if not column.chunk.shows_dictionary or column.chunk.dictionary * column.chunk.n_values <= STEP_BYTES:
        return column.chunk.dictionary
    batch = next(dictionaries.iter_batches(1, row_groups=[number], columns=[column.path]), None)
    values = None if batch is None else _texts_of(batch.column(0))
    if values is None or not len(values.dictionary):
        return column.chunk.dictionary
    return int(pc.max(pc.binary_length(values.dictionary)).as_py())


def _check_lists(dictionaries: pq.ParquetFile, number: int, group: list[_Column], step: int, limit: int) -> None:
    """Refuse lists whose texts do not fit: a row may have all values of a row group. Reads them as numbers of texts.

    Raises:
        pa.ArrowInvalid: There are such lists.
    """
    for column in group:
        if not (column.in_list and column.is_text and column.chunk.dictionary * column.chunk.n_values > limit):
            continue
        for batch in dictionaries.iter_batches(step, row_groups=[number], columns=[column.path]):
            values = _texts_of(batch.column(0))
            lengths = pc.binary_length(values.dictionary).take(values.indices) if values is not None else pa.array([0])
            needed = pc.sum(lengths.cast(pa.int64())).as_py() or 0
            if needed > limit:
                raise pa.ArrowInvalid(
                    f"the texts of {len(batch):,} lists in {column.path} need {format_bytes(needed)}, and "
                    f"{format_bytes(limit)} are allowed"
                )


def _texts_of(column: pa.Array) -> pa.DictionaryArray | None:
    """Return the texts in a column of lists and structures; None if they have no dictionary."""
    while pa.types.is_nested(column.type):
        column = column.field(0) if pa.types.is_struct(column.type) else column.values
    return column if pa.types.is_dictionary(column.type) else None


def _bytes_of_values(column: pa.Array) -> int:
    """Return the bytes of a column; without those of a dictionary, which the batches of a row group share."""
    return int(column.indices.nbytes if pa.types.is_dictionary(column.type) else column.nbytes)


def _join(batches: list[pa.RecordBatch]) -> list[pa.RecordBatch]:
    """Return batches as one, or as few as their types allow."""
    return batches if len(batches) < 2 else pa.Table.from_batches(batches).combine_chunks().to_batches()
