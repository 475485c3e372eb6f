"""Diversity: the dissimilarity of the items in a list."""

from typing import Any

import numpy as np
import scipy.sparse
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.evaluation.metric import EvaluatedLists, Facts, QueryMetric
from zoo.metric_params import CutoffParams
from zoo.stages.item_features import ItemFeatures

BLOCK = 4096
"""Number of lists whose features are summed at once."""


def diversity(judged: EvaluatedLists, features: ItemFeatures) -> Tensor:
    """Return the mean cosine distance over the pairs of items in a list, `[Q]` float64; NaN with fewer than two items.

    An item without features has distance 1 to every other item. The sum of the similarities over ordered pairs of unit
    vectors u is `|sum u|^2 - sum |u|^2`, which needs no loop over pairs.

    Args:
        judged: Lists of k slots.
        features: `[I, D]`, dense or sparse.

    Example:
        Two items with orthogonal features: 1. Two items with equal features: 0.
    """
    vectors = features.sparse() if features.is_sparse else features.values.numpy()
    lengths = _squares(vectors) ** 0.5
    scale = np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    scale[0] = 0
    items = judged.items.numpy()
    blocks = [_similarity(items[at : at + BLOCK], vectors, scale) for at in range(0, len(items), BLOCK)]
    shown = (judged.items > 0).sum(1).double()
    pairs = shown * (shown - 1)
    mean = torch.from_numpy(np.concatenate([np.zeros(0), *blocks])) / pairs
    return torch.where(pairs > 0, 1 - mean, torch.nan)


def _similarity(
    items: NDArray[np.int64], vectors: NDArray[np.float32] | scipy.sparse.csr_matrix, scale: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the sum of the cosine similarities over the ordered pairs of each list, `[B]`."""
    weights = scale[items]
    offsets = np.arange(0, items.size + 1, items.shape[1])
    unit_sums = scipy.sparse.csr_matrix((weights.ravel(), items.ravel(), offsets), (len(items), len(scale))) @ vectors
    similarity: NDArray[np.float64] = _squares(unit_sums) - (weights > 0).sum(1)
    return similarity


def _squares(rows: Any) -> NDArray[np.float64]:
    """Return the sum of squares of each row of a dense or sparse matrix."""
    squares = rows.multiply(rows).sum(1) if scipy.sparse.issparse(rows) else np.einsum("id,id->i", rows, rows)
    return np.asarray(squares, np.float64).ravel()


class Diversity(QueryMetric[CutoffParams]):
    """Mean pairwise cosine distance of the item features in a list (intra-list diversity; Ziegler et al., WWW 2005)."""

    title = "diversity"
    needs = ("features",)
    higher_is_better = None

    def values(self, judged: EvaluatedLists, facts: Facts) -> Tensor:
        """Return the value of each query, `[Q]`."""
        assert facts.features is not None  # `bind` has checked `needs`
        return diversity(judged, facts.features)
