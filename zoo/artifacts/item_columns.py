"""The item columns that an artifact keeps, so that the rules of a call and `update_items` can read them.

Kept are columns of numbers, Booleans, dates, short texts and lists of these. Long texts, such as descriptions, would take more
space than most models, and no rule compares them.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from zoo.artifacts.folder import Folder
from zoo.data.catalogue import Catalogue
from zoo.errors import ArtifactError

COLUMNS = "columns.parquet"
TITLE = "title"
LONGEST = 100
"""The greatest mean length of a text column that is kept, in characters."""


def kept_columns(catalogue: Catalogue, declared: Collection[str] = ()) -> Catalogue:
    """Return a catalogue with only the columns that an artifact keeps, those that stages declare, and the titles."""
    names = [
        name for name in catalogue.columns if name == TITLE or name in declared or fits_artifact(catalogue.table[name])
    ]
    return Catalogue(catalogue.ids, catalogue.table.select(names))


def item_titles(catalogue: Catalogue) -> pa.Array:
    """Return the item titles of a catalogue, `[I]`; null if an item has none."""
    if TITLE not in catalogue.columns:
        return pa.nulls(len(catalogue), pa.string())
    return catalogue.column(TITLE).cast(pa.string()).combine_chunks()


def write_columns(catalogue: Catalogue, folder: Path) -> None:
    """Write the columns besides the titles, one row per item without the padding; nothing if there are none."""
    names = [name for name in catalogue.columns if name != TITLE]
    if names:
        pq.write_table(catalogue.table.select(names).slice(1), folder / COLUMNS, compression="zstd")


def read_columns(files: Folder, ids: pa.Array, titles: pa.Table) -> Catalogue:
    """Return the catalogue of an artifact: its ids `[I]`, its titles, and the columns of its file if it has one.

    Raises:
        ArtifactError: The file is damaged, or has another number of items.
    """
    if COLUMNS not in files.manifest.files:
        return Catalogue(ids, titles)
    path = files.path / COLUMNS
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException, ValueError) as error:
        raise ArtifactError(f"{path} is not a valid parquet file ({error}). Save the artifact again.") from None
    if len(table) != len(ids) - 1 or TITLE in table.column_names:
        raise ArtifactError(f"{path} does not match the artifact's items. Save the artifact again.")
    columns = {name: _padded(table[name]) for name in table.column_names}
    return Catalogue(ids, pa.table({**dict(zip(titles.column_names, titles.columns, strict=True)), **columns}))


def _padded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column with a null before it, for the padding item."""
    return pa.chunked_array([pa.nulls(1, column.type), *column.chunks])


def fits_artifact(column: pa.ChunkedArray) -> bool:
    """Return whether an artifact keeps a column."""
    kind = column.type
    if pa.types.is_list(kind):
        kind, column = (
            kind.value_type,
            pa.chunked_array([pc.list_flatten(chunk) for chunk in column.chunks], kind.value_type),
        )
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        mean = pc.mean(pc.utf8_length(column)).as_py()
        return mean is None or mean <= LONGEST
    return bool(
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_date(kind)
        or pa.types.is_timestamp(kind)
    )
