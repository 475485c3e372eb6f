"""Read and write safetensors files of dense tensors and of CSR tensors, which are stored as their dense parts.

A CSR tensor NAME is stored as `NAME@csr.values`, `NAME@csr.columns`, `NAME@csr.offsets` and `NAME@csr.shape`. It is
validated once, in `join_csr`.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path

import safetensors.torch
import torch
from safetensors import safe_open
from torch import Tensor

from zoo.nn.sparse import checked_csr, parts_of

MARK = "@csr."
"""Between the name of a CSR tensor and that of its part."""
PARTS = ("values", "columns", "offsets", "shape")
WIDEST = 2**24
"""The most columns of a sparse tensor that has fewer rows: each of them costs memory where a row is made dense."""


def can_store(tensor: Tensor) -> bool:
    """Return whether a file can hold a tensor: a dense one, or a matrix in CSR layout."""
    if tensor.layout == torch.sparse_csr:
        return tensor.dim() == 2 and tensor.values().dim() == 1
    return tensor.layout == torch.strided


def write_tensors(path: Path, tensors: Mapping[str, Tensor], header: dict[str, str] | None = None) -> None:
    """Write tensors to a safetensors file, with optional texts in its header.

    Raises:
        OSError: The file cannot be written; `SafetensorError` is raised too and is no subclass.
        ValueError: A name contains the mark of CSR parts.
    """
    apart: dict[str, Tensor] = {}
    places: set[int] = set()
    for name, tensor in split_csr(tensors).items():
        whole = _apart(tensor)
        if whole.numel():
            whole = whole.clone() if whole.data_ptr() in places else whole
            places.add(whole.data_ptr())
        apart[name] = whole
    safetensors.torch.save_file(apart, path, header)
    path.chmod(path.parent.stat().st_mode & 0o666)  # it writes for the owner alone


def read_parts(path: Path | str) -> dict[str, Tensor]:
    """Return copies of the dense tensors in a safetensors file, the input of `join_csr`.

    Raises:
        OSError: The file cannot be read; `SafetensorError` if it is not a safetensors file.
    """
    # A copy: a mapped file is not aligned as torch's own memory is, and sums would round in another order.
    return {name: tensor.clone() for name, tensor in safetensors.torch.load_file(path).items()}


def read_header(path: Path | str) -> dict[str, str]:
    """Return the texts in a file's header; raises as `read_parts`."""
    with safe_open(path, framework="pt") as file:
        return file.metadata() or {}


def split_csr(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Split each CSR tensor into its dense parts; dense tensors are unchanged.

    Raises:
        ValueError: A name contains the mark of CSR parts.
    """
    parts: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if MARK in name:
            raise ValueError(f"{name}: expected a name without {MARK!r}, which marks the parts of sparse tensors")
        if tensor.layout == torch.sparse_csr:
            parts |= {f"{name}{MARK}{part}": found for part, found in parts_of(tensor).items()}
            parts[f"{name}{MARK}shape"] = torch.tensor(tensor.shape)
        else:
            parts[name] = tensor
    return parts


def join_csr(parts: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Restore the tensors that `split_csr` split, and validate the CSR tensors.

    Raises:
        ValueError: The parts are no valid matrix; the message names the tensor and says what was expected and found.
    """
    tensors: dict[str, Tensor] = {}
    sparse: dict[str, dict[str, Tensor]] = {}
    for name, tensor in parts.items():
        whole, mark, part = name.partition(MARK)
        if mark:
            sparse.setdefault(whole, {})[part] = tensor
        else:
            tensors[name] = tensor
    for name, found in sparse.items():
        if name in tensors:
            raise ValueError(f"sparse tensor {name!r}: expected no dense tensor of the same name")
        try:
            tensors[name] = _joined(found)
        except ValueError as error:
            raise ValueError(f"sparse tensor {name!r}: {error}") from None
    return tensors


def hash_tensors(text: str, tensors: Mapping[str, Tensor]) -> str:
    """Return a hash of a text and of the names, types, shapes and bytes of tensors."""
    digested = blake2b(text.encode(), digest_size=16)
    for name, tensor in sorted(tensors.items()):
        dense = tensor.detach().cpu().contiguous()
        digested.update(f"{name} {dense.dtype} {list(dense.shape)}".encode())
        if dense.numel():  # an empty one has no bytes to view
            digested.update(dense.reshape(-1).view(torch.uint8).numpy().data)
    return digested.hexdigest()


def _joined(parts: dict[str, Tensor]) -> Tensor:
    """Return a CSR tensor of its parts.

    Raises:
        ValueError: They make none.
    """
    if sorted(parts) != sorted(PARTS):
        raise ValueError(f"parts: expected {', '.join(PARTS)}, found {', '.join(parts)}")
    shape = parts["shape"]
    if shape.dtype != torch.int64 or shape.shape != (2,):
        raise ValueError(f"shape: expected two int64, found {shape.dtype} {list(shape.shape)}".replace("torch.", ""))
    rows, width = shape.tolist()
    if width > max(WIDEST, rows):
        raise ValueError(f"shape: expected at most {WIDEST:,} columns, or as many as rows, found {width:,}")
    return checked_csr(parts["offsets"], parts["columns"], parts["values"], (rows, width))


def _apart(tensor: Tensor) -> Tensor:
    """Return a tensor as it may be written: whole, on the CPU, sharing its memory with no other."""
    tensor = tensor.detach().cpu()
    alone = tensor.is_contiguous() and tensor.untyped_storage().nbytes() == tensor.numel() * tensor.element_size()
    return tensor if alone else tensor.clone(memory_format=torch.contiguous_format)
