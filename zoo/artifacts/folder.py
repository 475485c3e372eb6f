"""A folder written whole or not at all, of which nothing is used before all of it has been checked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from safetensors import SafetensorError, safe_open
from torch import Tensor

from zoo.artifacts.manifest import NAME, FileEntry, Manifest, TensorEntry, file_digest
from zoo.atomic import write_folder_atomically
from zoo.errors import ArtifactError
from zoo.tensors import join_csr, read_parts

ENDINGS = (".json", ".parquet", ".safetensors")
"""The kinds of file that a folder may hold: none of them can hold code."""


def refuse_taken(folder: Path) -> None:
    """Refuse to write over what is no artifact; an artifact is replaced, where nothing else lies in its folder.

    Raises:
        ArtifactError: Something else is there.
    """
    if not folder.exists():
        return
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else None
    if names is None or (names and NAME not in names):
        raise ArtifactError(f"{folder} exists and is no artifact. Choose another --out, or remove it.")
    foreign = sorted(names - _files_of(folder)) if names else []
    if foreign:
        raise ArtifactError(
            f"{folder / foreign[0]} is none of the artifact's files, and would be lost with the artifact that is replaced. "
            "Move it elsewhere, or choose another --out."
        )


@contextmanager
def written(folder: Path) -> Iterator[Path]:
    """Yield a folder beside the one asked for; it is renamed into place when it is complete, and removed where it is not.

    Raises:
        ArtifactError: The place is taken by something that is no artifact, or cannot be written.
    """
    refuse_taken(folder)
    try:
        with write_folder_atomically(folder) as temporary:
            yield temporary
    except (OSError, SafetensorError) as error:
        raise ArtifactError(
            f"{folder} cannot be written: {getattr(error, 'strerror', None) or error}. "
            "Nothing of it is kept: make room, or choose another --out."
        ) from error


def entry(path: Path) -> FileEntry:
    """Return what a manifest says of a file that has been written."""
    tensors = {}
    if path.suffix == ".safetensors":
        with safe_open(path, framework="pt") as file:
            tensors = {name: _described(file.get_tensor(name)) for name in sorted(file.keys())}
    return FileEntry(size=path.stat().st_size, blake2b=file_digest(path), tensors=tensors)


class Folder:
    """An artifact's folder whose names, sizes and hashes are those of its manifest."""

    def __init__(self, path: Path) -> None:
        """Check the folder.

        Raises:
            ArtifactError: A file is missing, is one too many, or is not what it was when it was written.
        """
        self.path = path
        if not path.is_dir():
            raise ArtifactError(f"{path}: there is no such folder. Give the folder that `zoo fit` wrote.")
        if not (path / NAME).exists():
            raise ArtifactError(f"{path} holds no {NAME}: it is no artifact. Give the folder that `zoo fit` wrote.")
        names = {found.name for found in self._listed()}
        self.manifest = Manifest.of(self._content(NAME), str(path / NAME))
        expected = {NAME, *self.manifest.files}
        for name in sorted(names - expected):
            kind = "" if name.endswith(ENDINGS) else f": an artifact holds {', '.join(ENDINGS)} files only"
            raise ArtifactError(f"{path / name} is not listed in {NAME}{kind}. Remove it, or save the artifact again.")
        for name in sorted(expected - names):
            raise ArtifactError(f"{path / name} is missing: the artifact is not complete. Copy or save it again.")
        for name, listed in self.manifest.files.items():
            self._check(name, listed)

    def values(self, name: str) -> Any:
        """Return what a JSON file holds.

        Raises:
            ArtifactError: It is not JSON.
        """
        try:
            return json.loads(self._content(name))
        except (ValueError, RecursionError) as error:
            raise ArtifactError(f"{self.path / name} is not valid JSON ({error}). Save the artifact again.") from None

    def tensors(self, name: str) -> dict[str, Tensor]:
        """Return the tensors of a file, in memory of their own; none where there is no such file.

        Raises:
            ArtifactError: The file is damaged, or a tensor is not of the name, type and shape that the manifest says.
        """
        if name not in self.manifest.files:
            return {}
        path, listed = self.path / name, self.manifest.files[name].tensors
        try:
            found = read_parts(path)
        except (OSError, SafetensorError, ValueError, RuntimeError) as error:
            raise ArtifactError(f"{path} is no safetensors file ({error}). Save the artifact again.") from None
        described = {key: _described(tensor) for key, tensor in found.items()}
        for key in sorted({*described, *listed}):
            if described.get(key) != listed.get(key):
                raise ArtifactError(
                    f"{path}: tensor {key!r} is {_said(described.get(key))}, {NAME} says {_said(listed.get(key))}. "
                    "Save the artifact again."
                )
        try:
            return join_csr(found)
        except ValueError as error:
            raise ArtifactError(f"{path}: {error}. Save the artifact again.") from None

    def table(
        self, name: str, columns: Mapping[str, pa.DataType], optional: Mapping[str, pa.DataType] | None = None
    ) -> pa.Table:
        """Return a parquet file's table.

        Args:
            name: The file.
            columns: The columns that it has, and their types.
            optional: Those that it may have beside.

        Raises:
            ArtifactError: The file is damaged, or its columns are others.
        """
        path = self.path / name
        try:
            table = pq.read_table(path) if name in self.manifest.files else None
        except (OSError, pa.ArrowException, ValueError) as error:
            raise ArtifactError(f"{path} is no parquet file ({error}). Save the artifact again.") from None
        found = {} if table is None else {field.name: field.type for field in table.schema}
        beside = {key: kind for key, kind in (optional or {}).items() if key in found}
        if table is None or found != {**columns, **beside}:
            said = ", ".join(f"{column} {kind}" for column, kind in found.items()) or "none"
            wanted = ", ".join(f"{column} {kind}" for column, kind in columns.items())
            raise ArtifactError(f"{path}: its columns are {said}, expected {wanted}. Save the artifact again.")
        return table

    def _listed(self) -> list[Path]:
        """Return what is in the folder.

        Raises:
            ArtifactError: One of it is no file.
        """
        try:
            listed = sorted(self.path.iterdir())
        except OSError as error:
            raise ArtifactError(f"{self.path} cannot be read: {error.strerror or error}.") from error
        for found in listed:
            if not found.is_file():
                raise ArtifactError(
                    f"{found} is no file: an artifact holds {', '.join(ENDINGS)} files only. Remove it."
                )
        return listed

    def _content(self, name: str) -> bytes:
        """Return the bytes of a file."""
        try:
            return (self.path / name).read_bytes()
        except OSError as error:
            raise ArtifactError(f"{self.path / name} cannot be read: {error.strerror or error}.") from error

    def _check(self, name: str, listed: FileEntry) -> None:
        """Refuse a file that is not the one that was written."""
        path = self.path / name
        if not name.endswith(ENDINGS):
            raise ArtifactError(f"{path}: an artifact holds {', '.join(ENDINGS)} files only. Do not load it.")
        if path.stat().st_size != listed.size:
            found = f"{path.stat().st_size:,} bytes, {NAME} says {listed.size:,}"
            raise ArtifactError(f"{path} has {found}: it is damaged, or another's. Copy or save the artifact again.")
        if file_digest(path) != listed.blake2b:
            raise ArtifactError(
                f"{path} does not have the checksum that {NAME} says: it is damaged, or another's. "
                "Copy or save the artifact again."
            )


def _files_of(folder: Path) -> set[str]:
    """Return the names of an artifact's files, as its manifest has them; its own alone where that says nothing."""
    try:
        return {NAME, *json.loads((folder / NAME).read_bytes())["files"]}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {NAME}


def _described(tensor: Tensor) -> TensorEntry:
    """Return what a manifest says of a tensor."""
    return TensorEntry(dtype=str(tensor.dtype).removeprefix("torch."), shape=list(tensor.shape))


def _said(found: TensorEntry | None) -> str:
    """Return a tensor in words."""
    return "missing" if found is None else f"{found.dtype} {found.shape}"
