"""A factorised item-item matrix: pointwise mutual information of items that the same users took."""

from __future__ import annotations

import math

import numpy as np
import scipy.sparse
import torch
from torch import Tensor

from shopzoo_mf._sparse import item_pairs
from shopzoo_mf.params import ItemItemMFParams
from zoo.api import Predictor, Queries, RunContext, TrainingData
from zoo.nn import csr_tensor

OVERSAMPLING = 16
"""Dimensions beyond the rank while the subspace is sought."""
POWER_ITERATIONS = 6
"""Passes over the matrix and its transpose that sharpen the subspace."""
TINY = 1e-30
"""Stands in for the frequency of items that are never taken together with another."""


class ItemItemMF(Predictor[ItemItemMFParams]):
    """Items as vectors whose products approximate how much more often than by chance one user takes both.

    With n_ij the users who took both i and j, M_ij = max(0, log(n_ij) - log p_i - log p_j^s + const - log k) is the shifted
    positive PMI, smoothed on the side of the recommended item j; U S V' is its truncated SVD. A history scores
    the sum over its items of U S^p V'. This is skip-gram with negative sampling over baskets, in closed form.
    Memory is that of M, which is sparse where the log is.

    Source:
        O. Levy and Y. Goldberg, Neural Word Embedding as Implicit Matrix Factorization, NeurIPS 2014; smoothing and
        exponent after Levy, Goldberg and Dagan, TACL 2015. Differs in that a history, not one word, is the query.
    """

    fitted = ("left", "right")
    left: Tensor
    """U S^p, the vectors of items as history, `[I, D]` float32."""
    right: Tensor
    """V, the vectors of items as candidates, `[I, D]` float32."""

    def fit(self, data: TrainingData, context: RunContext) -> None:
        """Build the matrix of PMI and factorise it."""
        matrix = sppmi(data.interactions.matrix(binary=True), self.params.shift, self.params.smoothing, context)
        generator = context.generator("item-item-mf/subspace")
        left, values, right = truncated_svd(matrix, min(self.params.factors, matrix.shape[0]), generator)
        self.left, self.right = left * values**self.params.exponent, right.contiguous()

    def score(self, queries: Queries) -> Tensor:
        """Return the sum over each history of its items' products with all items, `[B, I]`."""
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
        context: Where to compute.
    """
    sizes = np.asarray(matrix.sum(axis=1)).ravel()
    # The other items of the users who took an item: what its row of co-occurrences sums to, before that row is known.
    others = torch.from_numpy((matrix.T @ np.maximum(sizes - 1, 0)).astype(np.float32)).to(context.device)
    row = others.clamp_min(1).log()
    smoothed = others**smoothing
    column = (smoothed / smoothed.sum().clamp_min(TINY)).clamp_min_(TINY).log_()
    found = []
    for block, columns, together in item_pairs(matrix, context.device):
        pmi = together.log().sub_(row[block, None]).sub_(column[columns]).sub_(math.log(shift))
        own = columns == torch.arange(block.start, block.stop, device=context.device)[:, None]
        rows, places = pmi.masked_fill_(own, 0).clamp_min_(0).nonzero().cpu().unbind(1)
        there = columns.expand_as(pmi).cpu()[rows, places]
        found.append(scipy.sparse.csr_matrix((pmi.cpu()[rows, places], (rows, there)), (len(pmi), matrix.shape[1])))
        context.progress(block.stop, matrix.shape[1])
    return scipy.sparse.vstack(found, format="csr")


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
