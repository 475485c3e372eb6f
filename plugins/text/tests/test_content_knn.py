import json

import numpy as np
import pytest
import scipy.sparse
import torch
from hypothesis import given
from hypothesis import strategies as st
from shopzoo_text import content_knn
from shopzoo_text.content_knn import ContentKNN
from shopzoo_text.params import ContentKNNParams, TfIdfParams
from shopzoo_text.vectorizers import TfIdf

from zoo.api import ConfigError, Interactions, ItemFeatures, Queries, RunContext, State, TrainingData


def case(seed, *, sparse):
    """Return a log of two event types and features in which some items, and padding, have none."""
    rng = np.random.default_rng(seed)
    n_items, n_users, n, width = rng.integers(1, 12), rng.integers(1, 6), rng.integers(0, 30), rng.integers(1, 7)
    log = Interactions.from_arrays(
        rng.integers(0, n_users, n), rng.integers(1, n_items + 1, n), n_items=int(n_items), n_users=int(n_users),
        events=rng.integers(0, 2, n), event_names=("view", "buy"), event_weights=(1.0, 5.0),
    )  # fmt: skip
    values = (rng.normal(size=(n_items + 1, width)) * (rng.random((n_items + 1, width)) < 0.4)).astype(np.float32)
    values[0] = 0
    names = tuple(map(str, range(width)))
    matrix = scipy.sparse.csr_matrix(values)
    return (
        log,
        ItemFeatures.of_sparse(matrix, names) if sparse else ItemFeatures(torch.from_numpy(values), names),
        values,
    )


def naive(log, values, history, recency, temperature=None):
    """Return the scores by loops, in double precision."""
    unit = lambda v: v / np.linalg.norm(v) if np.linalg.norm(v) > 0 else v  # noqa: E731
    scores = np.zeros((log.n_users, log.n_items + 1))
    for u in range(log.n_users):
        taken = list(range(log.offsets[u], log.offsets[u + 1]))[-(history or 10**9) :]
        weights = [recency**later * log.weights[at] for later, at in enumerate(reversed(taken))]
        vectors = [unit(values[log.items[at]].astype(float)) for at in reversed(taken)]
        profile = sum((w * v for w, v in zip(weights, vectors, strict=True)), np.zeros(values.shape[1]))
        for item in range(log.n_items + 1):
            own = unit(values[item].astype(float))
            if temperature is None:
                scores[u, item] = own @ unit(profile)
            elif taken:
                near = [np.expm1(own @ v / temperature) * np.exp(-1 / temperature) for v in vectors]
                scores[u, item] = np.dot(weights, near) / sum(weights)
    return scores


@given(
    st.integers(0, 2**32 - 1), st.booleans(), st.sampled_from([None, 1, 3]), st.sampled_from([0.5, 0.9, 1.0]),
    st.sampled_from([None, 0.02, 0.3, 5.0, 1e6]),
)  # fmt: skip
def test_it_equals_dense_loops(seed, sparse, history, recency, temperature):
    log, features, values = case(seed, sparse=sparse)
    params = ContentKNNParams(history=history, recency=recency, temperature=temperature)
    model, queries = ContentKNN(params), Queries.of_histories(log)
    model.fit(TrainingData.of(log, features=features), RunContext())
    scores = model.score(queries)
    assert scores.dtype == torch.float32
    assert scores.is_contiguous()
    expected = naive(log, values, history, recency, temperature)
    np.testing.assert_allclose(scores, expected, atol=2e-5 * min(1, 1 / (temperature or 1)))
    assert not scores[:, ~values.any(1)].any()  # nothing is known of the item
    assert scores.max() <= 1 + 1e-6
    for b in range(len(queries)):
        torch.testing.assert_close(model.score(queries[b : b + 1])[0], scores[b], atol=5e-6, rtol=0)
    again, state = ContentKNN(model.params), model.state()
    assert state.tensors["vectors"].layout == (torch.sparse_csr if sparse else torch.strided)
    again.load_state(State(state.tensors, json.loads(json.dumps(state.values))))
    assert torch.equal(again.score(queries), scores)


def test_sparse_scores_of_one_query_are_bit_for_bit_those_of_the_batch():
    log, features, _ = case(13, sparse=True)  # five users
    model, queries = ContentKNN(ContentKNNParams()), Queries.of_histories(log)
    model.fit(TrainingData.of(log, features=features), RunContext())
    assert torch.equal(torch.cat([model.score(queries[b : b + 1]) for b in range(len(queries))]), model.score(queries))


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("temperature", [None, 0.3])
def test_vectors_made_dense_one_by_one_score_as_all_at_once(monkeypatch, temperature, sparse):
    log, features, _ = case(13, sparse=sparse)  # five users
    model, queries = ContentKNN(ContentKNNParams(temperature=temperature)), Queries.of_histories(log)
    model.fit(TrainingData.of(log, features=features), RunContext())
    expected = model.score(queries)
    monkeypatch.setattr(content_knn, "BLOCK_BYTES", 1)
    assert len(queries) > 1
    torch.testing.assert_close(model.score(queries), expected, atol=5e-6, rtol=0)


def test_with_a_temperature_the_nearest_event_counts_more_than_the_mean():
    """A user of two tastes: an item just like one of them comes before one between both, which the mean prefers."""
    values = torch.tensor([[0.0, 0], [1, 0], [0, 1], [1, 0], [1, 1]])
    log = Interactions.from_arrays(np.array([0, 0]), np.array([1, 2]), n_items=4, n_users=1)
    for temperature, best in ((None, 4), (0.1, 3)):
        model = ContentKNN(ContentKNNParams(recency=1.0, temperature=temperature))
        model.fit(TrainingData.of(log, features=ItemFeatures(values, ("a", "b"))), RunContext())
        assert 3 + int(model.score(Queries.of_histories(log))[0, 3:].argmax()) == best


def test_a_new_item_is_found_by_its_words(fitted, catalogue, log):
    """The user of the wool hat and the wool scarf gets the new wool hat, which nobody has taken, before any lamp."""
    model = fitted(ContentKNN(ContentKNNParams()), fitted(TfIdf(TfIdfParams())).transform(catalogue))
    scores = model.score(Queries.of_histories(log))
    others = scores[0].clone()
    others[[1, 2]] = -1  # what the user has
    assert others.argmax() == 6
    assert not scores[4].any()  # no history, no likeness


def test_without_features_it_says_what_to_do(log):
    with pytest.raises(
        ConfigError, match=r"^content-knn compares item features, and there are none: give the model a `featurizer`$"
    ):
        ContentKNN(ContentKNNParams()).fit(TrainingData.of(log), RunContext())
