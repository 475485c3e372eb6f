"""Popularity, as a predictor and as a filter."""

import numpy as np
import scipy.sparse
import torch
from numpy.typing import NDArray
from torch import Tensor

from shopzoo_baselines.params import PopularParams, TopPopularParams
from zoo.api import Filter, Fitted, Interactions, Predictor, Queries, RunContext, TrainingData
from zoo.nn import top_k

DAY = 24 * 60 * 60 * 1000
"""One day in milliseconds."""


class Popular(Predictor[PopularParams]):
    """Scores each item by the summed weights of its events, decayed to the end of the log if a half-life is set.

    The scores are the same for all queries: an exponential decay preserves the order of items over time, so the time of a
    query does not matter.
    """

    fitted = Fitted(popularity="float32 [I]")
    popularity: Tensor

    def fit(self, data: TrainingData, context: RunContext) -> None:
        """Sum the event weights of each item."""
        self.popularity = torch.from_numpy(popularity(data.interactions, self.params.half_life)).float()

    def score(self, queries: Queries) -> Tensor:
        """Return the popularity for each query, `[B, I]`."""
        return self.popularity.repeat(len(queries), 1)


class TopPopular(Filter[TopPopularParams]):
    """Keeps the `n` most popular items, or a share of the items that occur in training; ties go to the lower item number."""

    fitted = Fitted(kept="bool [I]")
    kept: Tensor

    def fit(self, data: TrainingData, context: RunContext) -> None:
        """Mark the most popular items."""
        n, share = self.params.n, self.params.share
        known = torch.from_numpy(data.known)
        n = max(round(share * int(known.sum())), 1) if n is None and share is not None else n
        scores = torch.from_numpy(popularity(data.interactions, self.params.half_life)).float()
        best = top_k(scores.masked_fill(~known, -torch.inf)[None], min(n or 1, len(scores))).columns
        self.kept = torch.zeros(len(scores), dtype=torch.bool).index_fill_(0, best[0], True)
        self.kept[0] = False

    def keep(self, queries: Queries) -> Tensor:
        """Return the popular items, the same for all queries, `[1, I]`."""
        return self.kept[None]


def popularity(log: Interactions, half_life: float | None = None) -> NDArray[np.float64]:
    """Return the summed event weights of each item, `[I]`.

    Args:
        log: The events.
        half_life: Days before the end of the log at which the weight of an event has halved; None for no decay.
    """
    weights = log.weights.astype(np.float64)
    if half_life is not None and len(log):
        weights *= decay(log.times.max() - log.times, half_life)
    return np.bincount(log.items, weights, minlength=log.n_items + 1).astype(np.float64, copy=False)


def over_popularity(popularity: Tensor, entries: scipy.sparse.csr_matrix) -> Tensor:
    """Return scores `[B, I]`: the stored entries of the sparse matrix `[B, I]`, and the popularity `[I]` elsewhere."""
    scores = popularity.repeat(entries.shape[0], 1)
    rows = np.repeat(np.arange(entries.shape[0]), np.diff(entries.indptr))
    scores.numpy()[rows, entries.indices] = entries.data
    return scores


def decay(age: NDArray[np.int64], half_life: float) -> NDArray[np.float64]:
    """Return the remaining weight of events of the given age in milliseconds, with a half-life in days."""
    return np.exp2(-age / (half_life * DAY))
