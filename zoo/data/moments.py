"""The moment of a cut of a temporal split."""

from __future__ import annotations

from datetime import datetime

import numpy as np
from numpy.typing import NDArray


def moment_of_cut(times: NDArray[np.int64], cut: float | datetime) -> int:
    """Return a cut as UTC milliseconds; a share is a quantile of the times, `[N]`."""
    if isinstance(cut, datetime):
        return round(cut.timestamp() * 1000)
    rank = min(int(cut * len(times)), len(times) - 1)
    return int(np.partition(times, rank)[rank])
