"""Read Parquet within a limit of memory. A small file can declare billions of rows, or repeat one long text.

Rows and types are compared with the limit before anything is read. Batches are then small enough for the width of the rows, and
their sizes are added up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

SAMPLE_ROWS = 64
"""Rows whose width decides how many are read at once."""
BATCH_BYTES = 2**26
"""The intended size of a batch."""


def read_batches(
    opened: pq.ParquetFile, columns: Sequence[str] | None, limit: int, batch_rows: int
) -> Iterator[pa.RecordBatch]:
    """Yield the batches of a file.

    Args:
        opened: The file.
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
    names = None if columns is None else list(columns)
    sample = next(opened.iter_batches(SAMPLE_ROWS, columns=names), None) if rows else None
    width = sample.nbytes // max(len(sample), 1) if sample is not None else 0
    used = 0
    for batch in opened.iter_batches(max(1, min(batch_rows, BATCH_BYTES // max(width, 1))), columns=names):
        used += batch.nbytes
        if used > limit:
            raise pa.ArrowInvalid(f"its content needs more than {format_bytes(limit)}, which are allowed")
        yield batch


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
