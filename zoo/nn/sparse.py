"""Sparse matrices as torch tensors, as scipy has them, and as the dense tensors that they are made of."""

import warnings
from collections.abc import Mapping

import numpy as np
import scipy.sparse
import torch
from torch import Tensor

OFFSETS = (torch.int32, torch.int64)
"""The types that offsets and columns may have."""


def csr_tensor(matrix: scipy.sparse.csr_matrix, device: torch.device | str = "cpu") -> Tensor:
    """Return a scipy matrix as a torch tensor in CSR layout, with the types of its arrays; on the CPU it shares the memory."""
    ends, columns, values = (torch.from_numpy(np.asarray(a)) for a in (matrix.indptr, matrix.indices, matrix.data))
    return _csr(ends, columns, values, matrix.shape).to(device)


def scipy_matrix(matrix: Tensor) -> scipy.sparse.csr_matrix:
    """Return a tensor in CSR layout as a scipy matrix; on the CPU it shares the memory."""
    parts = (part.cpu().numpy() for part in (matrix.values(), matrix.col_indices(), matrix.crow_indices()))
    return scipy.sparse.csr_matrix(tuple(parts), shape=tuple(matrix.shape))


def checked_csr(offsets: Tensor, columns: Tensor, values: Tensor, shape: tuple[int, int]) -> Tensor:
    """Return a tensor in CSR layout of parts that come from outside, such as a file.

    torch reads memory by these numbers without a look at them, so nothing is computed with parts that were not checked.
    The columns of a row may come in any order, and more than once: products are then sums in that order.

    Args:
        offsets: Where the entries of each row begin and end, `[R + 1]` int32 or int64.
        columns: The column of each entry, `[N]`, of the same type.
        values: The entries, `[N]`.
        shape: The number of rows R and of columns.

    Raises:
        ValueError: The parts make no matrix of this shape; the message says what was expected and what was found.
    """
    rows, width = shape
    for name, part in (("offsets", offsets), ("columns", columns), ("values", values)):
        if part.layout != torch.strided or part.dim() != 1:
            raise ValueError(f"{name}: expected a dense tensor with one axis, found {_described(part)}")
    for name, part in (("offsets", offsets), ("columns", columns)):
        if part.dtype not in OFFSETS or part.dtype != offsets.dtype:
            raise ValueError(f"{name}: expected int32 or int64, as the offsets are, found {_described(part)}")
    if rows < 0 or width < 0 or rows * width >= 2**63:
        raise ValueError(f"shape: expected two numbers of at least 0 whose product is below 2^63, found {list(shape)}")
    if len(offsets) != rows + 1:
        raise ValueError(f"offsets: expected {rows + 1:,} for {rows:,} rows, found {len(offsets):,}")
    if len(columns) != len(values):
        raise ValueError(f"columns: expected {len(values):,}, as many as values, found {len(columns):,}")
    first, last = int(offsets[0]), int(offsets[-1])
    if (first, last) != (0, len(values)):
        raise ValueError(f"offsets: expected them to go from 0 to {len(values):,}, found {first:,} to {last:,}")
    if (falls := offsets[1:] < offsets[:-1]).any():
        row = int(falls.nonzero()[0])
        raise ValueError(
            f"offsets: expected them never to fall, found {offsets[row : row + 2].tolist()} at row {row:,}"
        )
    if len(columns):
        least, most = map(int, columns.aminmax())
        if least < 0 or most >= width:
            raise ValueError(f"columns: expected 0 to {width - 1:,}, found {least:,} to {most:,}")
    return _csr(offsets, columns, values, shape)


def parts_of(matrix: Tensor) -> dict[str, Tensor]:
    """Return a matrix `[I, F]` as dense tensors: its `values`, and in CSR layout their `columns` and the rows' `offsets`."""
    if matrix.layout != torch.sparse_csr:
        return {"values": matrix}
    return {"values": matrix.values(), "columns": matrix.col_indices(), "offsets": matrix.crow_indices()}


def of_parts(parts: Mapping[str, Tensor], width: int) -> Tensor:
    """Return the matrix `[I, F]` of what `parts_of` gave, for F columns; parts from a file are for `checked_csr`."""
    if "columns" not in parts:
        return parts["values"]
    offsets, columns, values = (parts[name] for name in ("offsets", "columns", "values"))
    return _csr(offsets, columns, values, (len(offsets) - 1, width))


def of_saved_parts(parts: Mapping[str, Tensor], width: int) -> Tensor:
    """Return the matrix of what `parts_of` gave and a file held, for F columns; in CSR layout it is checked.

    For states that were saved before they could hold a tensor in CSR layout: now `parts` has such a tensor as `values`.

    Raises:
        ValueError: The parts make no matrix.
    """
    if "columns" not in parts:
        return parts["values"]
    offsets = parts["offsets"]
    return checked_csr(offsets, parts["columns"], parts["values"], (max(len(offsets) - 1, 0), width))


def stacked(above: Tensor, below: Tensor) -> Tensor:
    """Return the rows of two matrices as one, `[I + N, F]` for `[I, F]` and `[N, F]`; in the layout of the first."""
    if above.layout != torch.sparse_csr:
        return torch.cat([above, below.to(above)])
    parts, more = parts_of(above), parts_of(below)
    ends = parts["offsets"][-1] + more["offsets"][1:].to(parts["offsets"])
    joined = {name: torch.cat([parts[name], more[name].to(parts[name])]) for name in ("values", "columns")}
    return of_parts({**joined, "offsets": torch.cat([parts["offsets"], ends])}, above.shape[1])


def _csr(offsets: Tensor, columns: Tensor, values: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Return a tensor in CSR layout."""
    with warnings.catch_warnings():  # torch tells every user once that this layout is in beta
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
        return torch.sparse_csr_tensor(offsets, columns, values, shape, check_invariants=False)


def _described(tensor: Tensor) -> str:
    """Return the type and shape of a tensor in words."""
    layout = "" if tensor.layout == torch.strided else f"{tensor.layout} ".removeprefix("torch.")
    return f"{layout}{tensor.dtype} {list(tensor.shape)}".replace("torch.", "")
