"""Save and load an artifact: a folder of tensors, tables and JSON that contains no code."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from zoo.artifacts.artifact import Artifact
from zoo.artifacts.components import model_of, refuse_paths, versions_of
from zoo.artifacts.folder import Folder, file_entry, replace_folder
from zoo.artifacts.histories import HISTORIES, histories_from_tensors, histories_to_tensors
from zoo.artifacts.item_columns import TITLE, read_columns, write_columns
from zoo.artifacts.manifest import FORMAT, NAME, ArtifactManifest, LogEntry, ModelEntry
from zoo.artifacts.retriever import read_retriever, write_retriever
from zoo.artifacts.stages import load_pipeline, stage_states
from zoo.artifacts.trial import try_artifact
from zoo.artifacts.user_columns import read_user_columns, write_user_columns
from zoo.data.interactions import Interactions
from zoo.data.vocabulary import Vocabulary
from zoo.errors import ArtifactError
from zoo.pipeline import Rules
from zoo.registry.registry import Registry
from zoo.tensors import write_tensors

STATE, ITEMS, USERS = "state.json", "vocabulary.parquet", "users.parquet"
ITEM_COLUMNS = {"item_id": pa.string(), "known": pa.bool_(), "eligible": pa.bool_()}
EVENTS = "events"
"""The optional column of items with their event counts in training."""
USER_COLUMNS = {"user_id": pa.string(), "known": pa.bool_()}


def save_artifact(artifact: Artifact, folder: str | Path, *, histories: bool = True) -> Path:
    """Save an artifact atomically; an existing artifact is replaced.

    Args:
        artifact: The artifact to save.
        folder: The folder to write.
        histories: Whether to save the users' histories; without them, each query must include one.

    Returns:
        The folder.

    Raises:
        ArtifactError: The state of a stage is not tensors and JSON, a parameter is a path, or the folder cannot be written.
    """
    pipeline, log = artifact.pipeline, artifact.histories
    for part in pipeline.model.parts:
        refuse_paths(part.component, part.params.model_dump(), str(folder))
    tensors, values = stage_states(pipeline)
    if histories and len(log):
        tensors[HISTORIES] = histories_to_tensors(log)
    items = (artifact.catalogue.ids[1:], pipeline.known[1:], artifact.rules.eligible[1:])
    with replace_folder(Path(folder)) as path:
        for name, held in tensors.items():
            if held:
                write_tensors(path / name, held)
        (path / STATE).write_text(json.dumps(values), encoding="utf-8")
        titled = {TITLE: artifact.titles[1:]} if TITLE in artifact.catalogue.columns else {}
        popularity = pipeline.retrieval.popularity
        counted = {} if popularity is None else {EVENTS: popularity.counts[1:]}
        _write_table(path / ITEMS, {**dict(zip(ITEM_COLUMNS, items, strict=True)), **counted, **titled})
        _write_table(path / USERS, {"user_id": artifact.user_ids, "known": pipeline.known_users[1:]})
        write_columns(artifact.catalogue, path)
        write_user_columns(pipeline.users, path)
        write_retriever(artifact, path)
        (path / NAME).write_text(_manifest(artifact, path).text(), encoding="utf-8")
    return Path(folder)


def load_artifact(
    folder: str | Path, *, plugins: Iterable[str | Path] = (), registry: Registry | None = None
) -> Artifact:
    """Load an artifact. All files are checked before any is used, and none contains code.

    Args:
        folder: The folder of the artifact.
        plugins: Python files to load as plugins in addition to the installed ones.
        registry: Where components are looked up; by default the installed plugins that the artifact needs, and no other is
            imported.

    Raises:
        ArtifactError: The folder is damaged, is not an artifact, or is incompatible with the installed plugins.
    """
    path = Path(folder)
    before = _identity(path)
    try:
        artifact = _load_and_try(path, plugins, registry)
    except ArtifactError:
        if _identity(path) == before:
            raise
    else:
        if _identity(path) == before:
            return artifact
    return _load_and_try(path, plugins, registry)  # it was replaced while it was read


def _identity(path: Path) -> int | None:
    """Return the number of a folder in its file system, which differs after the folder was replaced; None if there is none."""
    try:
        return path.stat().st_ino
    except (
        OSError
    ):  # also if another process replaces it at this moment; what is missing or unreadable is reported on reading
        return None


def _load_and_try(path: Path, plugins: Iterable[str | Path], registry: Registry | None) -> Artifact:
    """Return the artifact in a folder, after it has answered a trial query."""
    try:
        files = Folder(path)
        artifact = _load(files, registry or Registry.discover(plugins, files.manifest.distributions).require_files())
    except ArtifactError:
        raise
    except Exception as error:  # readers of damaged files and stages of plugins may raise anything
        raise ArtifactError(
            f"{path} cannot be loaded ({type(error).__name__}: {error}). Save the artifact again."
        ) from error
    try_artifact(artifact, str(path))
    return artifact


def _load(files: Folder, registry: Registry) -> Artifact:
    """Return the artifact in a checked folder."""
    path, manifest = files.path, files.manifest
    model = model_of(manifest, registry, str(path))
    items = files.table(ITEMS, ITEM_COLUMNS, {EVENTS: pa.int64(), TITLE: pa.string()})
    users = files.table(USERS, USER_COLUMNS)
    for table, name, file in ((items, "item_id", ITEMS), (users, "user_id", USERS)):
        _refuse_repeated(table[name].combine_chunks(), path / file, name)
    ids = _from_one(items["item_id"])
    if Vocabulary(ids).fingerprint != manifest.vocabulary:
        raise ArtifactError(f"{path / ITEMS}: its items do not match {NAME}. Save the artifact again.")
    columns = pa.table({name: _from_one(items[name]) for name in items.column_names})
    known, known_users = _mask(items["known"]), _mask(users["known"])
    counts = _counts(items[EVENTS]) if EVENTS in items.column_names else None
    titles = columns.select([name for name in (TITLE,) if name in columns.column_names])
    catalogue = read_columns(files, ids, titles)
    pipeline = load_pipeline(
        model,
        known,
        known_users,
        counts=counts,
        n_events=len(manifest.log.event_names),
        tensors=files.tensors,
        values=files.values(STATE),
        path=str(path),
        catalogue=catalogue,
        users=read_user_columns(files, users["user_id"].combine_chunks(), model),
    )
    pipeline, retriever = read_retriever(files, pipeline)
    return Artifact(
        pipeline,
        Rules(_mask(items["eligible"]), manifest.exclude_seen, manifest.fallback),
        manifest.candidates,
        catalogue,
        users["user_id"].combine_chunks(),
        _histories(files, manifest.log, len(users), len(items)),
        manifest.log,
        manifest.data,
        retriever,
    )


def _manifest(artifact: Artifact, path: Path) -> ArtifactManifest:
    """Return the manifest of a folder in which all other files are written."""
    model = artifact.pipeline.model
    libraries = {name: version(name) for name in ("torch", "numpy", "scipy", "pyarrow")}
    return ArtifactManifest(
        format=FORMAT,
        model=ModelEntry(label=model.variables.hide(model.label, "label"), **model.as_written()),
        versions=versions_of(model),
        libraries={"python": platform.python_version(), **libraries},
        exclude_seen=artifact.rules.exclude_seen,
        candidates=artifact.candidates,
        fallback=artifact.rules.fallback,
        log=artifact.log,
        vocabulary=artifact.vocabulary.fingerprint,
        data=model.variables.hide(artifact.data),
        files={found.name: file_entry(found) for found in sorted(path.iterdir())},
    )


def _histories(files: Folder, log: LogEntry, n_users: int, n_items: int) -> Interactions:
    """Return the histories; empty rows if the artifact was saved without them.

    Raises:
        ArtifactError: The histories do not match the users and items.
    """
    try:
        return histories_from_tensors(files.tensors(HISTORIES), log, n_users, n_items)
    except ValueError as error:
        raise ArtifactError(f"{files.path / HISTORIES}: {error}. Save the artifact again.") from None


def _refuse_repeated(column: pa.Array, path: Path, name: str) -> None:
    """Refuse a column of ids that has a null or repeats an id.

    Raises:
        ArtifactError: It does.
    """
    if column.null_count or len(column.unique()) < len(column):
        what = "is empty" if column.null_count else "occurs twice"
        raise ArtifactError(f"{path}: {name} has an entry that {what}, expected distinct ids. Save the artifact again.")


def _write_table(path: Path, columns: dict[str, Any]) -> None:
    pq.write_table(pa.table(columns), path, compression="zstd")


def _from_one(column: pa.ChunkedArray) -> pa.Array:
    """Return a column with a null prepended, so that its indices are item numbers."""
    return pa.concat_arrays([pa.nulls(1, column.type), column.combine_chunks()])


def _counts(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return a column of numbers indexed by item number; that of number 0 is 0."""
    return np.concatenate([[0], column.fill_null(0).to_numpy()])


def _mask(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Return a Boolean column indexed by item or user number; number 0 is false."""
    return np.concatenate([[False], column.fill_null(False).to_numpy()])
