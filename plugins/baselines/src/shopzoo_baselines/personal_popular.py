"""Personal popularity: the user's own items by count, then all other items by popularity."""

import numpy as np
import scipy.sparse
import torch
from numpy.typing import NDArray
from torch import Tensor

from shopzoo_baselines.params import PersonalPopularParams
from shopzoo_baselines.popular import decay, over_popularity, popularity
from zoo.api import Fitted, Predictor, Queries, RunContext, TrainingData


class PersonalPopular(Predictor[PersonalPopularParams]):
    """Ranks the user's own items first, by their (decayed) weights, and all other items by popularity.

    This is GP-TopFreq of Li et al. (2023), with a half-life and event weights; popularity also breaks ties between own items.
    With `exclude_seen` it reduces to popularity. The score of an own item is 1 + its rank from the bottom among the user's
    items; the score of another item is its popularity in [0, 1]. A sum of the two would lose the smaller part to rounding.
    """

    fitted = Fitted(popularity="float32 [I]")
    popularity: Tensor

    def fit(self, data: TrainingData, context: RunContext) -> None:
        """Count the events of each item, for ranking items outside the user's history."""
        counts = popularity(data.interactions)
        self.popularity = torch.from_numpy(counts / max(counts.max(), np.finfo(float).tiny)).float()

    def score(self, queries: Queries) -> Tensor:
        """Return the scores `[B, I]`."""
        own = self._own(queries)
        rows = np.repeat(np.arange(len(queries)), np.diff(own.indptr))
        weights = own.data.astype(np.float32)  # float32, so that rounding errors of the sums do not break ties
        own.data = 1.0 + _places(rows, weights, self.popularity.numpy()[own.indices])
        return over_popularity(self.popularity, own)

    def _own(self, queries: Queries) -> scipy.sparse.csr_matrix:
        """Return the weights of each user's own items, `[B, I]`."""
        h = queries.histories
        weights = h.weights.astype(np.float64)
        if self.params.half_life is not None:
            weights *= decay(queries.now[h.rows] - h.times, self.params.half_life)
        own = scipy.sparse.csr_matrix((weights, h.items, h.offsets), (len(queries), queries.log.n_items + 1), copy=True)
        own.sum_duplicates()
        return own


def _places(rows: NDArray[np.int64], first: NDArray[np.float32], then: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return each entry's rank from the bottom of its row by two keys, from 1; equal entries share a rank."""
    order = np.lexsort((then, first, rows))
    keys = np.stack([rows[order], first[order], then[order]])
    starts = np.diff(keys[0], prepend=-1) != 0
    running = np.cumsum(starts | np.any(np.diff(keys, axis=1, prepend=-1) != 0, axis=0))
    places = np.empty(len(rows), np.int64)
    places[order] = running - (running[starts] - 1)[np.cumsum(starts) - 1]
    return places
