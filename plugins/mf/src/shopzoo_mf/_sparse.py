"""Co-occurrences of items: the product X'X of a sparse matrix X of users by items, computed in blocks of items."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import scipy.sparse
import torch
from torch import Tensor

from zoo.nn import csr_tensor

SPARSE = 64
"""If fewer than one entry in this many is nonzero, a sparse product is faster than a sparse-dense one (measured on two cores)."""


class ItemPairs(NamedTuple):
    """Rows of X'X: the products of each item of a block with other items."""

    block: slice
    """The items of the block."""
    columns: Tensor
    """The other items in ascending order, `[b, L]` int64, or `[1, I]` if each row lists all of them."""
    values: Tensor
    """The products, `[b, L]` float32; padding has value 0 and column 0."""


def item_pairs(matrix: scipy.sparse.csr_matrix, device: torch.device) -> Iterator[ItemPairs]:
    """Yield the rows of X'X, including the diagonal, in blocks; only one block is in memory at a time.

    Args:
        matrix: X, `[U, I]`. Sums of whole numbers are exact up to 2^24.
        device: The device of the blocks.
    """
    transposed = matrix.T.tocsr()
    if is_sparse(matrix):
        for block in _blocks(matrix.shape[1], 256):
            found = transposed[block] @ matrix
            found.sort_indices()
            yield ItemPairs(block, *(part.to(device) for part in _padded(found)))
    else:
        # A sparse matrix times a few dense columns that fit the cache: this takes fewer operations than a dense product
        # and, unlike a sparse one, reads memory sequentially.
        left, every = csr_tensor(transposed, device), torch.arange(matrix.shape[1], device=device)[None]
        for block in _blocks(matrix.shape[1], min(max(2**20 // matrix.shape[0], 32), 128)):
            yield ItemPairs(block, every, (left @ dense_columns(transposed[block]).to(device)).T.contiguous())


def is_sparse(matrix: scipy.sparse.csr_matrix) -> bool:
    """Return whether a matrix is sparse enough that sparse products are faster."""
    return bool(SPARSE * matrix.nnz < matrix.shape[0] * matrix.shape[1])


def dense_columns(matrix: scipy.sparse.csr_matrix) -> Tensor:
    """Return the transpose of a sparse matrix as a dense tensor, row-major."""
    return torch.from_numpy(matrix.toarray(order="F").T)


def _padded(matrix: scipy.sparse.csr_matrix) -> tuple[Tensor, Tensor]:
    """Return the columns and values of sparse rows, each `[b, L]`, padded with 0."""
    counts = np.diff(matrix.indptr)
    shape = (len(counts), max(int(counts.max(initial=0)), 1))
    place = np.repeat(np.arange(len(counts)) * shape[1] - matrix.indptr[:-1], counts) + np.arange(matrix.nnz)
    columns, values = np.zeros(shape, np.int64), np.zeros(shape, np.float32)
    columns.reshape(-1)[place], values.reshape(-1)[place] = matrix.indices, matrix.data
    return torch.from_numpy(columns), torch.from_numpy(values)


def _blocks(n: int, width: int) -> Iterator[slice]:
    """Yield consecutive slices of 0 to n."""
    for start in range(0, n, width):
        yield slice(start, min(start + width, n))
