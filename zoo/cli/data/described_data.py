"""What a folder says about the data that it was made from: a benchmark, an artifact, cleaned data or a prepared log."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from zoo.artifacts.manifest import NAME, ArtifactManifest
from zoo.benchmark.results_folder.store import Store
from zoo.config.experiment import DataSettings
from zoo.config.rank_experiment import JudgedData
from zoo.data.cleaned_folder import CLEANED
from zoo.data.fingerprint import fingerprint
from zoo.data.log_summary import LEFT_OUT
from zoo.data.prepared.folder import MANIFEST, open_prepared, read_manifest
from zoo.data.schema import MappedTable
from zoo.errors import DataError

COUNTS = ("rows", "events", "users", "items", "lists")
SHOWN = ("source", "clean", "accept")
"""Keys of `[data]` that are no settings of how rows become a log, or are described elsewhere."""


@dataclass(frozen=True)
class DescribedData:
    """The data behind a folder.

    Attributes:
        folder: The folder.
        kind: What it holds.
        source: The dataset component with its parameters.
        settings: The keys of `[data]` that differ from their defaults.
        split: The split; empty if there is none.
        cuts: When each part begins, by its name, if the split cuts at moments.
        fingerprint: The hash of the data, or of each file of cleaned data.
        counts: Rows, events, users, items and lists, as far as they are known.
        left_out: Rows that were left out, by reason.
        notes: Other remarks from reading the data.
        cleaners: The cleaners with their parameters, in their order.
        versions: The versions that wrote the folder, by package.
    """

    folder: str
    kind: str
    source: dict[str, Any]
    settings: dict[str, Any]
    split: dict[str, Any] = field(default_factory=dict)
    cuts: dict[str, str] = field(default_factory=dict)
    fingerprint: str | dict[str, str] = ""
    counts: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)
    cleaners: list[dict[str, Any]] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)


def describe_data(folder: Path) -> DescribedData:
    """Return what a folder says about its data; nothing but the folder is read.

    Raises:
        DataError: It is none of the folders that can be described, or is damaged.
    """
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    if NAME in names:
        return _of_artifact(folder)
    if CLEANED in names:
        return _of_cleaned(folder)
    if MANIFEST in names:
        return _of_prepared(folder) if "identity" in _read(folder / MANIFEST) else _of_benchmark(folder)
    found = f"it has {', '.join(names[:5])}{', ...' if len(names) > 5 else ''}" if names else "it is empty"
    if not folder.is_dir():
        found = "it is a file" if folder.exists() else "it does not exist"
    raise DataError(
        f"{folder}: expected the results of `zoo bench` (manifest.json), an artifact of `zoo fit` ({NAME}), data of `zoo data clean` "
        f"({CLEANED}) or a prepared log of `zoo cache list` (manifest.json), and {found}. Give one of these folders."
    )


def _of_benchmark(folder: Path) -> DescribedData:
    """Describe the data of a benchmark."""
    store = Store(folder)
    manifest = store.manifest()
    data, split = manifest.experiment.get("data", {}), manifest.experiment.get("split", {})
    defaults = (JudgedData if manifest.experiment.get("task") == "rank" else DataSettings).model_validate(
        {"source": "files"}
    )
    usual = defaults.model_dump(mode="json")
    written: dict[str, set[str]] = {}
    for row in store.rows():
        for package, version in row.versions.items():
            written.setdefault(package, set()).add(version)
    return _described(
        folder,
        "benchmark",
        manifest.notes,
        source=data.get("source", {}),
        settings={key: v for key, v in data.items() if key not in SHOWN and v != usual.get(key)},
        split=split,
        cuts=manifest.starts,
        fingerprint=manifest.description.get("data", ""),
        counts=manifest.description,
        cleaners=data.get("clean", []),
        versions={package: ", ".join(sorted(versions)) for package, versions in sorted(written.items())},
    )


def _of_artifact(folder: Path) -> DescribedData:
    """Describe the data of an artifact."""
    manifest = ArtifactManifest.of((folder / NAME).read_bytes(), str(folder / NAME))
    data, read = manifest.data, manifest.data.get("read", {})
    return _described(
        folder,
        "artifact",
        read.get("notes", {}),
        source=read.get("source", {}),
        settings=read.get("settings", {}),
        split=data.get("split", {}),
        cuts=read.get("starts", {}),
        fingerprint=data.get("data", ""),
        counts=data,
        cleaners=read.get("cleaners", []),
        versions={**manifest.versions, **manifest.libraries},
    )


def _of_cleaned(folder: Path) -> DescribedData:
    """Describe cleaned data."""
    facts = _read(folder / CLEANED)
    return _described(
        folder,
        "cleaned data",
        facts.get("notes", {}),
        source=facts.get("source", {}),
        settings=facts.get("settings", {}),
        split=facts.get("split", {}),
        cuts={f"cut {at}": moment for at, moment in enumerate(facts.get("cuts", []), 1)},
        fingerprint=facts.get("fingerprints", {}),
        counts={f"rows of {name}": count for name, count in facts.get("rows", {}).items()},
        cleaners=facts.get("cleaners", []),
        versions={"shopzoo": facts.get("version", "")},
    )


def _of_prepared(folder: Path) -> DescribedData:
    """Describe a prepared log; its fingerprint is computed from its columns.

    Raises:
        DataError: It is not whole.
    """
    prepared = read_manifest(folder)
    if prepared is None:
        raise DataError(
            f"{folder} is not whole, or was prepared by another version: a file that {MANIFEST} lists is missing or has another size. "
            "Prepare the data again with `zoo data prepare`."
        )
    data = open_prepared(prepared, MappedTable.of(pa.table({}), {}, "", ""))  # no further column is read
    identity = prepared.identity
    usual = DataSettings.model_validate({"source": "files"}).model_dump(mode="json")
    files = {name: [file[0] for file in identity[name]] for name in ("interactions", "items", "users") if identity.get(name)}  # fmt: skip
    settings = identity.get("settings", {})
    return _described(
        folder,
        "prepared log",
        prepared.notes,
        source={"name": "files", **files},
        settings={key: value for key, value in settings.items() if key not in SHOWN and value != usual.get(key)},
        fingerprint=fingerprint(data.log, data.catalogue, data.user_ids, data.users),
        counts={"events": len(data.log), "users": data.log.n_users, "items": data.log.n_items},
        versions={"shopzoo": prepared.version} if prepared.version else {},
    )


def _described(
    folder: Path, kind: str, notes: Mapping[str, Any], *, counts: Mapping[str, Any], **others: Any
) -> DescribedData:
    """Return a description, with the notes divided into counts, rows that were left out and others."""
    counted = {name: notes[name] for name in COUNTS if isinstance(notes.get(name), int)}
    counted |= {
        name: count for name, count in counts.items() if (name in COUNTS or name.startswith("rows of ")) and count
    }
    left_out = {name.removeprefix(LEFT_OUT): value for name, value in notes.items() if name.startswith(LEFT_OUT)}
    rest = {name: value for name, value in notes.items() if name not in COUNTS and not name.startswith(LEFT_OUT)}
    return DescribedData(str(folder), kind, counts=counted, left_out=left_out, notes=rest, **others)


def _read(path: Path) -> dict[str, Any]:
    """Return the content of a JSON file.

    Raises:
        DataError: It cannot be read, or holds no table.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(
            f"{path} cannot be read: {error}. Make the folder again with the command that wrote it."
        ) from None
    if not isinstance(found, dict):
        raise DataError(
            f"{path} holds {type(found).__name__}, expected a table. Make the folder again with the command that wrote it."
        )
    return found
