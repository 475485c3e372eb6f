"""New values of item columns, such as stock and price, for the items of an artifact."""

from __future__ import annotations

import os
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from zoo.artifacts.contents import ArtifactContents
from zoo.artifacts.item_columns import fits_artifact
from zoo.config.variables import expand_variables
from zoo.data.catalogue import Catalogue
from zoo.data.files import file_table
from zoo.data.frames import frame_table
from zoo.data.ids_of_tables import refuse_repeated
from zoo.data.item_values import items_with_value
from zoo.data.schema import Ids, MappedTable, ids
from zoo.errors import DataError, suggestion
from zoo.pipeline import Rules

Missing = Literal["error", "ignore"]
"""What to do with rows of items that the artifact does not know."""


def item_rows(source: Any, item_id: str) -> MappedTable:
    """Return a table of items from a data frame or a file.

    Args:
        source: A data frame as in `zoo.read_log`, or a path.
        item_id: The column that holds the ids.

    Raises:
        DataError: The table cannot be read, or has no such column.
    """
    if isinstance(source, str | Path):
        file = file_table(source)
        rows = MappedTable.of(file, {}, "the columns", file.name, file.place)
    else:
        frame = frame_table(source)
        rows = MappedTable.of(frame, {}, "the columns", frame.origin, frame.place)
    names = rows.column_names
    if item_id not in names:
        raise DataError(
            f"{rows.origin}: no column {item_id!r}.{suggestion(item_id, names)} Its columns: {', '.join(names) or 'none'}. "
            "Name the column that holds the items: item_id=..."
        )
    return rows


def updated_catalogue(
    artifact: ArtifactContents, source: Any, item_id: str, missing: Missing
) -> tuple[Catalogue, list[str]]:
    """Return the catalogue of an artifact with new values, and the names of the columns that have some.

    Items without a row keep their values; in a column that the artifact did not have, they have none.

    Raises:
        DataError: The table cannot be read, lists an item twice or an unknown item, or a column cannot be kept.
    """
    rows = item_rows(source, item_id)
    table = rows.select(rows.column_names)
    found = ids(rows, table.column(item_id), item_id)
    if (found.codes < 0).any():
        rows.fail(int(np.argmax(found.codes < 0)), f"{item_id} is empty, expected an id. Mend the row.")
    refuse_repeated(rows, found, item_id)
    numbers = artifact.vocabulary.numbers(found.unique)[found.codes]
    _refuse_unknown(rows, found, numbers, missing)
    known = np.flatnonzero(numbers > 0)
    place = np.full(len(artifact.catalogue), -1, np.int64)
    place[numbers[known]] = known
    changed = [name for name in rows.column_names if name != item_id]
    if not changed:
        raise DataError(
            f"{rows.origin}: no column besides {item_id!r}, expected new values, such as price or in_stock."
        )
    columns = dict(zip(artifact.catalogue.columns, artifact.catalogue.table.columns, strict=True))
    has_row = pa.array(place >= 0)
    for name in changed:
        _check_column(artifact.catalogue, rows, name, table.column(name))
        values = table.column(name).combine_chunks().take(pa.array(place, mask=place < 0))
        if name in columns:
            old = columns[name].combine_chunks()
            if pa.types.is_integer(old.type) and pa.types.is_floating(values.type):
                old = old.cast(pa.float64())
            values = pc.if_else(has_row, _like(rows, name, values, old.type), old)
        columns[name] = pa.chunked_array([values])
    return Catalogue(artifact.catalogue.ids, pa.table(columns)), changed


def updated_rules(artifact: ArtifactContents, catalogue: Catalogue, changed: list[str]) -> Rules:
    """Return the rules of an artifact after columns changed: `evaluate.eligible` may name one of them.

    Raises:
        ConfigError: `evaluate.eligible` uses an environment variable, which a loaded artifact expands here, and it is not set.
    """
    wanted, _ = expand_variables(artifact.data.get("evaluate", {}).get("eligible", {}), os.environ)
    if not set(wanted) & set(changed):
        return artifact.rules
    eligible = np.ones(len(catalogue), np.bool_)
    eligible[0] = False
    for column, value in wanted.items():
        eligible &= items_with_value(catalogue, column, value, "evaluate.eligible", may_be_none=True)
    return replace(artifact.rules, eligible=eligible)


def _refuse_unknown(rows: MappedTable, found: Ids, numbers: Any, missing: Missing) -> None:
    """Refuse items that the artifact does not know, unless they are to be ignored; refuse a table with no other items."""
    unknown = np.flatnonzero(numbers == 0)
    if len(unknown) and (missing == "error" or len(unknown) == len(numbers)):
        first = int(unknown[0])
        rows.fail(
            first,
            f"{found.unique[int(found.codes[first])].as_py()!r} is not an item of the artifact ({len(unknown):,} of "
            f'{len(numbers):,} rows). Add new items with with_items, or pass missing="ignore".',
        )


def _check_column(catalogue: Catalogue, rows: MappedTable, name: str, column: pa.ChunkedArray) -> None:
    """Refuse a column that rules cannot read, and a new name that is almost that of a known column.

    Raises:
        DataError: The column is refused.
    """
    if name in catalogue.columns:
        return
    near = get_close_matches(name, catalogue.columns, n=1, cutoff=0.8)
    if near:
        raise DataError(
            f"{rows.origin}: the artifact has no column {name!r}. Did you mean {near[0]!r}? Its columns: "
            f"{', '.join(catalogue.columns)}. Rename the column."
        )
    if not fits_artifact(column):
        raise DataError(
            f"{rows.origin}: the column {name!r} is {column.type}, expected numbers, Booleans, dates or short texts, which "
            "rules can read. Leave it out."
        )


def _like(rows: MappedTable, name: str, values: pa.Array, kind: pa.DataType) -> pa.Array:
    """Return new values in the type of the artifact's column.

    Raises:
        DataError: They do not fit.
    """
    try:
        return values.cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DataError(
            f"{rows.origin}: the column {name!r} is {values.type}, and the artifact has {kind} ({error}). Give it values of "
            "that type."
        ) from None
