"""A factorisation of the pointwise mutual information of items that the same users took."""

from __future__ import annotations

import math

import numpy as np
import scipy.sparse
import torch
from torch import Tensor

from shopzoo_mf._sparse import item_pairs
from shopzoo_mf.params import ItemItemMFParams
from zoo.api import Contributions, Fitted, Predictor, Queries, RunContext, TrainingData
from zoo.nn import cosines, csr_tensor

OVERSAMPLING = 16
"""Additional dimensions of the subspace iteration."""
POWER_ITERATIONS = 6
"""Number of subspace iterations, each over the matrix and its transpose."""
TINY = 1e-30
"""Replaces the zero frequency of items that never co-occur with another."""


class ItemItemMF(Predictor[ItemItemMFParams]):
    """Item vectors whose products approximate the pointwise mutual information of two items in a history.

    With n_ij the users who took both i and j, M_ij = max(0, log(n_ij) - log p_i - log p_j^s + const - log k) is the shifted
    positive PMI, smoothed on the side of the recommended item j; U S V' is its truncated SVD. The scores of a query are
    the sum of U S^p V' over the items of its history. This is skip-gram with negative sampling over baskets, in closed
    form. Memory is dominated by M, which is sparse if the log is.

    Source:
        O. Levy and Y. Goldberg, Neural Word Embedding as Implicit Matrix Factorization, NeurIPS 2014; smoothing and
        exponent after Levy, Goldberg and Dagan, TACL 2015. What differs: the query is a history, not one word.
    """

    fitted = Fitted(left="float32 [I, D]", right="float32 [I, D]")
    left: Tensor
    """U S^p, the vectors of history items, `[I, D]` float32."""
    right: Tensor
    """V, the vectors of candidates, `[I, D]` float32."""

    def fit(self, data: TrainingData, context: RunContext) -> None:
        """Build the matrix of PMI and factorise it."""
        matrix = sppmi(data.interactions.matrix(binary=True), self.params.shift, self.params.smoothing, context)
        generator = context.generator("item-item-mf/subspace")
        left, values, right = truncated_svd(matrix, min(self.params.factors, matrix.shape[0]), generator)
        self.left, self.right = left * values**self.params.exponent, right.contiguous()

    def compare_items(self, items: Tensor, n_items: int) -> Tensor:
        """Return the cosines of the vectors of candidates, `[B, I]`: items with the same neighbours are similar."""
        return cosines(self.right, items)

    def contributions(self, queries: Queries, items: Tensor) -> Contributions:
        """Return the products of the events' items with the items, `[M, K]`; several events of an item share its product."""
        h = queries.histories
        right = self.right[items][torch.from_numpy(h.rows)]
        products = (right @ self.left[torch.from_numpy(h.items).long()].unsqueeze(2)).squeeze(2)
        return Contributions.of_sum(queries, products / torch.from_numpy(h.occurrences).to(products)[:, None])

    def score(self, queries: Queries) -> Tensor:
        """Return the sum of the products of the history's items with all items, `[B, I]`."""
        history = csr_tensor(queries.matrix(binary=True), self.left.device)
        return (history @ self.left) @ self.right.T


def sppmi(
    matrix: scipy.sparse.csr_matrix, shift: float, smoothing: float, context: RunContext
) -> scipy.sparse.csr_matrix:
    """Return the shifted positive pointwise mutual information of items, `[I, I]`.

    Args:
        matrix: Users by items, binary.
        shift: The k of log k.
        smoothing: The power of a column's frequency.
        context: Provides the device and the progress callback.
    """
    sizes = np.asarray(matrix.sum(axis=1)).ravel()
    # The number of other items in the histories with an item equals the sum of its row of co-occurrences.
    others = torch.from_numpy((matrix.T @ np.maximum(sizes - 1, 0)).astype(np.float32)).to(context.device)
    row = others.clamp_min(1).log()
    smoothed = others**smoothing
    column = (smoothed / smoothed.sum().clamp_min(TINY)).clamp_min_(TINY).log_()
    found, order = [], []
    for items, columns, together in item_pairs(matrix, context.device):
        pmi = together.log().sub_(row[items, None]).sub_(column[columns]).sub_(math.log(shift))
        own = columns == items[:, None]
        rows, places = pmi.masked_fill_(own, 0).clamp_min_(0).nonzero().cpu().unbind(1)
        there = columns.expand_as(pmi).cpu()[rows, places]
        found.append(scipy.sparse.csr_matrix((pmi.cpu()[rows, places], (rows, there)), (len(pmi), matrix.shape[1])))
        order.append(items.cpu().numpy())
        context.progress(sum(map(len, order)), matrix.shape[1])
    return scipy.sparse.vstack(found, format="csr")[np.argsort(np.concatenate(order))]


def truncated_svd(
    matrix: scipy.sparse.csr_matrix, rank: int, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Return U `[n, rank]`, the singular values and V `[m, rank]` of a sparse matrix, by subspace iteration.

    Source:
        N. Halko, P. Martinsson, J. Tropp, Finding Structure with Randomness, SIAM Review 2011, algorithms 4.4 and 5.1.
    """
    forth, back = (csr_tensor(m, generator.device) for m in (matrix, matrix.T.tocsr()))
    width = min(rank + OVERSAMPLING, *matrix.shape)
    start = torch.randn(matrix.shape[1], width, generator=generator, device=generator.device)
    basis = torch.linalg.qr(forth @ start).Q
    for _ in range(POWER_ITERATIONS):
        basis = torch.linalg.qr(back @ basis).Q
        basis = torch.linalg.qr(forth @ basis).Q
    right, values, rotation = torch.linalg.svd(back @ basis, full_matrices=False)
    return (basis @ rotation.T)[:, :rank], values[:rank], right[:, :rank]
