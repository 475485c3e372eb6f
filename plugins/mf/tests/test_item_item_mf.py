import numpy as np
import pytest
import scipy.sparse
import torch
from hypothesis import given
from hypothesis import strategies as st
from shopzoo_mf.item_item_mf import ItemItemMF, sppmi, truncated_svd
from shopzoo_mf.params import ItemItemMFParams

from zoo.api import Interactions, Queries, RunContext


def by_definition(log, shift, smoothing):
    """Return shifted positive PMI pair by pair, `[I, I]`: P(i, j), P(i) and P(j) counted over all pairs of a user's items."""
    baskets = [set(log.items[a:b].tolist()) for a, b in zip(log.offsets, log.offsets[1:], strict=False)]
    size = log.n_items + 1
    count = np.zeros((size, size))
    for basket in baskets:
        for i in basket:
            for j in basket - {i}:
                count[i, j] += 1
    matrix = np.zeros((size, size))
    for i, j in np.argwhere(count):
        smoothed = count[:, j].sum() ** smoothing / (count.sum(0) ** smoothing).sum()
        matrix[i, j] = max(0, np.log(count[i, j] / count[i].sum() / smoothed) - np.log(shift))
    return matrix


@given(st.data(), st.sampled_from([1.0, 2.5]), st.sampled_from([0.5, 1.0]))
def test_the_matrix_is_shifted_positive_pmi(logs, data, shift, smoothing):
    log = data.draw(logs)
    found = sppmi(log.matrix(binary=True), shift, smoothing, RunContext())
    np.testing.assert_allclose(found.toarray(), by_definition(log, shift, smoothing), atol=1e-5)


@given(st.data(), st.integers(1, 10))
def test_no_matrix_of_the_rank_is_nearer(logs, fitted, data, factors):
    log = data.draw(logs)
    model = fitted(ItemItemMF(ItemItemMFParams(factors=factors, exponent=1)), log)
    matrix = by_definition(log, 1, 0.5)
    left_out = np.linalg.svd(matrix, compute_uv=False)[factors:]
    error = np.linalg.norm(matrix - (model.left @ model.right.T).numpy())
    assert error == pytest.approx(np.sqrt((left_out**2).sum()), abs=1e-4)


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0])
def test_scores_sum_over_the_history_what_numpys_svd_gives(clustered, fitted, exponent):
    model = fitted(ItemItemMF(ItemItemMFParams(factors=5, exponent=exponent, smoothing=0.8)), clustered)
    u, s, vt = np.linalg.svd(by_definition(clustered, 1, 0.8))
    seen = np.zeros((60, 33))
    seen[clustered.users, clustered.items] = 1
    expected = seen @ (u[:, :5] * s[:5] ** exponent) @ vt[:5]
    np.testing.assert_allclose(model.score(Queries.of_histories(clustered)), expected, rtol=1e-3, atol=1e-3)


def test_the_svd_of_a_large_matrix_with_a_slow_spectrum_is_near_the_best():
    rng = np.random.default_rng(0)
    matrix = scipy.sparse.random(600, 400, 0.1, "csr", np.float32, rng)
    u, s, v = truncated_svd(matrix, 20, torch.Generator().manual_seed(0))
    exact = np.linalg.svd(matrix.toarray(), compute_uv=False)
    np.testing.assert_allclose(s, exact[:20], rtol=0.02)
    error = np.linalg.norm(matrix.toarray() - (u * s @ v.T).numpy())
    assert error < 1.002 * np.sqrt((exact[20:] ** 2).sum())


def test_a_new_user_is_served_like_a_known_one_of_the_same_history(clustered, fitted):
    model = fitted(ItemItemMF(ItemItemMFParams(factors=6)), clustered)
    history = clustered.items[clustered.offsets[3] : clustered.offsets[4]]
    new = Interactions.from_arrays(np.zeros(len(history), int), history, n_items=clustered.n_items)
    torch.testing.assert_close(
        model.score(Queries.of_histories(new))[0], model.score(Queries.of_histories(clustered))[3]
    )


def test_items_outside_training_have_no_vectors(clustered, fitted):
    model = fitted(ItemItemMF(ItemItemMFParams(factors=6)), clustered)
    assert model.left[[0, 31, 32]].abs().max() < 1e-5
    assert model.right[[0, 31, 32]].abs().max() < 1e-5
