"""Content-based recommendation: items are scored by their similarity to the user's history."""

import math
from collections.abc import Iterator

import numpy as np
import scipy.sparse
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from shopzoo_text.params import ContentKNNParams
from zoo.api import (
    ConfigError,
    Contributions,
    Fitted,
    ItemFeatures,
    Predictor,
    Queries,
    RunContext,
    State,
    TrainingData,
)
from zoo.nn import cosines
from zoo.nn.sparse import csr_tensor, of_saved_parts, scipy_matrix, stacked

BLOCK_BYTES = 2**27
"""Maximum size of a block of dense profiles, `[D, N]`, or of cosines, `[I, N]`."""

Vectors = NDArray[np.float32] | scipy.sparse.csr_matrix


class ContentKNN(Predictor[ContentKNNParams]):
    """Scores an item by the similarity of its features to those of the history (Pazzani and Billsus, 2007).

    By default the score is the cosine with the recency-weighted mean of the history's features. With a `temperature` t it is
    the recency-weighted mean, over the events, of exp((cosine - 1) / t) - exp(-1 / t): an item that is very similar to one event
    scores higher than one that is somewhat similar to many, since users have several interests. Set it for a trained encoder,
    whose loss is a softmax of cosines with such a temperature. As t grows, the ranking approaches that of the mean; near 0 only
    the most similar event counts. A temperature costs the cosines of every history item, instead of one profile per user.

    It works with any features, sparse or dense; sparse features are never converted to a dense `[I, D]`. Items and users
    whose features are all zero score 0.

    The important parameters are `recency` and `temperature`: `recency` near 1 for long histories, in which any event may predict
    the next item, lower for short ones; `temperature` around 0.3 for term weights, around 0.05 for a trained encoder. Choose them
    on the validation split.
    """

    fitted = Fitted(vectors="float32 [I, D] | csr float32 [I, D]")
    vectors: Tensor
    """Item features scaled to length 1, `[I, D]`, dense or in CSR layout."""

    def fit(self, data: TrainingData, context: RunContext) -> None:
        """Scale the item features to length 1."""
        if data.features is None:
            raise ConfigError("content-knn compares item features, and there are none: give the model a `featurizer`")
        if data.features.is_sparse:
            self.vectors = csr_tensor(_of_length_1(data.features.sparse()))
        else:
            self.vectors = normalize(data.features.values, dim=1)

    def add_items(self, features: ItemFeatures) -> None:
        """Scale the features of new items to length 1, and append them."""
        features.check_width(self.vectors.shape[1])
        sparse = self.vectors.layout == torch.sparse_csr
        new = csr_tensor(_of_length_1(features.sparse())) if sparse else normalize(features.values, dim=1)
        self.vectors = stacked(self.vectors, new)

    def score(self, queries: Queries) -> Tensor:
        """Return the similarity of each item, `[B, I]`, at most 1."""
        items, shares = self._items(), self._shares(queries)
        if self.params.temperature is None:
            return _of_means(shares, items)
        return _mean_similarity(shares, items, self.params.temperature)

    def contributions(self, queries: Queries, items: Tensor) -> Contributions:
        """Return the similarity of each event to the items, times its share of the profile, `[M, K]`."""
        h = queries.histories
        cosines = self._cosines(h.items, items.numpy()[h.rows])
        weights = self._event_weights(queries)
        if self.params.temperature is None:  # the profile has the length of its weighted vectors
            shares = self._shares(queries)
            scale = _lengths(shares @ self._items())
        else:
            cosines = _similarity(cosines, self.params.temperature)
            scale = np.bincount(h.rows, weights, len(queries)).astype(np.float32)
        parts = weights / np.where(scale > 0, scale, 1)[h.rows]
        return Contributions.of_sum(queries, torch.from_numpy(parts[:, None] * cosines).float())

    def compare_items(self, items: Tensor, n_items: int) -> Tensor:
        """Return the cosines of the item features, `[B, I]`; -inf for items without features."""
        vectors = self._items()
        if not scipy.sparse.issparse(vectors):
            return cosines(self.vectors, items)
        found = torch.from_numpy((vectors[items.numpy()] @ vectors.T).toarray())
        return found.masked_fill(found <= 0, -torch.inf)

    def migrate(self, state: State) -> State:
        """Convert a state of an earlier version, with values, columns and offsets, to one with a CSR tensor."""
        if "width" not in state.values:
            return state
        parts = {"values": state.tensors["vectors"], **state.tensors}
        return State({"vectors": of_saved_parts(parts, state.values["width"])}, {})

    def _items(self) -> Vectors:
        """Return the vectors of the items, `[I, D]`."""
        return scipy_matrix(self.vectors) if self.vectors.layout == torch.sparse_csr else self.vectors.numpy()

    def _shares(self, queries: Queries) -> scipy.sparse.csr_matrix:
        """Return the weight of each item in each profile, `[B, I]`."""
        h, weights = queries.histories, self._event_weights(queries)
        last = weights != 0
        return scipy.sparse.csr_matrix(
            (weights[last], (h.rows[last], h.items[last])), (len(queries), queries.log.n_items + 1)
        )

    def _event_weights(self, queries: Queries) -> NDArray[np.float32]:
        """Return the weight of each event in its profile, `[M]`; 0 if it is too long ago."""
        h = queries.histories
        later = h.offsets[h.rows + 1] - 1 - np.arange(len(h.items))  # number of later events
        last = later < (self.params.history or np.inf)
        return np.where(last, h.weights * np.power(self.params.recency, later, dtype=np.float32), np.float32(0))

    def _cosines(self, of: NDArray[np.int32], to: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the cosines of items `[M]` with K items each, `[M, K]`."""
        vectors = self._items()
        if not scipy.sparse.issparse(vectors):
            return np.einsum("md,mkd->mk", vectors[of], vectors[to])
        pairs = vectors[np.repeat(of, to.shape[1])].multiply(vectors[to.ravel()])
        return np.asarray(pairs.sum(axis=1), np.float32).reshape(to.shape)


def _of_means(shares: scipy.sparse.csr_matrix, items: Vectors) -> Tensor:
    """Return the cosine of each item `[I, D]` with the mean of each history, `[B, I]`, for shares `[B, I]`."""
    profiles = shares @ items
    if not scipy.sparse.issparse(items):
        return normalize(torch.from_numpy(profiles), dim=1) @ torch.from_numpy(items).T
    profiles, scores = _of_length_1(profiles), torch.empty(shares.shape)
    for block in _blocks(len(scores), max(items.shape)):
        # items by profiles, the profiles contiguous: several times as fast as any other order of scipy's and torch's products
        scores[block] = torch.from_numpy(items @ profiles[block].T.toarray(order="C")).T
    return scores


def _mean_similarity(shares: scipy.sparse.csr_matrix, items: Vectors, temperature: float) -> Tensor:
    """Return the mean similarity of each item to the items of each history, `[B, I]`, with weights `[B, I]`."""
    taken = np.unique(shares.indices)
    weight = np.asarray(shares.sum(axis=1), np.float32).T
    parts = shares[:, taken].T.toarray(order="C") / np.where(weight > 0, weight, 1)  # [T, B]
    total = np.zeros((items.shape[0], len(shares.indptr) - 1), np.float32)
    for block in _blocks(len(taken), items.shape[0]):
        if scipy.sparse.issparse(items):
            cosines = items @ items[taken[block]].T.tocsr()
            cosines.data = _similarity(
                cosines.data, temperature
            )  # entries that are not stored are cosines of 0, which stay 0
        else:
            cosines = _similarity(items @ items[taken[block]].T, temperature)
        total += cosines @ parts[block]
    return torch.from_numpy(np.ascontiguousarray(total.T))


def _similarity(cosines: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """Return similarities of cosines: 0 for a cosine of 0, 1 for a cosine of 1."""
    return np.expm1(np.minimum(cosines, 1) / np.float32(temperature)) * np.float32(math.exp(-1 / temperature))


def _blocks(number: int, width: int) -> Iterator[slice]:
    """Yield slices of rows, such that a dense block has at most `BLOCK_BYTES`."""
    rows = max(BLOCK_BYTES // (4 * width), 1)
    yield from (slice(start, start + rows) for start in range(0, number, rows))


def _of_length_1(matrix: scipy.sparse.csr_matrix) -> scipy.sparse.csr_matrix:
    """Scale the rows of a matrix to length 1; an empty row stays empty."""
    lengths = _lengths(matrix)
    scale = np.repeat(np.where(lengths > 0, lengths, 1), np.diff(matrix.indptr)).astype(np.float32)
    return scipy.sparse.csr_matrix((matrix.data / scale, matrix.indices, matrix.indptr), matrix.shape)


def _lengths(matrix: Vectors) -> NDArray[np.float32]:
    """Return the length of each row of a matrix, `[N]`."""
    squares = matrix.multiply(matrix) if scipy.sparse.issparse(matrix) else matrix * matrix
    return np.sqrt(np.asarray(squares.sum(axis=1))).ravel()
