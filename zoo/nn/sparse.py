"""Conversions between sparse CSR tensors of torch, scipy matrices, and the dense tensors that represent them."""

import warnings
from collections.abc import Mapping

import numpy as np
import scipy.sparse
import torch
from torch import Tensor

OFFSETS = (torch.int32, torch.int64)
"""Allowed types of offsets and columns."""


def csr_tensor(matrix: scipy.sparse.csr_matrix, device: torch.device | str = "cpu") -> Tensor:
    """Convert a scipy matrix to a torch CSR tensor with the same types; on the CPU they share memory."""
    ends, columns, values = (torch.from_numpy(np.asarray(a)) for a in (matrix.indptr, matrix.indices, matrix.data))
    return _csr(ends, columns, values, matrix.shape).to(device)


def scipy_matrix(matrix: Tensor) -> scipy.sparse.csr_matrix:
    """Convert a torch CSR tensor to a scipy matrix; on the CPU they share memory."""
    parts = (part.cpu().numpy() for part in (matrix.values(), matrix.col_indices(), matrix.crow_indices()))
    return scipy.sparse.csr_matrix(tuple(parts), shape=tuple(matrix.shape))


def checked_csr(offsets: Tensor, columns: Tensor, values: Tensor, shape: tuple[int, int]) -> Tensor:
    """Validate the parts of a CSR tensor from an untrusted source, such as a file, and build the tensor.

    torch uses these numbers as memory offsets without checking them, so parts must be validated before any computation.
    The columns of a row may be unsorted and may repeat; products then sum in that order.

    Args:
        offsets: Start and end of each row's entries, `[R + 1]` int32 or int64.
        columns: The column of each entry, `[N]`, of the same type.
        values: The entries, `[N]`.
        shape: The number of rows R and the number of columns.

    Raises:
        ValueError: The parts are no valid matrix of this shape, or an entry is not finite; the message says what was expected and found.
    """
    rows, width = shape
    for name, part in (("offsets", offsets), ("columns", columns), ("values", values)):
        if part.layout != torch.strided or part.dim() != 1:
            raise ValueError(f"{name}: expected a dense tensor with one axis, found {_describe(part)}")
    for name, part in (("offsets", offsets), ("columns", columns)):
        if part.dtype not in OFFSETS or part.dtype != offsets.dtype:
            raise ValueError(f"{name}: expected int32 or int64, as the offsets are, found {_describe(part)}")
    if rows < 0 or width < 0 or rows * width >= 2**63:
        raise ValueError(f"shape: expected two numbers of at least 0 whose product is below 2^63, found {list(shape)}")
    if len(columns) != len(values):
        raise ValueError(f"columns: expected {len(values):,}, as many as values, found {len(columns):,}")
    check_offsets(offsets, rows, len(values))
    if len(columns):
        least, most = map(int, columns.aminmax())
        if least < 0 or most >= width:
            raise ValueError(f"columns: expected 0 to {width - 1:,}, found {least:,} to {most:,}")
    if not is_finite(values):
        at = int((~values.isfinite()).nonzero()[0])
        raise ValueError(f"values: expected finite numbers, found {float(values[at])} at place {at:,}")
    return _csr(offsets, columns, values, shape)


def is_finite(numbers: Tensor) -> bool:
    """Return whether a dense tensor has neither NaN nor infinite numbers, without a second tensor of its size."""
    if not numbers.numel() or not numbers.is_floating_point():
        return True
    least, most = numbers.aminmax()  # NaN if there is one
    return bool(least.isfinite() & most.isfinite())


def check_offsets(offsets: Tensor, rows: int, n: int) -> None:
    """Check the boundaries of rows in an array of `n` entries, `[R + 1]`: from 0 to `n`, never falling.

    Raises:
        ValueError: They are not; the message says what was expected and found.
    """
    if len(offsets) != rows + 1:
        raise ValueError(f"offsets: expected {rows + 1:,} for {rows:,} rows, found {len(offsets):,}")
    first, last = int(offsets[0]), int(offsets[-1])
    if (first, last) != (0, n):
        raise ValueError(f"offsets: expected them to go from 0 to {n:,}, found {first:,} to {last:,}")
    if (falls := offsets[1:] < offsets[:-1]).any():  # a difference could overflow
        row = int(falls.nonzero()[0])
        raise ValueError(
            f"offsets: expected them never to fall, found {offsets[row : row + 2].tolist()} at row {row:,}"
        )


def parts_of(matrix: Tensor) -> dict[str, Tensor]:
    """Return the dense tensors of a matrix `[I, F]`: its `values`, and for a CSR matrix also `columns` and `offsets`."""
    if matrix.layout != torch.sparse_csr:
        return {"values": matrix}
    return {"values": matrix.values(), "columns": matrix.col_indices(), "offsets": matrix.crow_indices()}


def of_parts(parts: Mapping[str, Tensor], width: int) -> Tensor:
    """Return the matrix `[I, F]` with the parts that `parts_of` returned; use `checked_csr` for parts from a file."""
    if "columns" not in parts:
        return parts["values"]
    offsets, columns, values = (parts[name] for name in ("offsets", "columns", "values"))
    return _csr(offsets, columns, values, (len(offsets) - 1, width))


def of_saved_parts(parts: Mapping[str, Tensor], width: int) -> Tensor:
    """Return the matrix with F columns whose parts an earlier version saved to a file; CSR parts are validated.

    For states from before `State` supported CSR tensors; newer states store the tensor itself.

    Raises:
        ValueError: The parts are no valid matrix.
    """
    if "columns" not in parts:
        return parts["values"]
    offsets = parts["offsets"]
    return checked_csr(offsets, parts["columns"], parts["values"], (max(len(offsets) - 1, 0), width))


def stacked(above: Tensor, below: Tensor) -> Tensor:
    """Concatenate the rows of two matrices, `[I, F]` and `[N, F]`, to `[I + N, F]` in the layout of the first."""
    if above.layout != torch.sparse_csr:
        return torch.cat([above, below.to(above)])
    parts, more = parts_of(above), parts_of(below)
    ends = parts["offsets"][-1] + more["offsets"][1:].to(parts["offsets"])
    joined = {name: torch.cat([parts[name], more[name].to(parts[name])]) for name in ("values", "columns")}
    return of_parts({**joined, "offsets": torch.cat([parts["offsets"], ends])}, above.shape[1])


def _csr(offsets: Tensor, columns: Tensor, values: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Return a tensor in CSR layout."""
    with warnings.catch_warnings():  # torch warns once that this layout is in beta
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
        return torch.sparse_csr_tensor(offsets, columns, values, shape, check_invariants=False)


def _describe(tensor: Tensor) -> str:
    """Return the layout, type and shape of a tensor as text."""
    layout = "" if tensor.layout == torch.strided else f"{tensor.layout} ".removeprefix("torch.")
    return f"{layout}{tensor.dtype} {list(tensor.shape)}".replace("torch.", "")
