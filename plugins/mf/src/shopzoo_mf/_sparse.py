"""Which items occur together: the products X'X of a sparse matrix of users by items, a block of items at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import scipy.sparse
import torch
from torch import Tensor

from zoo.nn import csr_tensor

SPARSE = 64
"""Below one entry in this many, a sparse product beats a sparse-times-dense one (measured on two cores)."""


class ItemPairs(NamedTuple):
    """Rows of X'X: what each item of a block has in common with other items."""

    block: slice
    """The items of the block."""
    columns: Tensor
    """The other items in ascending order, `[b, L]` int64, or `[1, I]` where all of them are listed for every row."""
    values: Tensor
    """The products, `[b, L]` float32; 0 where a row is padded (its columns are 0 there as well)."""


def item_pairs(matrix: scipy.sparse.csr_matrix, device: torch.device) -> Iterator[ItemPairs]:
    """Yield the rows of X'X, diagonal included, by blocks: never is more than one block of it in memory.

    Args:
        matrix: X, `[U, I]`. Sums of whole numbers are exact up to 2^24.
        device: Where the blocks are wanted.
    """
    transposed = matrix.T.tocsr()
    if is_sparse(matrix):
        for block in _blocks(matrix.shape[1], 256):
            found = transposed[block] @ matrix
            found.sort_indices()
            yield ItemPairs(block, *(part.to(device) for part in _padded(found)))
    else:
        # A sparse matrix times a few dense columns that fit the cache: less work than a dense product of the two,
        # and unlike a sparse one it streams through memory.
        left, every = csr_tensor(transposed, device), torch.arange(matrix.shape[1], device=device)[None]
        for block in _blocks(matrix.shape[1], min(max(2**20 // matrix.shape[0], 32), 128)):
            yield ItemPairs(block, every, (left @ dense_columns(transposed[block]).to(device)).T.contiguous())


def is_sparse(matrix: scipy.sparse.csr_matrix) -> bool:
    """Return whether a matrix is so empty that its products are better left sparse."""
    return bool(SPARSE * matrix.nnz < matrix.shape[0] * matrix.shape[1])


def dense_columns(matrix: scipy.sparse.csr_matrix) -> Tensor:
    """Return the transpose of a sparse matrix as a dense tensor, row-major."""
    return torch.from_numpy(matrix.toarray(order="F").T)


def _padded(matrix: scipy.sparse.csr_matrix) -> tuple[Tensor, Tensor]:
    """Return the columns and values of sparse rows, each `[b, L]`, filled up with 0."""
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
