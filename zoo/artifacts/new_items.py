"""Items that were not there when a pipeline was fitted, read as a catalogue."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from zoo.data.catalogue import Catalogue
from zoo.data.files import file_table
from zoo.data.log import refuse_repeated
from zoo.data.schema import MappedTable, ids
from zoo.data.vocabulary import Vocabulary
from zoo.errors import DataError, suggestion


def new_items(source: str | Path | pa.Table, known: Vocabulary) -> tuple[Catalogue, str]:
    """Return the catalogue of new items alone, and what to call it in messages.

    Args:
        source: A row an item, under the zoo's own column names: a table, or a file in any format of the data's items.
        known: The items that there are.

    Raises:
        DataError: The table cannot be read, has no ids, names an item twice, or one that is known already.
    """
    if isinstance(source, str | Path):
        file = file_table(source)
        rows = MappedTable.of(file, {}, "the columns", file.name, file.place)
    else:
        rows = MappedTable.of(source, {}, "the columns", "new items")
    names = rows.column_names
    if "item_id" not in names:
        raise DataError(
            f"{rows.origin}: no column 'item_id'.{suggestion('item_id', names)} Its columns: {', '.join(names) or 'none'}. "
            "Give new items the column names that the items of training have in the zoo."
        )
    table = rows.select(names)
    found = ids(rows, table.column("item_id"), "item_id")
    if (found.codes < 0).any():
        rows.fail(int(np.argmax(found.codes < 0)), "item_id is empty, expected an id. Mend the row.")
    refuse_repeated(rows, found)
    again = known.numbers(found.unique)[found.codes] > 0
    if again.any():
        at = int(np.argmax(again))
        rows.fail(
            at,
            f"item_id {found.unique[int(found.codes[at])].as_py()!r} is an item of the artifact's already, expected new items "
            "only. Remove the row.",
        )
    return Vocabulary.of(found.unique).catalogue(found, table.drop_columns(["item_id"])), rows.origin
