"""Co-occurrences of items: the product X'X of a sparse matrix X of users by items, computed in blocks of items."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import scipy.sparse
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.nn import csr_tensor

SPARSE = 64
"""If fewer than one entry in this many is nonzero, a sparse product is faster than a sparse-dense one (measured on two cores)."""

ENTRIES, ROWS = 2**20, 1024
"""The most entries and rows of a block of sparse products: each product reads an array over all items once, so that with blocks of a
fixed number of items the time would grow with the square of their number."""


class ItemPairs(NamedTuple):
    """Rows of X'X: the products of each item of a block with other items."""

    items: Tensor
    """The items of the block, `[b]` int64; each item is in one block, in no order."""
    columns: Tensor
    """The other items in ascending order, `[b, L]` int64, or `[1, I]` if each row lists all of them."""
    values: Tensor
    """The products, `[b, L]` float32; padding has value 0 and column 0."""


def item_pairs(matrix: scipy.sparse.csr_matrix, device: torch.device, entries: int = ENTRIES) -> Iterator[ItemPairs]:
    """Yield the rows of X'X, including the diagonal, in blocks of items; only one block is in memory at a time.

    Args:
        matrix: X, `[U, I]`. Sums of whole numbers are exact up to 2^24.
        device: The device of the blocks.
        entries: The most entries of a block of sparse rows, padding included, unless a single row has more.
    """
    transposed = matrix.T.tocsr()
    if is_sparse(matrix):
        # The products of an item are at most the events of its users. Items of like number share a block: little is padding,
        # and a popular item, with as many products as there are items, does not widen the rows of others.
        most = np.minimum(transposed @ np.diff(matrix.indptr).astype(np.int64), matrix.shape[1])
        order = np.argsort(most, kind="stable")
        for block in _blocks_within(most[order], entries):
            found = transposed[order[block]] @ matrix
            found.sort_indices()
            yield ItemPairs(*(part.to(device) for part in (torch.from_numpy(order[block]), *_padded(found))))
    else:
        # A sparse matrix times a few dense columns that fit the cache: this takes fewer operations than a dense product
        # and, unlike a sparse one, reads memory sequentially.
        left, every = csr_tensor(transposed, device), torch.arange(matrix.shape[1], device=device)
        for block in _blocks(matrix.shape[1], min(max(2**20 // matrix.shape[0], 32), 128)):
            products = (left @ dense_columns(transposed[block]).to(device)).T.contiguous()
            yield ItemPairs(every[block], every[None], products)


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


def _blocks_within(sizes: NDArray[np.int64], entries: int) -> Iterator[slice]:
    """Yield consecutive slices of ascending row sizes, of which each has few enough entries if padded to its longest row."""
    start = 0
    while start < len(sizes):
        widths = np.maximum(sizes[start : start + ROWS], 1)
        rows = max(int(np.searchsorted(widths * np.arange(1, len(widths) + 1), entries, side="right")), 1)
        yield slice(start, start + rows)
        start += rows
