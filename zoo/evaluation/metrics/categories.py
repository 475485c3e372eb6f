"""The categories of lists: what `calibration` and `entropy` count."""

from collections.abc import Iterator

import numpy as np
import scipy.sparse
import torch
from torch import Tensor

from zoo.stages.item_features import ItemFeatures

BLOCK = 1024
"""Number of lists whose categories are counted at once."""


def blocks(n_lists: int) -> Iterator[slice]:
    """Yield the places of lists, block by block."""
    for start in range(0, n_lists, BLOCK):
        yield slice(start, start + BLOCK)


def category_shares(items: Tensor, shares: ItemFeatures) -> Tensor:
    """Return the share of each category in each list, `[B, C]` float64; NaN for a list without a category.

    Args:
        items: Item numbers, `[B, K]` int64, 0 in empty slots.
        shares: The share of each category in each item, `[I, C]` sparse.
    """
    numbers = items.numpy()
    offsets = np.arange(0, numbers.size + 1, numbers.shape[1])
    ones = np.ones(numbers.size, np.float32)
    width = shares.values.shape[0]
    lists = scipy.sparse.csr_matrix((ones, numbers.ravel(), offsets), (len(numbers), width))
    return normalised(lists @ shares.sparse())


def normalised(sums: scipy.sparse.csr_matrix) -> Tensor:
    """Return rows divided by their sums, `[B, C]` float64; NaN where a sum is 0."""
    dense = torch.from_numpy(sums.toarray().astype(np.float64))
    return dense / dense.sum(1, keepdim=True)


def has_category(shares: Tensor) -> Tensor:
    """Return which rows of shares `[B, C]` have a category, `[B]` bool: their sum is 1, else NaN, or 0 without any column."""
    return shares.sum(1) > 0.5
