"""Number the ids of the event table and of the item table, and build the catalogue."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from zoo.config.experiment import DataSettings
from zoo.data.catalogue import Catalogue
from zoo.data.dataset import Notes, Tables
from zoo.data.schema import Ids, MappedTable, ids
from zoo.data.vocabulary import Vocabulary
from zoo.errors import DataError


def read_ids(
    table: MappedTable, columns: pa.Table, names: Sequence[str], settings: DataSettings, notes: Notes
) -> list[Ids]:
    """Number the ids of the given columns.

    Raises:
        DataError: A row has no id, and `data.null_ids` is "error".
    """
    found = [ids(table, columns.column(name), name) for name in names]
    missing = {name: int(np.count_nonzero(f.codes < 0)) for name, f in zip(names, found, strict=True)}
    if any(missing.values()) and settings.null_ids == "error":
        at, name = next((at, name) for at, name in enumerate(names) if missing[name])
        counted = ", ".join(f"rows without {name}: {count:,}" for name, count in missing.items() if count)
        table.fail(
            int(np.argmax(found[at].codes < 0)),
            f"{table.display_name(name)} is empty, expected an id ({counted}). "
            'Correct the data, or drop these rows: data.null_ids = "drop" (in Python, null_ids="drop").',
        )
    notes |= {f"left out: rows of {table.origin} without {name}": count for name, count in missing.items()}
    return found


def build_catalogue(
    tables: Tables, settings: DataSettings, logged: pa.Array, notes: Notes, replaced: pa.Array
) -> tuple[Vocabulary, Catalogue]:
    """Return the vocabulary of the items in the log and the item table without the replaced ones, and the catalogue in its order."""
    if tables.items is None:
        vocabulary = Vocabulary.of(logged, settings.salt)
        return vocabulary, vocabulary.catalogue()
    source = MappedTable.of(
        tables.items, settings.item_columns, "data.item_columns", tables.items_from, tables.items_place
    )
    source.require("item_id")
    table = source.select(source.column_names)
    if not table.num_rows:
        raise DataError(f"{source.origin}: the table has no rows, expected one row per item. Choose another file.")
    (found,) = read_ids(source, table, ["item_id"], settings, notes)
    refuse_repeated(source, found)
    _refuse_disjoint(source, found, logged, tables.interactions_from)
    listed = {*found.unique.to_pylist()} - {*replaced.to_pylist()}
    vocabulary = Vocabulary.of(pa.array({*listed, *logged.to_pylist()}, pa.string()), settings.salt)
    notes["items of the log that the item table lacks"] = len(vocabulary) - 1 - len(listed)
    return vocabulary, vocabulary.catalogue(found, table.drop_columns(["item_id"]))


def refuse_repeated(source: MappedTable, found: Ids, name: str = "item_id") -> None:
    """Refuse an item table that lists an item twice; `name` is the column of the ids.

    Raises:
        DataError: An item occurs twice; the message names both rows.
    """
    rows = np.flatnonzero(found.codes >= 0)
    codes = found.codes[rows]
    if len(codes) == len(found.unique):
        return
    first = np.unique(codes, return_index=True)[1]
    again = int(np.setdiff1d(np.arange(len(codes)), first)[0])
    earlier = int(rows[np.argmax(codes == codes[again])])
    source.fail(
        int(rows[again]),
        f"{source.display_name(name)} {found.unique[int(codes[again])].as_py()!r} occurs already in {source.place(earlier)}, "
        "expected each item once. Remove one of the rows.",
    )


def _refuse_disjoint(source: MappedTable, found: Ids, logged: pa.Array, log_origin: str) -> None:
    """Refuse an item table that contains none of the log's items.

    Raises:
        DataError: The tables share no id; the message shows an id from each.
    """
    if len(found.unique) and not pc.any(pc.is_in(logged, found.unique)).as_py():
        raise DataError(
            f"{source.origin}: this table has none of the {len(logged):,} items of {log_origin}. "
            f"An id there is {logged[0].as_py()!r}, an id here is {found.unique[0].as_py()!r}. "
            "Ids are compared as text: write them the same way in both files (leading zeros, prefixes), or map `item_id` "
            "to the right column in data.columns or data.item_columns."
        )
