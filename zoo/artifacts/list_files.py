"""Answer a file of queries with a file of lists, block by block; the output is written atomically."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from zoo.artifacts.artifact import Artifact
from zoo.artifacts.query_files import Block, blocks, kind_of
from zoo.artifacts.query_warnings import QueryWarnings
from zoo.atomic import write_atomically
from zoo.errors import DataError
from zoo.stages.candidates import Candidates

LIST_COLUMNS = {"items": pa.list_(pa.string()), "scores": pa.list_(pa.float32()), "served": pa.string()}
"""The columns of a list."""
SCHEMA = pa.schema({"query": pa.int64(), "user_id": pa.string(), **LIST_COLUMNS})
"""The columns of a file of lists; `query` is the row number in the file of queries, from 1."""
MODEL, FALLBACK, BOTH, NONE = "model", "fallback", "both", "none"
"""The values of `served`: what the items of a list come from; `none` for a list without items."""


def recommend_file(
    artifact: Artifact,
    queries: Path,
    out: Path,
    k: int,
    *,
    now: int | str | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> QueryWarnings:
    """Answer a file of queries with a file of lists: one row per query, in the same order.

    Args:
        artifact: The artifact that recommends.
        queries: A Parquet, CSV or JSON Lines file; the format is taken from its ending.
        out: The file to write, in one of the same formats.
        k: Length of a list.
        now: The time of queries without one.
        progress: Called with the number of finished queries.

    Returns:
        Counts of unusual queries.

    Raises:
        DataError: A file cannot be read or written, or a row is invalid; the message names file, row and column.
    """
    notes = QueryWarnings()
    with _writing(out, {".parquet": _parquet, ".csv": _csv, ".jsonl": _jsonl}[kind_of(out)]) as write:
        for block in blocks(queries):
            found = artifact.lists(block.table, k, now=now, place=block.place, origin=str(queries), notes=notes)
            write(_table(block, list_columns(artifact, found, notes.unread)))
            progress(notes.queries)
    return notes


def list_columns(artifact: Artifact, found: Candidates, unread: NDArray[np.bool_]) -> list[pa.Array]:
    """Return lists as the columns `items`, with item ids, `scores`, null for an item of the fallback, and `served`.

    Args:
        artifact: The artifact that made them.
        found: The lists, `[B, K]`.
        unread: The queries, `[B]`, of which the model could read nothing.
    """
    served = _served(found, unread if artifact.pipeline.retrieval.popularity is None else None)
    present = (found.items > 0).numpy()
    offsets = pa.array(np.concatenate([[0], np.cumsum(present.sum(1))]).astype(np.int32))
    ids = artifact.catalogue.ids.take(pa.array(found.items.numpy()[present]))
    scores = pa.array(found.scores.numpy()[present], mask=found.filled_slots().numpy()[present])
    return [pa.ListArray.from_arrays(offsets, ids), pa.ListArray.from_arrays(offsets, scores), served]


def _served(found: Candidates, unread: NDArray[np.bool_] | None) -> pa.Array:
    """Return what the items of each list come from, `[B]`.

    Args:
        found: The lists.
        unread: For an artifact without event counts: the queries, `[B]`, that its model answers without having read anything.
    """
    present, filled = (found.items > 0).sum(1).numpy(), found.filled_slots().sum(1).numpy()
    if unread is not None:
        filled = np.where(unread, present, 0)
    kinds = np.select([present == 0, filled == 0, filled == present], [NONE, MODEL, FALLBACK], BOTH)
    return pa.array(kinds.astype(object), pa.string())


def _table(block: Block, lists: list[pa.Array]) -> pa.Table:
    """Return the lists of a block as a table."""
    n = len(block.table)
    users = block.table.column("user_id") if "user_id" in block.table.column_names else None
    if users is not None and pa.types.is_floating(users.type):  # integers with gaps, as pandas writes them
        users = users.cast(pa.int64())
    columns = [
        pa.array(np.arange(block.first + 1, block.first + 1 + n)),
        pa.nulls(n, pa.string()) if users is None else users.cast(pa.string()),
        *lists,
    ]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


@contextmanager
def _writing(out: Path, opened: Callable[[Path], Any]) -> Iterator[Callable[[pa.Table], None]]:
    """Yield a function that writes tables to a temporary file, which replaces `out` on success.

    Raises:
        DataError: The file cannot be written.
    """
    try:
        with write_atomically(out) as temporary, opened(temporary) as write:
            yield write
    except OSError as error:
        raise DataError(f"{out} cannot be written: {error.strerror or error}. Choose another file.") from error


@contextmanager
def _parquet(path: Path) -> Iterator[Callable[[pa.Table], None]]:
    """Yield a function that writes a parquet file, one row group per table."""
    with pq.ParquetWriter(path, SCHEMA, compression="zstd") as writer:
        yield writer.write_table


@contextmanager
def _csv(path: Path) -> Iterator[Callable[[pa.Table], None]]:
    """Yield a function that writes a CSV file; list entries are separated by commas."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(SCHEMA.names)

        def write(table: pa.Table) -> None:
            for query, user, items, scores, served in _rows(table):
                if any("," in item for item in items):
                    raise DataError(
                        f"the item {next(i for i in items if ',' in i)!r} has a comma in its id, and commas separate the "
                        "entries of a list in CSV. Write .parquet or .jsonl."
                    )
                writer.writerow([query, user, ",".join(items), ",".join(map(_format_score, scores)), served])

        yield write


@contextmanager
def _jsonl(path: Path) -> Iterator[Callable[[pa.Table], None]]:
    """Yield a function that writes one JSON object per line."""
    with path.open("w", encoding="utf-8") as file:

        def write(table: pa.Table) -> None:
            for query, user, items, scores, served in _rows(table):
                values = (query, user, items, [None if s is None else float(_format_score(s)) for s in scores], served)
                row = dict(zip(SCHEMA.names, values, strict=True))
                file.write(json.dumps(row, ensure_ascii=False) + "\n")

        yield write


def _rows(table: pa.Table) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a table of lists."""
    return zip(*(column.to_pylist() for column in table.columns), strict=True)


def _format_score(score: float | None) -> str:
    """Return the shortest decimal representation of a float32; nothing for an item of the fallback."""
    return "" if score is None else str(np.float32(score))
