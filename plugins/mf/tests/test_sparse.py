import numpy as np
import pytest
import scipy.sparse
import torch
from shopzoo_mf import _sparse


@pytest.mark.parametrize("density", [0.004, 0.3])
@pytest.mark.parametrize("shape", [(40, 300), (700, 150), (1, 5), (3, 1)])
def test_item_pairs_are_the_gram_matrix(density, shape):
    rng = np.random.default_rng(0)
    matrix = scipy.sparse.random(*shape, density, "csr", np.float32, rng, data_rvs=lambda n: rng.integers(1, 5, n))
    dense, seen = matrix.toarray().astype(np.float64), []
    gram = np.zeros((shape[1], shape[1]))
    for items, columns, values in _sparse.item_pairs(matrix, torch.device("cpu"), entries=50):
        seen += items.tolist()
        assert (columns.diff(dim=1).masked_fill(columns[:, 1:] == 0, 1) > 0).all()
        np.add.at(gram, (items.numpy()[:, None], columns.numpy()), values.numpy())
    assert sorted(seen) == list(range(shape[1]))
    assert (gram == dense.T @ dense).all()


def test_a_block_never_holds_all_pairs():
    matrix = scipy.sparse.csr_matrix(scipy.sparse.eye_array(5000, format="csr", dtype=np.float32))
    blocks = [values.shape for _, _, values in _sparse.item_pairs(matrix, torch.device("cpu"))]
    assert blocks == [(_sparse.ROWS, 1)] * 4 + [(904, 1)]
    assert {tuple(values.shape) for _, _, values in _sparse.item_pairs(matrix, torch.device("cpu"), 10)} == {(10, 1)}


def test_an_item_that_everybody_took_does_not_widen_the_rows_of_others():
    users = np.arange(4000)
    pairs = (np.concatenate([users, users]), np.concatenate([np.zeros(4000, int), users + 1]))
    matrix = scipy.sparse.csr_matrix((np.ones(8000, np.float32), pairs), (4000, 4001))
    shapes = [tuple(values.shape) for _, _, values in _sparse.item_pairs(matrix, torch.device("cpu"), 1000)]
    assert shapes == [(500, 2)] * 8 + [(1, 4001)]


def test_which_matrices_are_sparse():
    assert _sparse.is_sparse(scipy.sparse.csr_matrix(np.eye(65)))
    assert not _sparse.is_sparse(scipy.sparse.csr_matrix(np.eye(64)))
