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
    dense, stop = matrix.toarray().astype(np.float64), 0
    gram = np.zeros((shape[1], shape[1]))
    for block, columns, values in _sparse.item_pairs(matrix, torch.device("cpu")):
        assert block.start == stop
        stop = block.stop
        assert (columns.diff(dim=1).masked_fill(columns[:, 1:] == 0, 1) > 0).all()
        np.add.at(gram, (np.arange(block.start, stop)[:, None], columns.numpy()), values.numpy())
    assert stop == shape[1]
    assert (gram == dense.T @ dense).all()


def test_a_block_never_holds_all_pairs():
    matrix = scipy.sparse.csr_matrix(scipy.sparse.eye_array(5000, format="csr", dtype=np.float32))
    assert max(values.numel() for _, _, values in _sparse.item_pairs(matrix, torch.device("cpu"))) == 256


def test_which_matrices_are_sparse():
    assert _sparse.is_sparse(scipy.sparse.csr_matrix(np.eye(65)))
    assert not _sparse.is_sparse(scipy.sparse.csr_matrix(np.eye(64)))
