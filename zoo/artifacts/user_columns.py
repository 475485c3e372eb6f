"""The columns of users that an artifact keeps: those that its rankers and candidate features read, and no others."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from zoo.artifacts.folder import Folder
from zoo.config.resolved import ResolvedModel
from zoo.data.user_table import UserTable
from zoo.errors import ArtifactError
from zoo.pipeline.declared_columns import Needs, user_needs

USER_VALUES = "user_columns.parquet"


def write_user_columns(users: UserTable | None, folder: Path) -> None:
    """Write the columns, one row per user number from 1; nothing if there are none."""
    if users is not None:
        pq.write_table(users.table.slice(1), folder / USER_VALUES, compression="zstd")


def read_user_columns(files: Folder, user_ids: pa.Array, model: ResolvedModel) -> UserTable | None:
    """Return the columns of the users of an artifact, or None if its model declares none.

    Raises:
        ArtifactError: The file is missing or damaged, lacks a column, or has another number of users.
    """
    needs = [(name, columns) for name, columns in user_needs(model) if columns]
    if not needs:
        return None
    if USER_VALUES not in files.manifest.files:
        raise ArtifactError(
            f"{files.path}: {_first(needs)}, and the artifact has no {USER_VALUES}. Save the artifact again."
        )
    path = files.path / USER_VALUES
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException, ValueError) as error:
        raise ArtifactError(f"{path} is not a valid parquet file ({error}). Save the artifact again.") from None
    if len(table) != len(user_ids):
        raise ArtifactError(
            f"{path} has {len(table):,} rows, and the artifact has {len(user_ids):,} users. Save the artifact again."
        )
    if not {name for _, columns in needs for name in columns} <= {*table.column_names}:
        found = ", ".join(table.column_names) or "no columns"
        raise ArtifactError(f"{files.path}: {_first(needs)}, and {USER_VALUES} has {found}. Save the artifact again.")
    columns = {
        field.name: pa.chunked_array([pa.nulls(1, field.type), *table[field.name].chunks]) for field in table.schema
    }
    return UserTable(pa.concat_arrays([pa.nulls(1, pa.string()), user_ids]), pa.table(columns))


def _first(needs: Needs) -> str:
    """Return what the first part of the model that reads user columns reads."""
    name, columns = needs[0]
    return f"{name} reads the user columns {', '.join(columns)}"
