"""Further columns of a log as numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo.data.checks.future import to_numbers
from zoo.data.interactions import Interactions


def event_numbers(log: Interactions, name: str) -> NDArray[np.float64] | None:
    """Return a further column of the events as numbers, `[N]`, NaN where it is null; None if there is none or it holds no numbers."""
    if log.source is None or log.rows is None or name not in log.source.column_names:
        return None
    values = to_numbers(log.column(name))
    return None if values is None or not np.isfinite(values).any() else values
