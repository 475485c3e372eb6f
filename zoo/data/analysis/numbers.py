"""Further columns of a log as numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo.data.checks.future import to_numbers
from zoo.data.interactions import Interactions
from zoo.errors import DataError


def event_numbers(log: Interactions, name: str) -> NDArray[np.float64] | None:
    """Return a further column of the events as numbers, `[N]`, NaN where it is null; None if there is none or it holds others."""
    if log.source is None or log.rows is None or name not in log.source.column_names:
        return None
    try:
        values = to_numbers(log.column(name))
    except DataError:  # a fault of its own
        return None
    return None if values is None or not np.isfinite(values).any() else values


def median_by_item(items: NDArray[np.int32], values: NDArray[np.float64], n_items: int) -> NDArray[np.float64]:
    """Return the lower median of the values of each item, `[I]`, NaN without one; rounded to 32 bits.

    Negative and infinite values are left out. A sort of whole numbers (the item above the bits of the value, which have the
    order of values that are not negative) takes a fraction of the time of a sort by two keys.

    Args:
        items: The item of each value, `[M]`.
        values: The values, `[M]`.
        n_items: The number of items; 0 is none.
    """
    usable = np.isfinite(values) & (values >= 0) & (values < np.finfo(np.float32).max)
    own = items[usable].astype(np.int64)
    keys = np.sort((own << 32) | np.abs(values[usable].astype(np.float32)).view(np.int32))
    counts = np.bincount(own, minlength=n_items + 1)
    known = np.flatnonzero(counts)
    middle = (np.cumsum(counts) - counts + (counts - 1) // 2)[known]
    medians = np.full(n_items + 1, np.nan)
    medians[known] = (keys[middle] & 0xFFFF_FFFF).astype(np.int32).view(np.float32)
    return medians
