"""Maximal marginal relevance: fill a list from the top with relevant items that differ from those already in it."""

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from shopzoo_baselines.params import MMRParams
from zoo.api import CandidateLists, ConfigError, ItemFeatures, Ranker

CELLS = 2**22
"""Number of similarities in memory at a time (16 MiB)."""


class MMR(Ranker[MMRParams]):
    """Picks for each slot the item with the highest `relevance * score - (1 - relevance) * similarity` (Carbonell and Goldstein, 1998).

    The score is the predictor's score, scaled to [0, 1] within the list, since the scales of predictors differ. The
    similarity is the largest cosine of the item's features with those of an item picked before.
    """

    def score(self, lists: CandidateLists) -> Tensor:
        """Return K for the item picked first, K - 1 for the second, and so on, `[B, K]`."""
        if lists.vectors is None:
            raise ConfigError("mmr compares items by their features, and there are none: give the model a `featurizer`")
        rows = max(CELLS // max(lists.items.shape[1] ** 2, 1), 1)
        starts = range(0, len(lists.items), rows)
        blocks = [(lists.items[a : a + rows], lists.scores[a : a + rows]) for a in starts]
        return torch.cat([self._pick(items, scores, lists.vectors) for items, scores in blocks])

    def _pick(self, items: Tensor, scores: Tensor, vectors: ItemFeatures) -> Tensor:
        """Return the scores of a block of lists, `[B, K]`."""
        filled, lists = items > 0, torch.arange(len(items))
        relevance = (self.params.relevance * scale(scores, filled)).masked_fill(~filled, -torch.inf)
        similarity = similarities(items, vectors)
        nearest = torch.full_like(scores, -1.0)  # the minimum of a cosine
        order = torch.zeros_like(scores)
        for points in range(items.shape[1], 0, -1):
            gain = relevance - (1 - self.params.relevance) * nearest
            pick = gain.argmax(1)  # ties go to the item that the predictor ranked higher
            order[lists, pick] = order[lists, pick].clamp(min=points)  # an exhausted list picks its first item again
            relevance[lists, pick] = -torch.inf
            nearest = torch.maximum(nearest, similarity[lists, pick])
        return order


def scale(scores: Tensor, filled: Tensor) -> Tensor:
    """Return the scores of each list, scaled from 0 (its worst) to 1 (its best), `[B, K]`; equal scores become 1."""
    low = scores.masked_fill(~filled, torch.inf).amin(1, keepdim=True)
    high = scores.masked_fill(~filled, -torch.inf).amax(1, keepdim=True)
    return torch.where(high > low, (scores - low) / (high - low), 1.0)


def similarities(items: Tensor, vectors: ItemFeatures) -> Tensor:
    """Return the cosine of the features of each pair of items in a list, `[B, K, K]`; 0 for an item without features."""
    if not vectors.is_sparse:
        unit = normalize(vectors.rows(items), dim=-1)
        return unit @ unit.mT
    (b, k), width = items.shape, vectors.values.shape[1]
    rows = vectors.sparse()[items.reshape(-1).numpy()].tocsr()
    counts = np.diff(rows.indptr)
    norms = np.sqrt(np.bincount(np.repeat(np.arange(b * k), counts), rows.data.astype(np.float64) ** 2, b * k))
    rows.data = (rows.data / np.repeat(norms, counts)).astype(np.float32)
    # Each list gets its own columns, so one sparse product compares items within lists but not across lists.
    shift = np.repeat(np.arange(b, dtype=np.int64) * width, k)
    apart = type(rows)((rows.data, rows.indices + np.repeat(shift, counts), rows.indptr), (b * k, b * width))
    product = apart @ apart.T
    row = np.arange(b * k)
    cells = np.repeat(row * k - row // k * k, np.diff(product.indptr)) + product.indices  # row * k + column % k
    result = np.zeros(b * k * k, np.float32)
    result[cells] = product.data
    return torch.from_numpy(result.reshape(b, k, k))
