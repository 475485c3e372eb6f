"""Dimensionality reduction of a matrix by its singular vectors."""

import numpy as np
import scipy.sparse.linalg
import torch
from torch import Tensor

from zoo.nn.sparse import scipy_matrix


def main_directions(matrix: Tensor, k: int) -> Tensor:
    """Return the first S = min(k, D, I) right singular vectors of a matrix `[I, D]`, `[D, S]`.

    The matrix is not centred, so that a sparse matrix stays sparse. The result is deterministic; the entry of each vector
    with the largest magnitude is positive.
    """
    rows, columns = matrix.shape
    k = min(k, rows, columns)
    if k == min(rows, columns) or rows * columns <= 10**6:
        dense = matrix.to_dense().double().numpy()
        found = np.linalg.svd(dense, full_matrices=False)[2][:k].T
    else:
        values = scipy_matrix(matrix) if matrix.layout == torch.sparse_csr else matrix.numpy()
        start = np.random.default_rng(0).random(min(rows, columns))
        vectors = scipy.sparse.linalg.svds(values.astype(np.float64), k, v0=start, return_singular_vectors="vh")[2]
        found = vectors[::-1].T
    largest = np.abs(found).argmax(axis=0)
    return torch.from_numpy((found * np.sign(found[largest, np.arange(k)])).astype(np.float32))
