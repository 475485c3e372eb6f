"""The folder of an artifact: written atomically, and fully checked before anything in it is used."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from safetensors import SafetensorError, safe_open
from torch import Tensor

from zoo.artifacts.manifest import NAME, ArtifactManifest, FileEntry, TensorEntry, file_digest
from zoo.atomic import heal_folder, write_folder_atomically
from zoo.data.bounded_parquet import read_batches
from zoo.data.readers import BATCH_ROWS
from zoo.errors import ArtifactError
from zoo.machine_memory import available_memory
from zoo.tensors import join_csr, read_parts

ENDINGS = (".json", ".parquet", ".safetensors", ".usearch")
"""The file types that a folder may contain; none of them can contain code."""
IGNORED = {".DS_Store", "Thumbs.db", "desktop.ini"}
"""Files that file managers create in a folder that somebody looks at."""
SMALL_TABLE, LARGEST_RATIO = 2**26, 200
"""Bytes that a table may take in memory: a constant, and so many for each byte of its file."""


def refuse_taken(folder: Path) -> None:
    """Refuse to overwrite a folder that is not an artifact, or that contains other files too.

    Raises:
        ArtifactError: The path exists and is something else.
    """
    if not folder.exists():
        return
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else None
    if names is None or (names and NAME not in names):
        raise ArtifactError(f"{folder} exists and is not an artifact. Choose another folder, or remove it.")
    foreign = sorted(names - _files_of(folder) - IGNORED) if names else []
    if foreign:
        raise ArtifactError(
            f"{folder / foreign[0]} is not part of the artifact and would be deleted when the artifact is replaced. "
            "Move it elsewhere, or choose another folder."
        )


@contextmanager
def replace_folder(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder; on success it is renamed to the final folder, on failure removed.

    Raises:
        ArtifactError: The path exists and is not an artifact, or cannot be written.
    """
    try:
        heal_folder(folder)
        refuse_taken(folder)
        with write_folder_atomically(folder) as temporary:
            yield temporary
    except (OSError, SafetensorError) as error:
        raise ArtifactError(
            f"{folder} cannot be written: {getattr(error, 'strerror', None) or error}. "
            "Nothing was written. Free some space, or choose another folder."
        ) from error


def file_entry(path: Path) -> FileEntry:
    """Return the manifest entry of a file."""
    tensors = {}
    if path.suffix == ".safetensors":
        with safe_open(path, framework="pt") as file:
            tensors = {name: _tensor_entry(file.get_tensor(name)) for name in sorted(file.keys())}
    return FileEntry(size=path.stat().st_size, blake2b=file_digest(path), tensors=tensors)


class Folder:
    """An artifact's folder whose file names, sizes and hashes match its manifest."""

    def __init__(self, path: Path) -> None:
        """Check the folder.

        Raises:
            ArtifactError: A file is missing, unexpected or changed.
        """
        self.path = path
        self.manifest = read_manifest(path)
        names = {found.name for found in self._listed()}
        expected = {NAME, *self.manifest.files}
        for name in sorted(names - expected):
            kind = "" if name.endswith(ENDINGS) else f": an artifact holds {', '.join(ENDINGS)} files only"
            raise ArtifactError(f"{path / name} is not listed in {NAME}{kind}. Remove it, or save the artifact again.")
        for name in sorted(expected - names):
            raise ArtifactError(f"{path / name} is missing: the artifact is not complete. Copy or save it again.")
        for name, listed in self.manifest.files.items():
            self._check(name, listed)

    def values(self, name: str) -> Any:
        """Return the content of a JSON file.

        Raises:
            ArtifactError: The file is not valid JSON.
        """
        try:
            return json.loads(_content(self.path / name))
        except (ValueError, RecursionError) as error:
            raise ArtifactError(f"{self.path / name} is not valid JSON ({error}). Save the artifact again.") from None

    def content(self, name: str) -> bytes:
        """Return the bytes of a file.

        Raises:
            ArtifactError: It cannot be read.
        """
        return _content(self.path / name)

    def tensors(self, name: str) -> dict[str, Tensor]:
        """Return copies of the tensors of a file; an empty dictionary if the file does not exist.

        Raises:
            ArtifactError: The file is damaged, or names, types and shapes of its tensors do not match the manifest.
        """
        if name not in self.manifest.files:
            return {}
        path, listed = self.path / name, self.manifest.files[name].tensors
        try:
            found = read_parts(path)
        except (OSError, SafetensorError, ValueError, RuntimeError) as error:
            raise ArtifactError(f"{path} is not a valid safetensors file ({error}). Save the artifact again.") from None
        described = {key: _tensor_entry(tensor) for key, tensor in found.items()}
        for key in sorted({*described, *listed}):
            if described.get(key) != listed.get(key):
                raise ArtifactError(
                    f"{path}: tensor {key!r} is {_format_entry(described.get(key))}, {NAME} says {_format_entry(listed.get(key))}. "
                    "Save the artifact again."
                )
        try:
            return join_csr(found)
        except ValueError as error:
            raise ArtifactError(f"{path}: {error}. Save the artifact again.") from None

    def table(
        self, name: str, columns: Mapping[str, pa.DataType], optional: Mapping[str, pa.DataType] | None = None
    ) -> pa.Table:
        """Return the table of a parquet file.

        Args:
            name: The file name.
            columns: The required columns and their types.
            optional: Further columns that it may have.

        Raises:
            ArtifactError: The file is damaged, or has other columns.
        """
        path = self.path / name
        try:
            table = _read_parquet(path) if name in self.manifest.files else None
        except (OSError, pa.ArrowException, ValueError) as error:
            raise ArtifactError(f"{path} is not a valid parquet file ({error}). Save the artifact again.") from None
        found = {} if table is None else {field.name: field.type for field in table.schema}
        present = {key: kind for key, kind in (optional or {}).items() if key in found}
        if table is None or found != {**columns, **present}:
            actual = ", ".join(f"{column} {kind}" for column, kind in found.items()) or "none"
            expected = ", ".join(f"{column} {kind}" for column, kind in columns.items())
            raise ArtifactError(f"{path}: its columns are {actual}, expected {expected}. Save the artifact again.")
        return table

    def _listed(self) -> list[Path]:
        """Return the paths in the folder.

        Raises:
            ArtifactError: One of them is not a file.
        """
        try:
            listed = sorted(self.path.iterdir())
        except OSError as error:
            raise ArtifactError(f"{self.path} cannot be read: {error.strerror or error}.") from error
        for found in listed:
            if not found.is_file():
                raise ArtifactError(
                    f"{found} is not a file: an artifact holds {', '.join(ENDINGS)} files only. Remove it."
                )
        return listed

    def _check(self, name: str, listed: FileEntry) -> None:
        """Refuse a file whose size or hash does not match the manifest."""
        path = self.path / name
        if not name.endswith(ENDINGS):
            raise ArtifactError(f"{path}: an artifact holds {', '.join(ENDINGS)} files only. Do not load it.")
        if path.stat().st_size != listed.size:
            found = f"{path.stat().st_size:,} bytes, {NAME} says {listed.size:,}"
            raise ArtifactError(
                f"{path} has {found}: it is damaged or belongs to another artifact. Copy or save the artifact again."
            )
        if file_digest(path) != listed.blake2b:
            raise ArtifactError(
                f"{path} does not match its checksum in {NAME}: it is damaged or belongs to another artifact. "
                "Copy or save the artifact again."
            )


def read_manifest(path: Path) -> ArtifactManifest:
    """Return the manifest of an artifact; its other files are not checked.

    Raises:
        ArtifactError: The folder is not an artifact, or its manifest is damaged.
    """
    with suppress(OSError):  # it is then reported as missing
        heal_folder(path)
    if not path.is_dir():
        raise ArtifactError(f"{path}: there is no such folder. Give the folder that `zoo fit` wrote.")
    if not (path / NAME).exists():
        raise ArtifactError(f"{path} contains no {NAME}: it is not an artifact. Give the folder that `zoo fit` wrote.")
    return ArtifactManifest.of(_content(path / NAME), str(path / NAME))


def _content(path: Path) -> bytes:
    """Return the bytes of a file.

    Raises:
        ArtifactError: It cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror or error}.") from error


def _read_parquet(path: Path) -> pa.Table:
    """Read a table whose ids differ, so that it cannot be much larger than its file."""
    limit = min(available_memory(), SMALL_TABLE + LARGEST_RATIO * path.stat().st_size)
    with pq.ParquetFile(path) as opened:
        return pa.Table.from_batches(read_batches(path, opened, None, limit, BATCH_ROWS), opened.schema_arrow)


def _files_of(folder: Path) -> set[str]:
    """Return the file names in an artifact's manifest; only the manifest's own name if it cannot be read."""
    try:
        return {NAME, *json.loads((folder / NAME).read_bytes())["files"]}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {NAME}


def _tensor_entry(tensor: Tensor) -> TensorEntry:
    """Return the manifest entry of a tensor."""
    return TensorEntry(dtype=str(tensor.dtype).removeprefix("torch."), shape=list(tensor.shape))


def _format_entry(found: TensorEntry | None) -> str:
    """Format a tensor entry for a message."""
    return "missing" if found is None else f"{found.dtype} {found.shape}"
