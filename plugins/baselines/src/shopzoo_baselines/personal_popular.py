"""What the user takes again: the own counts first, then everybody's."""

import numpy as np
import scipy.sparse
import torch
from numpy.typing import NDArray
from torch import Tensor

from shopzoo_baselines.params import PersonalPopularParams
from shopzoo_baselines.popular import decayed, over_popularity, popularity
from zoo.api import Predictor, Queries, RunContext, TrainingData


class PersonalPopular(Predictor[PersonalPopularParams]):
    """Puts the user's own items first, by their (decayed) weights, and orders the rest by popularity.

    GP-TopFreq of Li et al. (2023), with a half-life and event weights; popularity also breaks the ties between own items. With
    `exclude_seen` it can only be popularity. An own item scores 1 + its place from below among the user's own, another
    item its popularity in [0, 1]: sums would lose the smaller part to rounding.
    """

    fitted = ("popularity",)
    popularity: Tensor

    def fit(self, data: TrainingData, context: RunContext) -> None:
        """Count the events of each item, for what the user does not take."""
        counts = popularity(data.interactions)
        self.popularity = torch.from_numpy(counts / max(counts.max(), np.finfo(float).tiny)).float()

    def score(self, queries: Queries) -> Tensor:
        """Return the scores `[B, I]`."""
        own = self._own(queries)
        rows = np.repeat(np.arange(len(queries)), np.diff(own.indptr))
        weights = own.data.astype(np.float32)  # coarser than the sums' rounding, so that two halves equal a whole
        own.data = 1.0 + _places(rows, weights, self.popularity.numpy()[own.indices])
        return over_popularity(self.popularity, own)

    def _own(self, queries: Queries) -> scipy.sparse.csr_matrix:
        """Return the weights of each user's own items, `[B, I]`."""
        h = queries.histories
        weights = h.weights.astype(np.float64)
        if self.params.half_life is not None:
            weights *= decayed(queries.now[h.rows] - h.times, self.params.half_life)
        own = scipy.sparse.csr_matrix((weights, h.items, h.offsets), (len(queries), queries.log.n_items + 1), copy=True)
        own.sum_duplicates()
        return own


def _places(rows: NDArray[np.int64], first: NDArray[np.float32], then: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return each entry's place from below within its row by two keys, from 1; equal entries share a place."""
    order = np.lexsort((then, first, rows))
    keys = np.stack([rows[order], first[order], then[order]])
    starts = np.diff(keys[0], prepend=-1) != 0
    running = np.cumsum(starts | np.any(np.diff(keys, axis=1, prepend=-1) != 0, axis=0))
    places = np.empty(len(rows), np.int64)
    places[order] = running - (running[starts] - 1)[np.cumsum(starts) - 1]
    return places
