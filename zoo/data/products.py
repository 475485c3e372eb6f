"""Sparse matrices asked for some pairs only: neither a dense row nor a row for each pair is made."""

from __future__ import annotations

import numpy as np
import scipy.sparse
from numpy.typing import NDArray


def entries(
    matrix: scipy.sparse.csr_matrix, rows: NDArray[np.integer], columns: NDArray[np.integer]
) -> NDArray[np.float32]:
    """Return the entries at some places, `[N]`."""
    if not len(rows):  # SciPy would return a sparse matrix of them
        return np.zeros(0, np.float32)
    return np.asarray(matrix[rows, columns], np.float32).ravel()


def pair_products(
    left: scipy.sparse.csr_matrix,
    right: scipy.sparse.csr_matrix,
    rows: NDArray[np.int64],
    others: NDArray[np.int64],
) -> NDArray[np.float32]:
    """Return the product of a row of one matrix and a row of another for each pair of them, `[N]`.

    Only where the second has an entry is the first looked up.
    """
    chosen = right[others]
    lengths = np.diff(chosen.indptr)
    pair = np.repeat(np.arange(len(rows)), lengths)
    met = entries(left, rows[pair], chosen.indices) * chosen.data
    return np.bincount(pair, met, len(rows)).astype(np.float32)
