from itertools import pairwise

import numpy as np
import pytest
import shopzoo_mf._sparse
import shopzoo_mf.item_knn
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from shopzoo_mf.item_knn import ItemKNN
from shopzoo_mf.params import ItemKNNParams

from zoo.api import Interactions, Queries


def brute_force(log, k, shrinkage, damping):
    """Return the scores of the log's own users, pair by pair."""
    history = np.zeros((log.n_users, log.n_items + 1))
    np.add.at(history, (log.users, log.items), log.weights)
    square = (history**2).sum(1, keepdims=True)
    typical = np.sqrt(square[square > 0].mean())
    taken = (history / np.where(square > 0, (np.sqrt(square) / typical) ** damping, 1)).astype(np.float32)
    length = np.sqrt((taken**2).sum(0))
    scores = np.zeros_like(taken)
    gaps = [np.inf]
    for j in range(1, log.n_items + 1):
        similar = {}
        for i in range(1, log.n_items + 1):
            shared = taken[:, i] @ taken[:, j]
            if i != j and shared > 0:
                similar[i] = shared / (length[i] * length[j] + np.float32(shrinkage))
        nearest = sorted(similar, key=lambda i: (-similar[i], i))
        gaps += [similar[a] - similar[b] for a, b in pairwise(nearest)]
        for i in nearest[:k]:
            scores[:, j] += history[:, i] * similar[i]
    return scores, min(gaps)


@pytest.mark.parametrize("sparse", [True, False])
@settings(
    suppress_health_check=[
        *settings.default.suppress_health_check,
        HealthCheck.function_scoped_fixture,
        HealthCheck.filter_too_much,
    ]
)
@given(
    data=st.data(),
    k=st.integers(1, 9),
    shrinkage=st.sampled_from([0.0, 0.5, 20.0]),
    damping=st.sampled_from([0.0, 0.5, 1.0]),
)
def test_agrees_with_brute_force(logs, fitted, monkeypatch, sparse, data, k, shrinkage, damping):
    for module in (shopzoo_mf._sparse, shopzoo_mf.item_knn):
        monkeypatch.setattr(module, "is_sparse", lambda matrix: sparse)
    log = data.draw(logs)
    params = ItemKNNParams(k=k, shrinkage=shrinkage, damping=damping)
    expected, gap = brute_force(log, k, shrinkage, damping)
    assume(damping == 0 or gap > 1e-5 or k > log.n_items)  # rounding decides ties that no whole numbers stand behind
    np.testing.assert_allclose(
        fitted(ItemKNN(params), log).score(Queries.of_histories(log)), expected, rtol=1e-4, atol=1e-5
    )


def test_equally_similar_neighbours_are_chosen_by_number(fitted):
    log = Interactions.from_arrays(np.repeat([0, 1, 2], 4), np.tile([1, 2, 3, 4], 3))
    model = fitted(ItemKNN(ItemKNNParams(k=2)), log)
    assert model.neighbours.tolist() == [[0, 0], [2, 3], [1, 3], [1, 2], [1, 2]]


def test_fewer_neighbours_than_asked_for(fitted):
    log = Interactions.from_arrays(np.array([0, 0, 1]), np.array([1, 2, 3]))
    model = fitted(ItemKNN(ItemKNNParams(k=50, shrinkage=0)), log)
    assert model.neighbours[:, 0].tolist() == [0, 2, 1, 0]
    assert (model.neighbours[:, 1:] == 0).all()
    torch.testing.assert_close(model.score(Queries.of_histories(log))[1], torch.zeros(4))


def test_shrinkage_prefers_what_many_share(fitted):
    users = np.repeat(np.arange(11), 2)
    items = np.array([1, 2] * 9 + [1, 3] + [4, 5])  # 2 shares nine of its users with 1; 5 its only one with 4
    log = Interactions.from_arrays(users, items)
    plain, shrunk = (fitted(ItemKNN(ItemKNNParams(k=3, shrinkage=s)), log).similarities[:, 0] for s in (0.0, 20.0))
    assert plain[2] < plain[5]
    assert shrunk[2] > shrunk[5]


def test_event_weights_count_in_fit_and_in_history(fitted):
    users, items = np.array([0, 0, 1, 1, 2]), np.array([1, 2, 1, 3, 1])
    events = np.array([0, 1, 0, 0, 0])
    kinds = {"event_names": ("view", "purchase"), "event_weights": (1.0, 5.0)}
    plain = fitted(ItemKNN(ItemKNNParams()), Interactions.from_arrays(users, items))
    weighted = fitted(ItemKNN(ItemKNNParams()), Interactions.from_arrays(users, items, events=events, **kinds))
    asked = Queries.of_histories(Interactions.from_arrays(np.array([0]), np.array([1]), n_items=3))
    assert plain.score(asked)[0, 2] == plain.score(asked)[0, 3]
    assert weighted.score(asked)[0, 2] > weighted.score(asked)[0, 3]
    once, bought = (
        Queries.of_histories(
            Interactions.from_arrays(np.array([0]), np.array([1]), n_items=3, events=np.array([e]), **kinds)
        )
        for e in (0, 1)
    )
    torch.testing.assert_close(5 * weighted.score(once), weighted.score(bought))
