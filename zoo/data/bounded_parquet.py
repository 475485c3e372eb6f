"""Read Parquet within a limit of memory. A small file can declare billions of rows, or repeat one long text.

Rows, types and the sizes that the file declares are compared with the limit before anything is read. Then the rows are read in
steps so small that a step fits even if each of its texts is the longest, and the sizes of the steps are added up. A row is the
smallest step: a list of long texts in one row can exceed the limit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

BATCH_BYTES = 2**26
"""The intended size of a batch."""
VALUE_BYTES = {"BOOLEAN": 1, "INT32": 4, "FLOAT": 4}
"""The most bytes of a value of fixed width in memory, by its physical type; 8 for the others."""
DICTIONARY_PAGE = 2


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
    schema = opened.schema_arrow
    kinds = [field.type for field in schema if columns is None or field.name in columns]
    rows = opened.metadata.num_rows
    least = rows * sum(map(_least_bits, kinds)) // 8
    if least > limit:
        raise pa.ArrowInvalid(
            f"its {rows:,} rows need at least {format_bytes(least)}, and {format_bytes(limit)} are allowed"
        )
    groups = [_declared_sizes(file, opened, group, columns) for group in range(opened.num_row_groups if rows else 0)]
    if largest := max((whole for whole, _ in groups if whole > limit), default=0):
        raise pa.ArrowInvalid(f"a part of it declares {format_bytes(largest)}, and {format_bytes(limit)} are allowed")
    names, used = None if columns is None else list(columns), 0
    pending, pending_rows, pending_bytes = list[pa.RecordBatch](), 0, 0
    for group, (_, widest) in enumerate(groups):
        step, size = max(1, min(batch_rows, (limit - used) // 2 // max(widest, 1))), 0
        for batch in opened.iter_batches(step, row_groups=[group], columns=names):
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


def _declared_sizes(file: Path, opened: pq.ParquetFile, group: int, columns: Sequence[str] | None) -> tuple[int, int]:
    """Return the bytes that a row group declares, and the most that one of its rows adds to those of fixed width."""
    whole = widest = 0
    shared = {field.name for field in opened.schema_arrow if pa.types.is_dictionary(field.type)}
    with file.open("rb") as raw:
        for number in range(opened.metadata.num_columns):
            leaf, chunk = opened.schema.column(number), opened.metadata.row_group(group).column(number)
            if columns is not None and not any(
                leaf.path == name or leaf.path.startswith(f"{name}.") for name in columns
            ):
                continue
            size, longest = int(chunk.total_uncompressed_size), 0
            if leaf.physical_type == "BYTE_ARRAY":
                longest = size if "DELTA_BYTE_ARRAY" in chunk.encodings else _dictionary_bytes(raw, chunk)
            if leaf.max_repetition_level:  # one row may have all values
                longest += max(size, chunk.num_values * VALUE_BYTES.get(leaf.physical_type, 8))
            whole += max(size, longest)
            widest += 0 if leaf.path in shared else longest  # else the rows have numbers of texts
    return whole, widest


def _dictionary_bytes(raw: BinaryIO, chunk: Any) -> int:
    """Return the bytes of the dictionary of a column chunk, one of whose texts may be repeated in each row; 0 if it has none.

    The header of the page tells them: a Thrift structure that begins with the type of the page and its uncompressed size.
    """
    raw.seek(min(offset for offset in (chunk.data_page_offset, chunk.dictionary_page_offset) if offset))
    header = raw.read(16)
    (kind, rest), size = _thrift_number(header), 0
    if kind == DICTIONARY_PAGE:
        size, _ = _thrift_number(rest)
        return size if size >= 0 else int(chunk.total_uncompressed_size)
    return 0 if kind >= 0 else int(chunk.total_uncompressed_size)


def _thrift_number(header: bytes) -> tuple[int, bytes]:
    """Return the number in the next field of a structure and what follows it; -1 if it is something else."""
    value = 0
    if header[:1] != b"\x15":  # the next field, of 32 bits
        return -1, b""
    for place, byte in enumerate(header[1:6]):
        value |= (byte & 127) << 7 * place
        if byte < 128:
            return (value >> 1) ^ -(value & 1), header[place + 2 :]
    return -1, b""


def _bytes_of_values(column: pa.Array) -> int:
    """Return the bytes of a column; without those of a dictionary, which the batches of a row group share."""
    return int(column.indices.nbytes if pa.types.is_dictionary(column.type) else column.nbytes)


def _join(batches: list[pa.RecordBatch]) -> list[pa.RecordBatch]:
    """Return batches as one, or as few as their types allow."""
    return batches if len(batches) < 2 else pa.Table.from_batches(batches).combine_chunks().to_batches()
