"""Read new items, which a pipeline was not fitted on, as a catalogue, and let the pipeline take them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from zoo.artifacts.contents import ArtifactContents
from zoo.data.catalogue import Catalogue
from zoo.data.files import file_table
from zoo.data.frames import frame_table
from zoo.data.ids_of_tables import refuse_repeated
from zoo.data.schema import MappedTable, ids
from zoo.data.vocabulary import Vocabulary
from zoo.errors import ArtifactError, DataError, ZooError, suggestion
from zoo.pipeline import FittedPipeline


def pipeline_with_new_items(artifact: ArtifactContents, source: Any) -> tuple[Catalogue, FittedPipeline]:
    """Return a catalogue of only the new items, and the artifact's pipeline with them.

    Raises:
        DataError: The items cannot be read, lack a column, or include a known item.
        ArtifactError: The model cannot score items outside training, or a stage fails.
    """
    catalogue, origin = new_items(source, artifact.vocabulary)
    try:
        return catalogue, artifact.pipeline.with_items(catalogue, origin)
    except ZooError:
        raise
    except Exception as error:  # a plugin's stage may raise anything
        raise ArtifactError(
            f"{artifact.pipeline.model.label} cannot take {origin} ({type(error).__name__}: {error}). "
            "The artifact is damaged, or a plugin has changed: fit the model again."
        ) from error


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
