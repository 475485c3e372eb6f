"""The top K against a full lexicographic sort."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from zoo.nn.topk import top_k

FEW = st.sampled_from([-np.inf, -1.5, -0.0, 0.0, 1e-30, 0.5, 3.0, np.inf])  # few values: ties everywhere
MATRICES = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=14).flatmap(
    lambda shape: hnp.arrays(np.float32, shape, elements=FEW)
)


def reference(scores, k):
    """Sort every row whole by (falling score, column) and cut; empty slots are column 0 and -inf."""
    padded = np.pad(scores + 0.0, ((0, 0), (0, k + 1)), constant_values=-np.inf)
    order = np.stack([np.lexsort((np.arange(len(row)), -row)) for row in padded])
    ordered = np.take_along_axis(padded, order, 1)
    columns = np.where(ordered[:, :k] > -np.inf, order[:, :k], 0)
    tied = (ordered[:, k - 1] == ordered[:, k]) & (ordered[:, k] > -np.inf)
    return columns, ordered[:, :k], tied


def assert_agrees(scores, k):
    best = top_k(torch.from_numpy(scores.copy()), k)
    columns, values, tied = reference(scores, k)
    np.testing.assert_array_equal(best.columns, columns)
    np.testing.assert_array_equal(best.scores, values)
    np.testing.assert_array_equal(best.tied, tied)
    assert best.columns.dtype == torch.int64


@given(MATRICES, st.integers(1, 18))
def test_order_is_that_of_a_full_sort(scores, k):
    assert_agrees(scores, k)


@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 3]), st.sampled_from([4, 30, 10**6]), st.integers(0, 63))
def test_very_wide_rows(seed, k, levels, rest):
    """Wide enough to be searched by chunks, with columns that fill no chunk."""
    rng = np.random.default_rng(seed)
    scores = rng.integers(-levels, levels, (5, 64 * 4 * (k + 1) + rest)).astype(np.float32)
    scores[1, rng.random(scores.shape[1]) < 0.99] = -np.inf
    scores[2] = -np.inf
    scores[3, -3:] += 2 * levels
    assert_agrees(scores, k)


@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 2, 10]), st.sampled_from([0, 1, 3, 50]))
def test_wide_rows_with_ties_far_to_the_right(seed, k, levels):
    """Wider than what is looked at first, so that rows differ in whether their ties are found there."""
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, levels + 1, (9, 64 * k + 200)).astype(np.float32)
    scores[::2, : 64 * k] -= 1  # in every other row the edge lies beyond
    scores[1] = -np.inf
    scores[3, 5:] = -np.inf
    assert_agrees(scores, k)


@pytest.mark.parametrize("k", [1, 10, 300, 301, 400])
def test_all_ties_take_the_lowest_columns(k):
    best = top_k(torch.zeros(3, 300), k)
    filled = min(k, 300)
    assert best.columns[:, :filled].tolist() == [list(range(filled))] * 3
    assert best.columns[:, filled:].eq(0).all()
    assert best.scores[:, filled:].eq(-torch.inf).all()
    assert best.tied.tolist() == [k < 300] * 3


@pytest.mark.parametrize("width", [1000, 10_000])
def test_rows_without_ties_equal_torch(width):
    scores = torch.stack([torch.randperm(width, generator=torch.Generator().manual_seed(i)) for i in range(50)]).float()
    expected = scores.topk(20)
    best = top_k(scores, 20)
    assert torch.equal(best.columns, expected.indices)
    assert torch.equal(best.scores, expected.values)
    assert not best.tied.any()


@pytest.mark.parametrize("width", [40, 4000], ids=["narrow", "wide"])
@pytest.mark.parametrize("rest", [0.0, 1.0, -torch.inf, torch.inf])
def test_nan_comes_first_even_among_ties(rest, width):
    scores = torch.full((3, width), rest)
    scores[1, 17] = torch.nan
    best = top_k(scores, 5)
    assert best.scores.isnan().any(1).tolist() == [False, True, False]
    assert best.scores[1, 0].isnan()
    assert best.columns[1, 0] == 17


def test_scores_are_left_alone():
    scores = torch.tensor([[1.0, 1.0, -torch.inf, 1.0]])
    before = scores.clone()
    top_k(scores, 2)
    assert torch.equal(scores, before)


@pytest.mark.parametrize("width", [200, 2000])
def test_views_that_are_not_contiguous(width):
    scores = np.random.default_rng(0).integers(0, 3, (width, 7)).astype(np.float32)
    best = top_k(torch.from_numpy(scores).T, 4)
    np.testing.assert_array_equal(best.columns, reference(np.ascontiguousarray(scores.T), 4)[0])


@pytest.mark.parametrize("width", [7, 2000])
def test_no_rows(width):
    best = top_k(torch.zeros(0, width), 3)
    assert best.columns.shape == best.scores.shape == (0, 3)
    assert best.tied.shape == (0,)
