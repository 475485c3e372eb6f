import numpy as np
import pytest
import shopzoo_mf.ease
import torch
from hypothesis import given
from hypothesis import strategies as st
from shopzoo_mf.ease import EASE
from shopzoo_mf.params import EASEParams

from zoo.api import ConfigError, Interactions, Queries, ResourceError


def closed_form(log, l2):
    """Return Steck's equation 8 and the scores of the log's own users, in float64 and one line each."""
    seen = np.zeros((log.n_users, log.n_items + 1))
    seen[log.users, log.items] = 1
    inverse = np.linalg.inv(seen.T @ seen + l2 * np.eye(log.n_items + 1))
    weights = np.where(np.eye(len(inverse)), 0, -inverse / np.diag(inverse))
    return seen @ weights


@given(st.data(), st.sampled_from([0.5, 5.0, 300.0]))
def test_agrees_with_the_closed_form(logs, fitted, data, l2):
    log = data.draw(logs)
    scores = fitted(EASE(EASEParams(l2=l2)), log).score(Queries.of_histories(log))
    np.testing.assert_allclose(scores, closed_form(log, l2), atol=1e-5)


def test_an_item_has_no_say_in_its_own_score(clustered, fitted):
    model = fitted(EASE(EASEParams()), clustered)
    assert (model.weights.diagonal() == 0).all()


def test_unknown_items_take_no_room_and_no_part(clustered, fitted):
    model = fitted(EASE(EASEParams(l2=10)), clustered)
    assert model.weights.shape == (30, 30)
    wider = Interactions.from_arrays(clustered.users, clustered.items, n_items=1000)
    scores = fitted(EASE(EASEParams(l2=10)), wider).score(Queries.of_histories(wider))
    torch.testing.assert_close(scores[:, :33], model.score(Queries.of_histories(clustered)))
    assert (scores[:, 31:] == 0).all()
    new = Interactions.from_arrays(np.array([0, 0, 1]), np.array([5, 32, 5]), n_items=32)
    with_unknown, without = model.score(Queries.of_histories(new))
    assert torch.equal(with_unknown, without)


def test_a_new_user_is_served_like_a_known_one_of_the_same_history(clustered, fitted):
    model = fitted(EASE(EASEParams()), clustered)
    history = clustered.items[clustered.offsets[3] : clustered.offsets[4]]
    new = Interactions.from_arrays(np.zeros(len(history), int), history, n_items=clustered.n_items)
    torch.testing.assert_close(
        model.score(Queries.of_histories(new))[0], model.score(Queries.of_histories(clustered))[3]
    )


def test_a_catalogue_that_would_not_fit_is_refused_before_anything_is_made(clustered, fitted, monkeypatch):
    def allocated(*_, **__):
        raise AssertionError("something was allocated")

    monkeypatch.setattr(shopzoo_mf.ease, "available_bytes", lambda device: 2**20)
    monkeypatch.setattr(torch, "zeros", allocated)
    monkeypatch.setattr(shopzoo_mf.ease, "item_pairs", allocated)
    n = 30_000
    log = Interactions.from_arrays(np.zeros(n, int), np.arange(1, n + 1))
    with pytest.raises(ResourceError) as refused:
        fitted(EASE(EASEParams()), log)
    assert str(refused.value) == (
        "ease on 30,000 items needs 6.7 GiB (2 matrices of items by items), but 0.0 GiB are free on cpu: leave out rare "
        "items (`k_core` in `[data]`), use a machine with more memory, or take item-knn or als"
    )


def test_an_l2_too_small_to_invert_anything_is_refused(fitted):
    log = Interactions.from_arrays(np.repeat(np.arange(1000), 2), np.tile([1, 2], 1000))
    with pytest.raises(ConfigError) as refused:
        fitted(EASE(EASEParams(l2=1e-9)), log)
    assert str(refused.value) == (
        "ease with l2 = 1e-09: the Gram matrix of these data cannot be inverted in float32; raise l2"
    )


def test_there_is_memory_here():
    assert 2**20 < shopzoo_mf.ease.available_bytes(torch.device("cpu")) < 2**50
