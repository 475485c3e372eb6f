"""The moment of a cut of a temporal split, and a moment as text."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray


def moment_of_cut(times: NDArray[np.int64], cut: float | datetime) -> int:
    """Return a cut as UTC milliseconds; a share is a quantile of the times, `[N]`."""
    if isinstance(cut, datetime):
        return round(cut.timestamp() * 1000)
    rank = min(int(cut * len(times)), len(times) - 1)
    return int(np.partition(times, rank)[rank])


def format_moment(milliseconds: int) -> str:
    """Return UTC milliseconds as `2024-12-31 23:59:59 UTC`."""
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
