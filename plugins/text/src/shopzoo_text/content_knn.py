"""Content-based recommendation: a user is what they took, an item is near or far."""

import math
from collections.abc import Iterator

import numpy as np
import scipy.sparse
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from shopzoo_text.params import ContentKNNParams
from zoo.api import ConfigError, ItemFeatures, Predictor, Queries, RunContext, TrainingData

BLOCK_BYTES = 2**27
"""How large a block of dense vectors, `[D, N]`, and of their cosines, `[N, I]`, may each be."""

Vectors = NDArray[np.float32] | scipy.sparse.csr_matrix


class ContentKNN(Predictor[ContentKNNParams]):
    """Scores an item by how near its features are to those of the history (Pazzani and Billsus, 2007).

    By default that is the cosine with the recency-weighted mean of the history's features. With a `temperature` t it is the
    recency-weighted mean, over the events, of exp((cosine - 1) / t) - exp(-1 / t): an item that is very near to one event
    counts more than one that is somewhat near to many, since taste has more than one centre. As t grows it approaches the
    mean's order; near 0 the nearest event alone counts. It costs a cosine for each item of the histories asked for and not
    one for each user.

    Works on any features, sparse or dense; sparse ones stay so: a block of N vectors is dense, `[D, N]`, the items'
    `[I, D]` never are. Items and users whose features are all zero score 0.

    `recency` and `temperature` are the parameters that matter: `recency` near 1 for long histories, in which any event tells
    what is wanted next, lower for short ones. Choose them on the validation part.
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
        """Return how near each item is, `[B, I]`, at most 1."""
        items, shares = self._items(), self._shares(queries)
        if self.params.temperature is not None:
            return _mean_likeness(shares, items, self.params.temperature)
        scores = torch.empty(shares.shape)
        for block, cosines in _cosines(shares @ items, items):
            scores[block] = cosines
        return scores

    def _items(self) -> Vectors:
        """Return the vectors of the items, `[I, D]`."""
        if self.columns is None or self.offsets is None:
            return self.vectors.numpy()
        parts = (self.vectors.numpy(), self.columns.numpy(), self.offsets.numpy())
        return scipy.sparse.csr_matrix(parts, (len(self.offsets) - 1, self.width))

    def _shares(self, queries: Queries) -> scipy.sparse.csr_matrix:
        """Return the weight of each item in each profile, `[B, I]`."""
        h = queries.histories
        later = h.offsets[h.rows + 1] - 1 - np.arange(len(h.items))  # how many events came after
        last = later < (self.params.history or np.inf)
        weights = h.weights[last] * np.power(self.params.recency, later[last], dtype=np.float32)
        return scipy.sparse.csr_matrix(
            (weights, (h.rows[last], h.items[last])), (len(queries), queries.log.n_items + 1)
        )


def _mean_likeness(shares: scipy.sparse.csr_matrix, items: Vectors, temperature: float) -> Tensor:
    """Return the mean over each history of how near its items are to each item, `[B, I]`, for shares `[B, I]`."""
    taken = np.unique(shares.indices)
    total = np.zeros(shares.shape, np.float32)
    for block, cosines in _cosines(items[taken], items):
        likeness = ((cosines - 1) / temperature).exp_().sub_(math.exp(-1 / temperature))
        total += shares[:, taken[block]] @ likeness.numpy()
    weight = np.asarray(shares.sum(axis=1), np.float32)
    return torch.from_numpy(total / np.where(weight > 0, weight, 1))


def _cosines(vectors: Vectors, items: Vectors) -> Iterator[tuple[slice, Tensor]]:
    """Yield a block of some vectors `[N, D]` and their cosines with all items, `[n, I]`; the items are of length 1."""
    rows = max(BLOCK_BYTES // (4 * max(items.shape)), 1)
    for start in range(0, vectors.shape[0], rows):
        block = slice(start, start + rows)
        if scipy.sparse.issparse(items):
            # items by vectors, those contiguous: several times as fast as any other order of scipy's and torch's products
            yield block, torch.from_numpy(items @ _of_length_1(vectors[block]).T.toarray(order="C")).T
        else:
            yield block, normalize(torch.from_numpy(vectors[block]), dim=1) @ torch.from_numpy(items).T


def _of_length_1(matrix: scipy.sparse.csr_matrix) -> scipy.sparse.csr_matrix:
    """Return a matrix with its rows scaled to length 1; an empty row stays empty."""
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1))).ravel()
    scale = np.repeat(np.where(lengths > 0, lengths, 1), np.diff(matrix.indptr)).astype(np.float32)
    return scipy.sparse.csr_matrix((matrix.data / scale, matrix.indices, matrix.indptr), matrix.shape)
