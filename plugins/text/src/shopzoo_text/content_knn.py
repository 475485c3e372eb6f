"""Content-based recommendation: a user is the mean of what they took, an item is near or far."""

import numpy as np
import scipy.sparse
import torch
from torch import Tensor
from torch.nn.functional import normalize

from shopzoo_text.params import ContentKNNParams
from zoo.api import ConfigError, ItemFeatures, Predictor, Queries, RunContext, TrainingData

PROFILE_BYTES = 2**27
"""How large a block of dense profiles, `[D, B]`, may be."""


class ContentKNN(Predictor[ContentKNNParams]):
    """Scores an item by the cosine of its features with the recency-weighted mean of the history's (Pazzani and Billsus, 2007).

    Works on any features, sparse or dense; sparse ones stay so: a block of B profiles is dense, `[D, B]`, the items'
    `[I, D]` never are. Items and users whose features are all zero score 0.

    `recency` is the parameter that matters: near 1 for long histories, in which any event tells what is wanted next, lower
    for short ones. Choose it on the validation part.
    """

    fitted = ("vectors", "columns", "offsets", "width")
    vectors: Tensor
    """Item features scaled to length 1: `[I, D]`, or of sparse ones the M stored values, `[M]`."""
    columns: Tensor | None
    """The column of each stored value, `[M]`."""
    offsets: Tensor | None
    """Where each item's stored values begin, `[I + 1]`."""
    width: int

    def fit(self, data: TrainingData, context: RunContext) -> None:
        """Scale the item features to length 1."""
        if data.features is None:
            raise ConfigError("content-knn compares item features and there are none: give the model a `featurizer`")
        self.width = data.features.values.shape[1]
        if not data.features.is_sparse:
            self.vectors, self.columns, self.offsets = normalize(data.features.values, dim=1), None, None
            return
        matrix = _of_length_1(data.features.sparse())
        self.vectors = torch.from_numpy(matrix.data)
        self.columns, self.offsets = torch.from_numpy(matrix.indices), torch.from_numpy(matrix.indptr)

    def grow(self, features: ItemFeatures) -> None:
        """Scale the features of new items to length 1 too."""
        features.check_width(self.width)
        if self.columns is None or self.offsets is None:
            self.vectors = torch.cat([self.vectors, normalize(features.values, dim=1)])
            return
        matrix = _of_length_1(features.sparse())
        values, columns, ends = map(torch.from_numpy, (matrix.data, matrix.indices, matrix.indptr[1:]))
        self.vectors = torch.cat([self.vectors, values])
        self.columns = torch.cat([self.columns, columns.to(self.columns)])
        self.offsets = torch.cat([self.offsets, self.offsets[-1] + ends.to(self.offsets)])

    def score(self, queries: Queries) -> Tensor:
        """Return the cosines `[B, I]`."""
        shares = self._shares(queries)
        if self.columns is None or self.offsets is None:
            return normalize(torch.from_numpy(shares @ self.vectors.numpy()), dim=1) @ self.vectors.T
        parts = (self.vectors.numpy(), self.columns.numpy(), self.offsets.numpy())
        matrix = scipy.sparse.csr_matrix(parts, (shares.shape[1], self.width))
        profiles = _of_length_1(shares @ matrix)
        scores = torch.empty(profiles.shape[0], matrix.shape[0])
        rows = max(PROFILE_BYTES // (4 * self.width), 1)
        for start in range(0, len(scores), rows):
            # items by profiles, the profiles contiguous: several times as fast as any other order of scipy's and torch's products
            block = profiles[start : start + rows].T.toarray(order="C")
            scores[start : start + rows] = torch.from_numpy(matrix @ block).T
        return scores

    def _shares(self, queries: Queries) -> scipy.sparse.csr_matrix:
        """Return the weight of each item in each profile, `[B, I]`."""
        h = queries.histories
        later = h.offsets[h.rows + 1] - 1 - np.arange(len(h.items))  # how many events came after
        last = later < (self.params.history or np.inf)
        weights = h.weights[last] * np.power(self.params.recency, later[last], dtype=np.float32)
        return scipy.sparse.csr_matrix(
            (weights, (h.rows[last], h.items[last])), (len(queries), queries.log.n_items + 1)
        )


def _of_length_1(matrix: scipy.sparse.csr_matrix) -> scipy.sparse.csr_matrix:
    """Return a matrix with its rows scaled to length 1; an empty row stays empty."""
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1))).ravel()
    scale = np.repeat(np.where(lengths > 0, lengths, 1), np.diff(matrix.indptr)).astype(np.float32)
    return scipy.sparse.csr_matrix((matrix.data / scale, matrix.indices, matrix.indptr), matrix.shape)
