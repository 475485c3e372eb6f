"""The files of a cache of fits: tensors, JSON in the header, and a hash of both, written atomically."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from torch import Tensor

from zoo.atomic import write_atomically
from zoo.errors import ArtifactError
from zoo.machine_memory import available_memory
from zoo.tensors import hash_tensors, join_csr, read_header, read_parts, split_csr, write_tensors

UNUSABLE = (ArtifactError, OSError, SafetensorError, KeyError, TypeError, ValueError)
"""What reading raises for an entry that is missing, damaged or of another kind, and writing if an entry cannot be stored."""
NO_ROOM = (MemoryError, RuntimeError)
"""What lack of memory raises; torch raises a plain `RuntimeError`."""
COPIES = 3
"""How many copies of an entry are in memory at the same time while it is written and checked."""


def write_entry(
    path: Path,
    tensors: Mapping[str, Tensor],
    content: Mapping[str, Any],
    check: Callable[[Path], None] | None = None,
) -> None:
    """Write an entry.

    Args:
        path: The file.
        tensors: Dense tensors and CSR matrices.
        content: JSON.
        check: Gets the file before it takes its place; if it raises, nothing is written.

    Raises:
        MemoryError: Less memory is left than writing and checking need.
        OSError: The file cannot be written; `SafetensorError` is raised too and is no subclass.
    """
    size, left = sum(part.numel() * part.element_size() for part in split_csr(tensors).values()), available_memory()
    if left < COPIES * size:
        raise MemoryError(
            f"{path}: an entry of {size:,} bytes needs {COPIES} times as much memory, and {left:,} bytes are left"
        )
    entry = json.dumps(content)
    with write_atomically(path) as temporary:
        write_tensors(temporary, tensors, {"entry": entry, "hash": hash_tensors(entry, split_csr(tensors))})
        if check is not None:
            check(temporary)


def read_entry(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the tensors and the JSON of an entry.

    Raises:
        ArtifactError: It is damaged. A file that is not an entry raises the other errors of `UNUSABLE`.
    """
    parts, header = read_parts(path), read_header(path)
    if header["hash"] != hash_tensors(header["entry"], parts):
        raise ArtifactError(f"{path} is damaged. Remove it.")
    return join_csr(parts), dict(json.loads(header["entry"]))


def below(start: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors whose names start with a prefix, with the prefix removed."""
    return {name.removeprefix(start): tensor for name, tensor in tensors.items() if name.startswith(start)}


def with_prefix(start: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors with a prefix before their names."""
    return {f"{start}{name}": tensor for name, tensor in tensors.items()}
