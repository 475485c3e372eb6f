"""Sparse matrices as torch tensors, and as the dense tensors that can be saved."""

import warnings
from collections.abc import Mapping

import numpy as np
import scipy.sparse
import torch
from torch import Tensor


def csr_tensor(matrix: scipy.sparse.csr_matrix, device: torch.device | str = "cpu") -> Tensor:
    """Return a scipy matrix as a torch tensor in CSR layout, with the types of its arrays; on the CPU it shares the memory."""
    ends, columns, values = (torch.from_numpy(np.asarray(a)) for a in (matrix.indptr, matrix.indices, matrix.data))
    return _csr(ends, columns, values, matrix.shape).to(device)


def parts_of(matrix: Tensor) -> dict[str, Tensor]:
    """Return a matrix `[I, F]` as dense tensors: its `values`, and in CSR layout their `columns` and the rows' `offsets`."""
    if matrix.layout != torch.sparse_csr:
        return {"values": matrix}
    return {"values": matrix.values(), "columns": matrix.col_indices(), "offsets": matrix.crow_indices()}


def of_parts(parts: Mapping[str, Tensor], width: int) -> Tensor:
    """Return the matrix `[I, F]` of what `parts_of` gave, for F columns."""
    if "columns" not in parts:
        return parts["values"]
    offsets, columns, values = (parts[name] for name in ("offsets", "columns", "values"))
    return _csr(offsets, columns, values, (len(offsets) - 1, width))


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
