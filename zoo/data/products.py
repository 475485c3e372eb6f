"""Selected entries and row products of sparse matrices, without dense rows or a copied row per pair."""

from __future__ import annotations

import numpy as np
import scipy.sparse
from numpy.typing import NDArray


def entries(
    matrix: scipy.sparse.csr_matrix, rows: NDArray[np.integer], columns: NDArray[np.integer]
) -> NDArray[np.float32]:
    """Return the entries at the given positions, `[N]`."""
    if not len(rows):  # SciPy would return a sparse matrix
        return np.zeros(0, np.float32)
    return np.asarray(matrix[rows, columns], np.float32).ravel()


def pair_products(
    left: scipy.sparse.csr_matrix,
    right: scipy.sparse.csr_matrix,
    rows: NDArray[np.int64],
    others: NDArray[np.int64],
) -> NDArray[np.float32]:
    """Return the dot product of `left[row]` and `right[other]` for each pair, `[N]`.

    `left` is read only at the non-zero entries of `right`.
    """
    chosen = right[others]
    lengths = np.diff(chosen.indptr)
    pair = np.repeat(np.arange(len(rows)), lengths)
    met = entries(left, rows[pair], chosen.indices) * chosen.data
    return np.bincount(pair, met, len(rows)).astype(np.float32)
