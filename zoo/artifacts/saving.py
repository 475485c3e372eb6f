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
import torch
from numpy.typing import NDArray

from zoo.artifacts.artifact import TITLE, Artifact
from zoo.artifacts.components import model_of, versions_of
from zoo.artifacts.folder import Folder, file_entry, replace_folder
from zoo.artifacts.manifest import FORMAT, NAME, ArtifactManifest, LogEntry, ModelEntry
from zoo.artifacts.stages import load_pipeline, stage_states
from zoo.data.catalogue import Catalogue
from zoo.data.interactions import Interactions
from zoo.data.vocabulary import Vocabulary
from zoo.errors import ArtifactError
from zoo.pipeline import Rules
from zoo.registry.registry import Registry, default_registry
from zoo.tensors import write_tensors

STATE, ITEMS, USERS, HISTORIES = "state.json", "vocabulary.parquet", "users.parquet", "histories.safetensors"
ITEM_COLUMNS = {"item_id": pa.string(), "known": pa.bool_(), "eligible": pa.bool_()}
EVENTS = "events"
"""The optional column of items with their event counts in training."""
USER_COLUMNS = {"user_id": pa.string(), "known": pa.bool_()}
EVENT_ARRAYS = ("offsets", "items", "times", "events")


def save_artifact(artifact: Artifact, folder: str | Path, *, histories: bool = True) -> Path:
    """Save an artifact atomically; an existing artifact is replaced.

    Args:
        artifact: The artifact to save.
        folder: The folder to write.
        histories: Whether to save the users' histories; without them, each query must include one.

    Returns:
        The folder.

    Raises:
        ArtifactError: The state of a stage is not tensors and JSON, or the folder cannot be written.
    """
    pipeline, log = artifact.pipeline, artifact.histories
    tensors, values = stage_states(pipeline)
    if histories and len(log):
        arrays = {name: np.ascontiguousarray(getattr(log, name)) for name in EVENT_ARRAYS}
        tensors[HISTORIES] = {name: torch.from_numpy(array) for name, array in arrays.items()}
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
        (path / NAME).write_text(_manifest(artifact, path).text(), encoding="utf-8")
    return Path(folder)


def load_artifact(
    folder: str | Path, *, plugins: Iterable[str | Path] = (), registry: Registry | None = None
) -> Artifact:
    """Load an artifact. All files are checked before any is used, and none contains code.

    Args:
        folder: The folder of the artifact.
        plugins: Python files to load as plugins in addition to the installed ones.
        registry: Where components are looked up; the installed plugins by default.

    Raises:
        ArtifactError: The folder is damaged, is not an artifact, or is incompatible with the installed plugins.
    """
    found = registry or (Registry.discover(plugins) if plugins else default_registry())
    try:
        return _load(Folder(Path(folder)), found)
    except ArtifactError:
        raise
    except Exception as error:  # readers of damaged files and stages of plugins may raise anything
        raise ArtifactError(
            f"{folder} cannot be loaded ({type(error).__name__}: {error}). Save the artifact again."
        ) from error


def _load(files: Folder, registry: Registry) -> Artifact:
    """Return the artifact in a checked folder."""
    path, manifest = files.path, files.manifest
    model = model_of(manifest, registry, str(path))
    items = files.table(ITEMS, ITEM_COLUMNS, {EVENTS: pa.int64(), TITLE: pa.string()})
    users = files.table(USERS, USER_COLUMNS)
    ids = _from_one(items["item_id"])
    if Vocabulary(ids).fingerprint != manifest.vocabulary:
        raise ArtifactError(f"{path / ITEMS}: its items do not match {NAME}. Save the artifact again.")
    columns = pa.table({name: _from_one(items[name]) for name in items.column_names})
    known, known_users = _mask(items["known"]), _mask(users["known"])
    counts = _counts(items[EVENTS]) if EVENTS in items.column_names else None
    pipeline = load_pipeline(
        model, known, known_users, counts=counts, tensors=files.tensors, values=files.values(STATE), path=str(path)
    )
    return Artifact(
        pipeline,
        Rules(_mask(items["eligible"]), manifest.exclude_seen, manifest.fallback),
        manifest.candidates,
        Catalogue(ids, columns.select([name for name in (TITLE,) if name in columns.column_names])),
        users["user_id"].combine_chunks(),
        _histories(files, manifest.log, len(users), len(ids)),
        manifest.log,
        manifest.data,
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
    names, weights = log.event_names, log.event_weights
    found = files.tensors(HISTORIES) or {
        "offsets": torch.zeros(n_users + 1, dtype=torch.int64),
        "items": torch.zeros(0, dtype=torch.int32),
        "times": torch.zeros(0, dtype=torch.int64),
        "events": torch.zeros(0, dtype=torch.uint8),
    }
    offsets, items, times, events = (found[name].numpy() for name in EVENT_ARRAYS)
    fits = (
        [array.dtype.name for array in (offsets, items, times, events)] == ["int64", "int32", "int64", "uint8"]
        and offsets.shape == (n_users + 1,)
        and items.shape == times.shape == events.shape == (offsets[-1],)
        and offsets[0] == 0
        and bool((np.diff(offsets) >= 0).all())
        and 0 < items.min(initial=1) <= items.max(initial=1) < n_items
        and events.max(initial=0) < len(names) == len(weights)
    )
    if not fits:
        raise ArtifactError(f"{files.path / HISTORIES} does not match the artifact's users and items. Save it again.")
    return Interactions(
        offsets, items, times, events, n_items - 1, tuple(names), np.asarray(weights, np.float32), log.clock
    )


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
