"""Read parquet and Arrow files with pyarrow, batch by batch and with every type that it knows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from zoo.data.arrow_types import normalise_types, unify_texts
from zoo.data.bounded_parquet import read_batches
from zoo.data.readers import BATCH_ROWS, first_line
from zoo.errors import DataError
from zoo.machine_memory import available_memory

FILE_MAGIC = b"ARROW1"
"""The first bytes of Arrow's file format; a stream has none."""


def read_column_names(file: Path, kind: str) -> list[str]:
    """Return the column names of a file.

    Args:
        file: The file.
        kind: `parquet`, or `arrow` for a stream or a file of Arrow's IPC format (Feather).

    Raises:
        DataError: The file is not valid in its format.
    """
    with _open(file, kind) as (schema, _):
        return list(schema.names)


def read_arrow_file(file: Path, kind: str, columns: list[str] | None = None) -> pa.Table:
    """Read a file; its columns have the types of `zoo.data.arrow_types`.

    Args:
        file: The file.
        kind: `parquet` or `arrow`.
        columns: The columns to read; all by default.

    Raises:
        DataError: The file is not valid in its format, or a column has a type that cannot be read.
    """
    tables = list(read_arrow_batches(file, kind, columns))
    if tables:
        return pa.concat_tables(unify_texts(tables), promote_options="permissive")
    with _open(file, kind, columns) as (schema, _):
        names = schema.names if columns is None else columns
        return normalise_types(schema.empty_table().select(names), str(file))


def read_arrow_batches(file: Path, kind: str, columns: list[str] | None = None) -> Iterator[pa.Table]:
    """Yield the rows of a file a batch at a time; see `read_arrow_file`. None for a file without rows.

    A decimal without a fraction may be an integer in one batch and text in another, where it needs more than 64 bits.
    """
    with _open(file, kind, columns) as (schema, batches):
        names = schema.names if columns is None else columns
        for batch in batches:
            yield normalise_types(pa.Table.from_batches([batch]).select(names), str(file))


@contextmanager
def _open(
    file: Path, kind: str, columns: list[str] | None = None
) -> Iterator[tuple[pa.Schema, Iterator[pa.RecordBatch]]]:
    """Yield the schema and the batches of a file.

    Raises:
        DataError: The file is not valid in its format.
    """
    try:
        if kind == "parquet":
            with pq.ParquetFile(file, pre_buffer=False) as opened:
                yield opened.schema_arrow, read_batches(file, opened, columns, available_memory(), BATCH_ROWS)
        else:
            # From a buffer, a size that a message declares is compared with what is there before anything is allocated.
            yield _ipc_batches(pa.BufferReader(file.read_bytes()))
    except UnicodeDecodeError as error:
        raise DataError(
            f"{file}: cannot be read as {kind}: the name of a column is not UTF-8. Correct or recreate the file."
        ) from error
    except MemoryError as error:
        raise DataError(
            f"{file}: cannot be read as {kind}: it declares more data than fit into memory. Recreate the file, or use a part."
        ) from error
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"{file}: cannot be read as {kind}: {first_line(error)}. Correct or recreate the file."
        ) from error


def _ipc_batches(source: pa.BufferReader) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """Return the schema and the batches of Arrow's stream format or file format."""
    if source.read(len(FILE_MAGIC)) == FILE_MAGIC:
        reader = pa.ipc.open_file(source)
        return reader.schema, (_validate(reader.get_batch(at)) for at in range(reader.num_record_batches))
    source.seek(0)
    stream = pa.ipc.open_stream(source)
    return stream.schema, map(_validate, stream)


def _validate(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Check the offsets and texts of a batch, which pyarrow trusts unseen in this format."""
    batch.validate(full=True)
    return batch
