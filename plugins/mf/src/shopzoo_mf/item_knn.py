"""Item-based nearest neighbours: items are similar when the same users took them."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import scipy.sparse
import torch
from torch import Tensor

from shopzoo_mf._sparse import dense_columns, is_sparse, item_pairs
from shopzoo_mf.params import ItemKNNParams
from zoo.api import Predictor, Queries, RunContext, TrainingData
from zoo.nn import csr_tensor, top_k

TINY = 1e-30
"""Keeps rows without events from dividing by 0."""


class ItemKNN(Predictor[ItemKNNParams]):
    """An item's score is the summed similarity of those of its k nearest neighbours that are in the history.

    The similarity of two items is x_i'x_j / (|x_i| |x_j| + shrinkage), where x_i holds what each user's events with the
    item weigh in sum, damped for users who took much; what the history's own events weigh multiplies it. Each candidate
    has k neighbours of its own (others keep the k nearest of each item of the history, which did worse on four of six data
    sets and better on one). Equally similar neighbours are chosen by item number. Fitting never holds all pairs of
    items at once; its time grows with the pairs of items that some user took together.

    Source:
        B. Sarwar et al., Item-based Collaborative Filtering Recommendation Algorithms, WWW 2001; the shrinkage after
        R. Bell and Y. Koren, Improved Neighborhood-based Collaborative Filtering, KDD Cup 2007; the damping is the row
        normalisation of M. Deshpande and G. Karypis, Item-based Top-N Recommendation Algorithms, TOIS 2004, by degrees.
    """

    fitted = ("neighbours", "similarities")
    neighbours: Tensor
    """Item numbers, nearest first, `[I, k]` int32, 0 where there are fewer."""
    similarities: Tensor
    """`[I, k]` float32, 0 where there are fewer."""

    def fit(self, data: TrainingData, context: RunContext) -> None:
        """Find the neighbours of every item, a block of items at a time."""
        matrix = damped(data.interactions.matrix(), self.params.damping)
        n_items = matrix.shape[1]
        lengths = torch.from_numpy(np.sqrt(np.asarray(matrix.power(2).sum(axis=0)).ravel())).to(context.device)
        neighbours, similarities = [], []
        for block, columns, products in item_pairs(matrix, context.device):
            similarity = products / (lengths[block, None] * lengths[columns] + self.params.shrinkage)
            own = columns == torch.arange(block.start, block.stop, device=context.device)[:, None]
            # What nobody took is similar to nothing; without shrinkage its quotient is 0 / 0.
            similarity.masked_fill_(own | ~(similarity > 0), -torch.inf)
            best = top_k(similarity, min(self.params.k, n_items))
            found = best.scores > -torch.inf
            neighbours.append(columns.expand_as(products).gather(1, best.columns).masked_fill_(~found, 0).int())
            similarities.append(best.scores.masked_fill_(~found, 0.0))
            context.progress(block.stop, n_items)
        self.neighbours, self.similarities = torch.cat(neighbours), torch.cat(similarities)

    def score(self, queries: Queries) -> Tensor:
        """Return the summed similarities, `[B, I]`."""
        history, device = queries.matrix(), self.neighbours.device
        if is_sparse(history) and device.type == "cpu":
            return torch.from_numpy((history @ self._votes).toarray())
        return (self._voters @ dense_columns(history).to(device)).T.contiguous()

    @cached_property
    def _voters(self) -> Tensor:
        """Return how similar each candidate (row) is to its neighbours (columns), `[I, I]` in CSR layout."""
        return csr_tensor(self._neighbourhoods(), self.neighbours.device)

    @cached_property
    def _votes(self) -> scipy.sparse.csr_matrix:
        """Return what each item of a history (row) gives to each candidate (column), `[I, I]`."""
        return self._neighbourhoods().T.tocsr()

    def _neighbourhoods(self) -> scipy.sparse.csr_matrix:
        """Return neighbours and similarities as one sparse matrix, `[I, I]`."""
        n_items, k = self.neighbours.shape
        parts = (
            self.similarities.cpu().numpy().ravel(),
            self.neighbours.cpu().numpy().ravel(),
            np.arange(n_items + 1) * k,
        )
        matrix = scipy.sparse.csr_matrix(parts, shape=(n_items, n_items), copy=True)  # the fitted tensors stay whole
        matrix.eliminate_zeros()
        return matrix


def damped(matrix: scipy.sparse.csr_matrix, damping: float) -> scipy.sparse.csr_matrix:
    """Return a matrix whose rows are divided by their length, relative to the typical length, to a power."""
    squares = np.asarray(matrix.power(2).sum(axis=1)).ravel()
    typical = squares.sum() / max((squares > 0).sum(), 1) + TINY
    scale = (np.maximum(squares, TINY) / typical) ** (-damping / 2)
    data = matrix.data * np.repeat(scale.astype(np.float32), np.diff(matrix.indptr))
    return scipy.sparse.csr_matrix((data, matrix.indices, matrix.indptr), shape=matrix.shape)
