import numpy as np
import pytest
import scipy.sparse
import torch
from hypothesis import given
from hypothesis import strategies as st
from shopzoo_baselines import mmr
from shopzoo_baselines.mmr import MMR
from shopzoo_baselines.params import MMRParams

from zoo.api import CandidateLists, ConfigError, ItemFeatures


def lists_of(rng, b, k, width, *, sparse):
    values = rng.normal(size=(3 * k + 1, width)) * (rng.random((3 * k + 1, width)) < 0.5)
    values[0] = 0
    names = tuple(map(str, range(width)))
    matrix = scipy.sparse.csr_matrix(values.astype(np.float32))
    vectors = (
        ItemFeatures.of_sparse(matrix, names) if sparse else ItemFeatures(torch.from_numpy(matrix.toarray()), names)
    )
    items = np.stack([rng.permutation(np.arange(1, 3 * k + 1))[:k] for _ in range(b)])
    scores = -np.sort(-rng.normal(size=(b, k)).astype(np.float32), axis=1)
    empty = np.arange(k) >= rng.integers(0, k + 1, b)[:, None]
    items[empty], scores[empty] = 0, -np.inf
    items, scores = torch.from_numpy(items), torch.from_numpy(scores)
    return CandidateLists(items, scores, scores[..., None], ("score",), vectors)


def naive(items, scores, vectors, weight):
    """Carbonell and Goldstein's greedy loop for one list; return the items in the order of picking."""
    cosine = lambda a, b: a @ b / max(np.linalg.norm(a) * np.linalg.norm(b), 1e-12)  # noqa: E731
    low, high = min(scores, default=0), max(scores, default=0)
    relevance = [(s - low) / (high - low) if high > low else 1.0 for s in scores]
    left, picked = list(range(len(items))), []
    while left:
        gains = [
            weight * relevance[i]
            - (1 - weight) * max((cosine(vectors[items[i]], vectors[items[j]]) for j in picked), default=0.0)
            for i in left
        ]
        picked.append(left.pop(int(np.argmax(gains))))
    return [items[i] for i in picked]


@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 4),
    st.integers(1, 8),
    st.sampled_from([0.0, 0.3, 0.7, 1.0]),
    st.booleans(),
)
def test_it_equals_the_naive_loop(seed, b, k, weight, sparse):
    lists = lists_of(np.random.default_rng(seed), b, k, 6, sparse=sparse)
    points = MMR(MMRParams(relevance=weight)).score(lists)
    for row in range(b):
        filled = lists.mask[row]
        items, scores = lists.items[row][filled].tolist(), lists.scores[row][filled].tolist()
        order = points[row][filled].argsort(descending=True).tolist()
        vectors = lists.vectors.values.to_dense().double().numpy()
        assert [items[i] for i in order] == naive(items, scores, vectors, weight)
        assert sorted(points[row][filled].tolist()) == list(range(k - len(items) + 1, k + 1))


def test_relevance_alone_keeps_the_order():
    lists = lists_of(np.random.default_rng(0), 5, 8, 6, sparse=True)
    points = MMR(MMRParams(relevance=1.0)).score(lists)
    assert (points.masked_fill(~lists.mask, 0).diff(dim=1) <= 0).all()


def test_copies_of_the_best_item_go_down():
    vectors = ItemFeatures(torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), ("a", "b"))
    scores = torch.tensor([[3.0, 2.9, 1.0]])
    lists = CandidateLists(torch.tensor([[1, 2, 3]]), scores, scores[..., None], ("score",), vectors)
    assert MMR(MMRParams(relevance=0.9)).score(lists).tolist() == [[3, 2, 1]]
    assert MMR(MMRParams(relevance=0.4)).score(lists).tolist() == [[3, 1, 2]]


def test_blocks_of_lists_change_nothing(monkeypatch):
    lists = lists_of(np.random.default_rng(1), 7, 5, 6, sparse=True)
    whole = MMR(MMRParams()).score(lists)
    monkeypatch.setattr(mmr, "CELLS", 60)
    assert torch.equal(MMR(MMRParams()).score(lists), whole)


def test_without_features_it_says_what_to_do():
    lists = CandidateLists(torch.ones(1, 2, dtype=torch.long), torch.zeros(1, 2), torch.zeros(1, 2, 0))
    with pytest.raises(
        ConfigError, match=r"mmr compares items by their features, and there are none: give the model a `featurizer`"
    ):
        MMR(MMRParams()).score(lists)
