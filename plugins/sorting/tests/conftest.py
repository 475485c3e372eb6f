"""Lists whose order is known."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from zoo.api import RankingData
from zoo.nn import list_ndcg


@pytest.fixture(scope="session")
def lists_of() -> Callable[..., RankingData]:
    """Return a function that makes lists of three to nine candidates, graded 0 to 2 by the sum of their two features."""

    def made(n: int, seed: int = 0) -> RankingData:
        rng = np.random.default_rng(seed)
        offsets = np.concatenate([[0], np.cumsum(rng.integers(3, 10, n))])
        features = rng.normal(size=(offsets[-1], 2)).astype(np.float32)
        labels = np.digitize(features.sum(1), [0.5, 1.5]).astype(np.float32)
        return RankingData(
            offsets, torch.arange(1, len(labels) + 1), torch.zeros(len(labels)), torch.from_numpy(features),
            torch.from_numpy(labels), ("a", "b"), None, np.ones(n, np.bool_),
        )  # fmt: skip

    return made


@pytest.fixture(scope="session")
def quality() -> Callable[[Any, RankingData], float]:
    """Return a function that gives a ranker's mean NDCG@10."""

    def found(ranker: Any, data: RankingData) -> float:
        lists = data.where(data.decided).lists()
        assert lists.labels is not None
        return float(list_ndcg(ranker.score(lists), lists.labels, lists.mask, 10).mean())

    return found
