import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from shopzoo_baselines.borda import Borda
from shopzoo_baselines.params import BordaParams

from zoo.api import CandidateLists, ConfigError


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 8))
def test_it_counts_who_stands_below(seed, b, k):
    rng = np.random.default_rng(seed)
    features = rng.integers(0, 5, (b, k, 3)).astype(np.float32)
    features[rng.random(features.shape) < 0.3] = np.nan
    sizes = rng.integers(0, k + 1, b)
    mask = np.arange(k) < sizes[:, None]
    scores = np.where(mask, rng.integers(0, 4, (b, k)), -np.inf).astype(np.float32)
    lists = CandidateLists(
        *map(torch.from_numpy, (mask.astype(np.int64), scores, features)), columns=("a", "b", "rank")
    )
    points = Borda(BordaParams(columns=["score", "a", "-b"])).score(lists)
    for row in range(b):
        for i in range(sizes[row]):
            expected = 0.0
            for values in (scores[row], features[row, :, 0], -features[row, :, 1]):
                for j in range(sizes[row]):
                    if i != j and not np.isnan(values[i]):
                        expected += (
                            1.0 if np.isnan(values[j]) or values[i] > values[j] else 0.5 * (values[i] == values[j])
                        )
            assert points[row, i] == expected


def lists_with(columns):
    scores = torch.tensor([[2.0, 1.0]])
    return CandidateLists(
        torch.tensor([[1, 2]]), scores, torch.tensor([[[0.0] * len(columns), [9.0] * len(columns)]]), columns
    )


def test_by_default_everything_votes_but_rank():
    assert Borda(BordaParams()).score(lists_with(("rank",))).tolist() == [[1, 0]]
    assert Borda(BordaParams()).score(lists_with(("rank", "a", "b"))).tolist() == [[1, 2]]


def test_patterns_name_several_columns_and_the_last_decides():
    assert Borda(BordaParams(columns=["-rank*"])).score(lists_with(("rank1", "rank2"))).tolist() == [[2, 0]]
    assert Borda(BordaParams(columns=["-rank*", "rank2"])).score(lists_with(("rank1", "rank2"))).tolist() == [[1, 1]]


def test_after_another_ranker_its_score_counts_and_not_the_predictors():
    scores = torch.tensor([[3.0, 2.0, 1.0]])
    features = torch.tensor([[[1.0], [2.0], [3.0]]])
    lists = CandidateLists(torch.tensor([[1, 2, 3]]), scores, features, ("score",))
    assert Borda(BordaParams()).score(lists).tolist() == [[2.0, 1.0, 0.0]]
    untouched = CandidateLists(torch.tensor([[1, 2, 3]]), torch.zeros(1, 3), features, ("score",))
    assert Borda(BordaParams()).score(untouched).tolist() == [[0.0, 1.0, 2.0]]  # judged lists: a feature of this name


def test_a_name_that_matches_nothing_is_an_error():
    with pytest.raises(
        ConfigError, match=r"^borda: no ranking feature matches 'pirce'. The lists have: score, price.$"
    ):
        Borda(BordaParams(columns=["-pirce"])).score(lists_with(("price",)))
