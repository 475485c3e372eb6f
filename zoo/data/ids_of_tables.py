"""Number the ids of the tables, and build the catalogue and the user table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from zoo.config.experiment import DataSettings
from zoo.data.catalogue import Catalogue
from zoo.data.dataset import Notes, Tables
from zoo.data.schema import Ids, MappedTable, ids
from zoo.data.user_table import UserTable
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
    _refuse_disjoint(source, found, logged, "item", tables.interactions_from)
    listed = {*found.unique.to_pylist()} - {*replaced.to_pylist()}
    vocabulary = Vocabulary.of(pa.array({*listed, *logged.to_pylist()}, pa.string()), settings.salt)
    notes["items of the log that the item table lacks"] = len(vocabulary) - 1 - len(listed)
    return vocabulary, vocabulary.catalogue(found, table.drop_columns(["item_id"]))


def build_users(tables: Tables, settings: DataSettings, user_ids: pa.Array, notes: Notes) -> UserTable | None:
    """Return the columns of the users of a log in the order of its rows, or None without a user table.

    Users of the table without an event in the log are left out and counted.

    Args:
        tables: The tables.
        settings: The settings of `[data]`.
        user_ids: The users of the log, `[U]`.
        notes: Counts are added to it.

    Raises:
        DataError: The table does not fit; the message names file, column, row and value.
    """
    if tables.users is None:
        if settings.user_columns:
            raise DataError(
                f"data.user_columns maps {', '.join(map(repr, settings.user_columns))}, and the source has no user table. Give the "
                "`source` of [data] a file of `users` (in Python, `read_log(..., users=...)`), or remove the mapping."
            )
        return None
    source = map_users(tables, settings)
    table = source.select(source.column_names)
    if not table.num_rows:
        raise DataError(f"{source.origin}: the table has no rows, expected one row per user. Choose another file.")
    (found,) = read_ids(source, table, ["user_id"], settings, notes)
    refuse_repeated(source, found, "user_id")
    _refuse_disjoint(source, found, user_ids, "user", tables.interactions_from)
    row_of = np.full(len(found.unique), -1, np.int64)
    has_id = found.codes >= 0
    row_of[found.codes[has_id]] = np.flatnonzero(has_id)
    at = np.asarray(pc.index_in(user_ids, found.unique).fill_null(-1).to_numpy(zero_copy_only=False), np.int64)
    rows = np.concatenate([[-1], np.where(at < 0, -1, row_of[at])])
    matched = int(np.count_nonzero(rows >= 0))
    notes["users of the log that the user table lacks"] = len(user_ids) - matched
    notes["users of the user table without an event"] = len(found.unique) - matched
    columns = table.drop_columns(["user_id"])
    ids_by_number = pa.concat_arrays([pa.nulls(1, pa.string()), user_ids.cast(pa.string())])
    if not columns.num_columns:
        return UserTable(ids_by_number, UserTable.bare(len(user_ids)).table)
    return UserTable(ids_by_number, columns.take(pa.array(rows, mask=rows < 0)))


def map_users(tables: Tables, settings: DataSettings) -> MappedTable:
    """Return the user table under its canonical column names.

    Raises:
        DataError: The mapping does not fit the table, or no column holds the users.
    """
    assert tables.users is not None
    source = MappedTable.of(
        tables.users, settings.user_columns, "data.user_columns", tables.users_from, tables.users_place
    )
    source.require("user_id")
    return source


def refuse_repeated(source: MappedTable, found: Ids, name: str = "item_id") -> None:
    """Refuse a table that lists an item or a user twice; `name` is the column of the ids.

    Raises:
        DataError: An id occurs twice; the message names both rows.
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
        f"expected each {name.removesuffix('_id')} once. Remove one of the rows.",
    )


def _refuse_disjoint(source: MappedTable, found: Ids, logged: pa.Array, kind: str, log_origin: str) -> None:
    """Refuse a table that contains none of the log's items or users; `kind` says which.

    Raises:
        DataError: The tables share no id; the message shows an id from each.
    """
    if len(found.unique) and not pc.any(pc.is_in(logged, found.unique)).as_py():
        raise DataError(
            f"{source.origin}: this table has none of the {len(logged):,} {kind}s of {log_origin}. "
            f"An id there is {logged[0].as_py()!r}, an id here is {found.unique[0].as_py()!r}. "
            f"Ids are compared as text: write them the same way in both files (leading zeros, prefixes), or map `{kind}_id` "
            f"to the right column in data.columns or data.{kind}_columns."
        )
