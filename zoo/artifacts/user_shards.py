"""Write the lists of an artifact's users, one shard of users after the other; what a process does for `zoo recommend --all-users`."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from zoo.artifacts.folder import read_manifest
from zoo.artifacts.list_files import LIST_COLUMNS, list_columns
from zoo.artifacts.query_files import BLOCK
from zoo.artifacts.query_parsing import moment_of, queries_of_users
from zoo.artifacts.query_table import UNSET
from zoo.artifacts.query_warnings import QueryWarnings
from zoo.artifacts.saving import load_artifact
from zoo.atomic import write_atomically
from zoo.errors import ArtifactError, ResultsError

KEY = b"zoo.lists"
"""The entry of a shard's metadata that says which lists it belongs to."""
COLUMNS = pa.schema({"user_id": pa.string(), **LIST_COLUMNS})
"""The columns of a shard."""


@dataclass(frozen=True)
class ShardRequest:
    """What every shard of a folder of lists shares, in plain values.

    Attributes:
        artifact: The folder of the artifact.
        checksum: The checksum of its manifest.
        out: The folder of the lists.
        key: Identifies the artifact and the arguments; each shard has it in its metadata.
        k: Length of a list.
        now: The time of the queries; just after the last event if None.
        exclude: Items that no list may contain.
        where: Values that items must have.
        new_items: A file of new items to recommend too.
        plugins: Files of plugins that the artifact needs.
        shard_users: The number of users of a shard; the last one may have fewer.
    """

    artifact: str
    checksum: str
    out: str
    key: str
    k: int
    now: str | None
    exclude: tuple[str, ...]
    where: Mapping[str, Any]
    new_items: str | None
    plugins: tuple[str, ...]
    shard_users: int

    def plain(self) -> dict[str, Any]:
        """Return the values by name."""
        return asdict(self)


class ShardWriter:
    """An artifact that writes shards of the lists of its users. A shard appears under its name only when it is complete."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        """Load the artifact.

        Args:
            request: The values of a `ShardRequest`.

        Raises:
            ArtifactError: The artifact was replaced since the command began, or cannot answer its users.
            ResultsError: The folder of the lists is not there.
            DataError: A rule or a new item is wrong.
        """
        self.request = found = ShardRequest(**request)
        if not Path(found.out).is_dir():
            raise ResultsError(
                f"the folder {found.out} is not there. Put the artifact and the lists on a file system that every node has under "
                "the same path."
            )
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            artifact = load_artifact(found.artifact, plugins=found.plugins)
            if found.new_items is not None:
                artifact = artifact.with_items(found.new_items)
            if found.exclude or found.where:
                artifact = artifact.with_rules(exclude=found.exclude, where=found.where)
        self.warnings = [str(warning.message) for warning in caught]
        if read_manifest(Path(found.artifact)).checksum != found.checksum:
            raise ArtifactError(
                f"{found.artifact} was replaced while its lists were written. Write those of the new artifact to another folder."
            )
        if not len(artifact.histories) and artifact.pipeline.retrieval.need == "history":
            raise ArtifactError(
                f"{found.artifact} has no histories of its users, so each of them would get the fallback. Fit it without "
                "--without-histories, or give the histories with --queries."
            )
        self.artifact = artifact
        self.now = UNSET if found.now is None else moment_of(found.now, artifact)

    def __call__(self, shard: int) -> dict[str, Any]:
        """Write a shard; return the number of its users, counts of unusual queries, and warnings, as JSON."""
        first = shard * self.request.shard_users
        last = min(first + self.request.shard_users, len(self.artifact.user_ids))
        notes, path = QueryWarnings(), shard_path(Path(self.request.out), shard)
        schema = COLUMNS.with_metadata({KEY: self.request.key.encode()})
        try:
            with write_atomically(path) as temporary, pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
                for start in range(first, last, BLOCK):
                    users = np.arange(start, min(start + BLOCK, last))
                    writer.write_table(self._block(users, notes))
        except OSError as error:
            raise ResultsError(
                f"{path} cannot be written: {error.strerror or error}. Free some space, and run the same command again."
            ) from error
        return {"users": last - first, "notes": notes.as_json(), "warnings": self.warnings}

    def _block(self, rows: NDArray[np.int64], notes: QueryWarnings) -> pa.Table:
        """Return the lists of consecutive users, counted from 0, as a table with one row per user."""
        artifact = self.artifact
        queries = queries_of_users(artifact, rows + 1, np.full(len(rows), self.now), notes)
        found = artifact.pipeline.recommend(queries, self.request.k, artifact.rules, candidates=artifact.candidates)
        ids = artifact.user_ids.slice(int(rows[0]), len(rows))
        return pa.Table.from_arrays([ids, *list_columns(artifact, found, notes.unread)], schema=COLUMNS)


def shard_path(out: Path, shard: int) -> Path:
    """Return the file of a shard, numbered from 0."""
    return out / f"part-{shard:06}.parquet"
