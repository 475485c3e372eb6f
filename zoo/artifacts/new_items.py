"""Read new items, which a pipeline was not fitted on, as a catalogue."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from zoo.data.catalogue import Catalogue
from zoo.data.files import file_table
from zoo.data.frames import frame_table
from zoo.data.ids_of_tables import refuse_repeated
from zoo.data.schema import MappedTable, ids
from zoo.data.vocabulary import Vocabulary
from zoo.errors import DataError, suggestion


def new_items(source: Any, known: Vocabulary) -> tuple[Catalogue, str]:
    """Return a catalogue of only the new items, and its name for messages.

    Args:
        source: A data frame as in `zoo.read_log`, or a file, with one row per item and canonical column names.
        known: The items of the artifact.

    Raises:
        DataError: The table cannot be read, has no ids, or contains an item twice or a known item.
    """
    if isinstance(source, str | Path):
        file = file_table(source)
        rows = MappedTable.of(file, {}, "the columns", file.name, file.place)
    elif isinstance(source, pa.Table):
        rows = MappedTable.of(source, {}, "the columns", "new items")
    else:
        frame = frame_table(source)
        rows = MappedTable.of(frame, {}, "the columns", frame.origin, frame.place)
    names = rows.column_names
    if "item_id" not in names:
        raise DataError(
            f"{rows.origin}: no column 'item_id'.{suggestion('item_id', names)} Its columns: {', '.join(names) or 'none'}. "
            "Use the canonical column names of the training items."
        )
    table = rows.select(names)
    found = ids(rows, table.column("item_id"), "item_id")
    if (found.codes < 0).any():
        rows.fail(int(np.argmax(found.codes < 0)), "item_id is empty, expected an id. Mend the row.")
    refuse_repeated(rows, found)
    is_known = known.numbers(found.unique)[found.codes] > 0
    if is_known.any():
        at = int(np.argmax(is_known))
        rows.fail(
            at,
            f"item_id {found.unique[int(found.codes[at])].as_py()!r} is already an item of the artifact, expected new items "
            "only. Remove the row.",
        )
    return Vocabulary.of(found.unique).catalogue(found, table.drop_columns(["item_id"])), rows.origin
