"""The values of ranking features: of candidates, of a user's history, and of items."""

from __future__ import annotations

import numpy as np
import scipy.sparse
import torch
from numpy.typing import NDArray

from zoo.data.catalogue import Catalogue
from zoo.data.interactions import Interactions
from zoo.data.products import entries, pair_products
from zoo.stages.candidates import Candidates
from zoo.stages.item_features import ItemFeatures

TREND_SHARE = 0.1
"""Share of the training period that counts as recent in a trend."""
Columns = dict[str, NDArray[np.float32]]
"""Feature values by name: one per candidate, `[B, K]`, or one per query, `[B, 1]`."""


def score_columns(found: Candidates) -> Columns:
    """Return the standardised score and the rank of each candidate."""
    filled = found.items > 0
    n = filled.sum(1, keepdim=True).clamp(min=1)
    scores = found.scores.double().where(filled, 0.0)
    off = (scores - scores.sum(1, keepdim=True) / n).where(filled, 0.0)
    spread = (off.square().sum(1, keepdim=True) / n).sqrt()
    standard = torch.where(spread > 0, off / spread, 0.0)
    rank = torch.arange(1, filled.shape[1] + 1).expand_as(filled)
    return {"score": standard.float().numpy(), "rank": rank.float().numpy()}


def trends(log: Interactions) -> NDArray[np.float64]:
    """Return the log ratio of each item's recent events to those expected at a constant rate, `[I]`."""
    first, last = int(log.times.min()), int(log.times.max())
    recent = log.items[log.times > last - TREND_SHARE * (last - first)]
    counts = np.bincount(recent, minlength=log.n_items + 1)
    trend: NDArray[np.float64] = np.log1p(counts) - np.log1p(TREND_SHARE * log.counts())
    return trend


def log_prices(catalogue: Catalogue, median: float | None = None) -> NDArray[np.float64]:
    """Return log(1 + price) of each item, `[I]`; a missing or negative price is replaced by the median."""
    prices = catalogue.numbers("price")
    logs = np.log1p(prices, where=np.isfinite(prices) & (prices >= 0), out=np.full(len(prices), np.nan))
    if median is None:
        median = float(np.nanmedian(logs)) if not np.isnan(logs).all() else 0.0
    return np.nan_to_num(logs, nan=median)


def membership(values: list[str], items: NDArray[np.int64], found: list[str], n_items: int) -> scipy.sparse.csr_matrix:
    """Return which of the given category values each item has, `[I, C]`; other values are ignored."""
    number = {value: code for code, value in enumerate(values)}
    codes = np.array([number.get(value, -1) for value in found], np.int64)
    return binary_matrix(items[codes >= 0], codes[codes >= 0], n_items, len(values))


def binary_matrix(
    rows: NDArray[np.int64], codes: NDArray[np.int64], n_rows: int, n_codes: int
) -> scipy.sparse.csr_matrix:
    """Return a matrix with 1 at the given rows and columns, `[n_rows, n_codes]`."""
    matrix = scipy.sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, codes)), (n_rows, n_codes))
    matrix.sum_duplicates()
    matrix.data[:] = 1.0
    return matrix


def candidate_entries(matrix: scipy.sparse.csr_matrix, columns: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the entries of each row at the given columns, `[B, K]`."""
    return entries(matrix, _rows(columns), columns.ravel()).reshape(columns.shape)


def candidate_products(
    profiles: scipy.sparse.csr_matrix, vectors: scipy.sparse.csr_matrix, items: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return the dot products, `[B, K]`, of the profiles `[B, C]` and the vectors `[I, C]` of the candidates `[B, K]`."""
    return pair_products(profiles, vectors, _rows(items), items.ravel()).reshape(items.shape)


def _rows(items: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.repeat(np.arange(len(items)), items.shape[1])


def history_means(profiles: scipy.sparse.csr_matrix, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean item value over each query's events, `[B, 1]`; over all items for an empty history."""
    n = np.asarray(profiles.sum(1), np.float32)
    total = (profiles @ values)[:, None]
    means: NDArray[np.float32] = np.divide(total, n, out=np.full_like(total, values[1:].mean()), where=n > 0)
    return means


def history_cosines(
    profiles: scipy.sparse.csr_matrix, features: ItemFeatures, norms: NDArray[np.float32], items: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return the cosine between each query's mean item features and each candidate's, `[B, K]`; 0 if either is zero."""
    if features.is_sparse:
        vectors = features.sparse()
        tastes = (profiles @ vectors).tocsr()
        lengths = np.sqrt(np.asarray(tastes.multiply(tastes).sum(1), np.float32)).ravel()
        met = candidate_products(tastes, vectors, items)
    else:
        dense = features.values.numpy()
        tastes = profiles @ dense
        lengths = np.linalg.norm(tastes, axis=1)
        met = np.einsum("bkd,bd->bk", dense[items], tastes)
    scale = norms[items] * lengths[:, None]
    cosines: NDArray[np.float32] = np.divide(met, scale, out=np.zeros_like(met), where=scale > 0)
    return cosines
