"""The tables of lists in a results folder: one file for each run, and one composed of all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from zoo.benchmark.results_folder.row import Row
from zoo.errors import ResultsError


def read_lists(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Read the lists of a run.

    Args:
        path: The Parquet file.
        columns: The columns to read, of which those that the file lacks are left out; None for all.

    Raises:
        ResultsError: The file is damaged.
    """
    try:
        if columns is None:
            return pq.read_table(path)
        with pq.ParquetFile(path) as file:
            present = [name for name in columns if name in file.schema_arrow.names]
            return file.read(columns=present).select(present)
    except (MemoryError, pa.ArrowCancelled):
        raise
    except (OSError, ValueError, pa.ArrowException) as error:
        raise ResultsError(
            f"{path} cannot be read: {error}. Move it and {path.with_suffix('.json').name} away to repeat its run."
        ) from None


def write_lists(path: Path, files: list[tuple[Row, Path]]) -> None:
    """Write the lists of all runs as one table, with only one run in memory at a time."""
    schema = pa.unify_schemas([read_lists(file).schema for _, file in files])
    head = pa.schema([pa.field("model", pa.string()), pa.field("seed", pa.int64())])
    with pq.ParquetWriter(path, pa.schema([*head, *schema]), compression="zstd") as writer:
        for row, file in files:
            writer.write_table(with_run(read_lists(file), row, schema))


def with_run(table: pa.Table, row: Row, schema: pa.Schema) -> pa.Table:
    """Return the lists of a run as rows of the table of all runs: with its label and seed, and null in columns that it lacks."""
    label, seed = pa.array([row.label] * len(table), pa.string()), pa.array([row.seed] * len(table), pa.int64())
    columns = [
        table[name] if name in table.column_names else pa.nulls(len(table), schema.field(name).type)
        for name in schema.names
    ]
    return pa.table([label, seed, *columns], names=["model", "seed", *schema.names])
