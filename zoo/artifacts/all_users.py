"""Lists for all users of an artifact: a folder of Parquet shards, which the same command completes after an interruption."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from zoo.artifacts.folder import read_manifest
from zoo.artifacts.manifest import file_digest
from zoo.artifacts.query_warnings import QueryWarnings
from zoo.artifacts.saving import USERS
from zoo.artifacts.user_shards import KEY, ShardRequest, ShardWriter, shard_path
from zoo.atomic import remove_leftovers, write_atomically
from zoo.errors import ArtifactError, ConfigError, ResultsError
from zoo.folder_lock import is_lock_file, lock_folder
from zoo.params import StrictTable, validated

LISTS = "_lists.json"
"""The manifest of a folder of lists. Readers of a folder of Parquet files leave out names with an underscore."""
FORMAT = 1
SHARD_USERS = 2**16
"""The default number of users of a shard."""
Mapper = Callable[[Any, Mapping[str, Any], Sequence[int], int], Generator[Mapping[str, Any], None, None]]
"""`Executor.map`: how the shards are done."""


class ListsManifest(StrictTable):
    """The content of `_lists.json`: what the lists are of, so that no shard of other lists comes among them."""

    format: int
    """The format of the folder."""
    artifact: str
    """The checksum of the artifact's manifest."""
    model: str
    """The label of the model."""
    users: int
    """The number of users of the artifact."""
    shard_users: int
    """The number of users of a shard; the last one may have fewer."""
    k: int
    """Length of a list."""
    now: str | None
    """The time of the queries."""
    exclude: list[str]
    """Items that no list may contain."""
    where: str
    """Values that items must have."""
    new_items: str
    """Hash of the file of new items; empty if there is none."""
    complete: bool = False
    """Whether all shards are written."""

    @property
    def key(self) -> str:
        """Hash of everything but `complete`."""
        plain = self.model_dump(mode="json", exclude={"complete"})
        return blake2b(json.dumps(plain, sort_keys=True).encode(), digest_size=16).hexdigest()

    @property
    def n_shards(self) -> int:
        """The number of shards."""
        return -(-self.users // self.shard_users)


@dataclass(frozen=True)
class ListsCall:
    """The arguments of a call.

    Attributes:
        k: Length of a list.
        now: The time of the queries; just after the artifact's last event if None.
        exclude: Items that no list may contain.
        where: Maps an item column to the values that an item must have.
        new_items: A file of new items to recommend too.
        plugins: Files of plugins that the artifact needs.
        shard_users: The number of users of a shard.
        threads: The number of threads of each process.
    """

    k: int = 10
    now: str | None = None
    exclude: tuple[str, ...] = ()
    where: Mapping[str, Any] = field(default_factory=dict)
    new_items: Path | None = None
    plugins: tuple[Path, ...] = ()
    shard_users: int = SHARD_USERS
    threads: int = 1


@dataclass
class WrittenLists:
    """What a call has written.

    Attributes:
        users: The number of lists in the folder.
        written: The number of lists that this call wrote.
        shards: The number of shards in the folder.
        notes: Counts of unusual queries among those of this call.
        warnings: Warnings of rules and of new items.
    """

    users: int
    written: int
    shards: int
    notes: QueryWarnings
    warnings: dict[str, None]


def recommend_all_users(
    folder: Path,
    out: Path,
    call: ListsCall,
    mapped: Mapper,
    *,
    wait: bool = False,
    waiting: Callable[[str], None] = lambda holder: None,
    progress: Callable[[int, int], None] = lambda users, of: None,
) -> WrittenLists:
    """Write a list for each user of an artifact to a folder of Parquet shards; finished shards are kept.

    This process reads only the manifest of the artifact, so that it needs no memory for it.

    Args:
        folder: The folder of the artifact.
        out: The folder to write.
        call: The arguments.
        mapped: Does the shards: `map` of an executor.
        wait: Whether to wait for another process that writes to the folder.
        waiting: Receives the holder of the folder, before waiting for it.
        progress: Called with the number of users whose lists are written, and that of all users.

    Raises:
        ArtifactError: The artifact cannot be loaded, or was replaced in the meantime.
        ConfigError: The executor cannot do it.
        DataError: An argument does not suit the artifact.
        ResultsError: The folder holds something else, or cannot be written.
    """
    manifest, checksum = _manifest_of(folder, call), read_manifest(folder).checksum
    request = ShardRequest(
        artifact=str(folder.absolute()),
        checksum=checksum,
        out=str(out.absolute()),
        key=manifest.key,
        k=call.k,
        now=call.now,
        exclude=call.exclude,
        where=dict(call.where),
        new_items=None if call.new_items is None else str(call.new_items.absolute()),
        plugins=tuple(str(file.absolute()) for file in call.plugins),
        shard_users=call.shard_users,
    )
    found = WrittenLists(manifest.users, 0, manifest.n_shards, QueryWarnings(), {})
    with lock_folder(out, wait=wait, waiting=waiting):
        done = _begin(out, manifest)
        missing = [shard for shard in range(manifest.n_shards) if shard not in done]
        ready = manifest.users - sum(_n_users(manifest, shard) for shard in missing)
        progress(ready, manifest.users)
        for answer in mapped(ShardWriter, request.plain(), missing, call.threads):
            found.written += answer["users"]
            found.notes.add(answer["notes"])
            found.warnings.update(dict.fromkeys(answer["warnings"]))
            progress(ready + found.written, manifest.users)
        _write(out, manifest.model_copy(update={"complete": True}))
    return found


def _manifest_of(folder: Path, call: ListsCall) -> ListsManifest:
    """Return the manifest of the lists that a call asks for.

    Raises:
        ArtifactError: The folder is not an artifact.
        ConfigError: The file of new items is missing.
    """
    artifact = read_manifest(folder)
    try:
        users = pq.read_metadata(folder / USERS).num_rows
    except (OSError, pa.ArrowException) as error:
        raise ArtifactError(f"{folder / USERS} cannot be read ({error}). Save the artifact again.") from None
    if call.new_items is not None and not call.new_items.is_file():
        raise ConfigError(f"--new-items {call.new_items}: there is no such file.")
    return ListsManifest(
        format=FORMAT,
        artifact=artifact.checksum,
        model=artifact.model.label,
        users=users,
        shard_users=call.shard_users,
        k=call.k,
        now=call.now,
        exclude=sorted(set(call.exclude)),
        where=json.dumps(dict(call.where), sort_keys=True, default=str),
        new_items="" if call.new_items is None else file_digest(call.new_items),
    )


def _begin(out: Path, manifest: ListsManifest) -> set[int]:
    """Write the manifest of a new folder, or compare that of an existing one; return its finished shards.

    Raises:
        ResultsError: The folder holds other lists or something else.
    """
    try:
        remove_leftovers(out)
        there = sorted(path.name for path in out.iterdir() if not is_lock_file(path))
        if LISTS in there and there != [LISTS]:  # without a shard there is nothing to mix with
            _refuse_other(out, manifest)
        elif there not in ([], [LISTS]):
            raise ResultsError(
                f"{out} holds {there[0]}, and no {LISTS}: it is no folder of lists. Choose another folder, or an empty one."
            )
        _write(out, manifest)
        return {shard for shard in range(manifest.n_shards) if _is_finished(out, shard, manifest)}
    except OSError as error:
        raise ResultsError(f"{out} cannot be written: {error.strerror or error}. Choose another folder.") from error


def _refuse_other(out: Path, manifest: ListsManifest) -> None:
    """Refuse a folder whose lists are of another artifact or of other arguments.

    Raises:
        ResultsError: They are; the message says in what they differ.
    """
    path = out / LISTS
    try:
        there = validated(ListsManifest, json.loads(path.read_bytes()), "")
    except (ValueError, RecursionError, ConfigError):
        raise ResultsError(
            f"{path} is damaged, or of another version. Choose another folder, or remove {out}."
        ) from None
    if there.key == manifest.key:
        return
    named = {"shard_users": "--shard-users", "k": "--k", "now": "--now", "exclude": "--exclude", "where": "--where"}
    differences = [
        f"{option} is {getattr(there, name)} there and {getattr(manifest, name)} here"
        for name, option in named.items()
        if getattr(there, name) != getattr(manifest, name)
    ]
    if there.artifact != manifest.artifact:
        differences.insert(0, f"the artifact is another one ({there.model}, {there.users:,} users)")
    if there.new_items != manifest.new_items:
        differences.append("--new-items is another file")
    raise ResultsError(
        f"{out} holds other lists: {'; '.join(differences) or 'the format differs'}. Choose another folder, or remove {out} to "
        "write them anew."
    )


def _is_finished(out: Path, shard: int, manifest: ListsManifest) -> bool:
    """Return whether the folder has a shard.

    Raises:
        ResultsError: Its file is damaged or belongs to other lists.
    """
    path = shard_path(out, shard)
    if not path.exists():
        return False
    try:
        read = pq.read_metadata(path)
    except (OSError, pa.ArrowException) as error:
        raise ResultsError(f"{path} is damaged ({error}). Remove it, and run the same command again.") from None
    if (read.metadata or {}).get(KEY) != manifest.key.encode() or read.num_rows != _n_users(manifest, shard):
        raise ResultsError(f"{path} belongs to other lists. Remove it, and run the same command again.")
    return True


def _n_users(manifest: ListsManifest, shard: int) -> int:
    """Return the number of users of a shard."""
    return min(manifest.shard_users, manifest.users - shard * manifest.shard_users)


def _write(out: Path, manifest: ListsManifest) -> None:
    """Write the manifest."""
    with write_atomically(out / LISTS) as file:
        file.write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")
