"""Windows: the parts of users' histories that are the training sequences of an epoch."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from zoo.data.interactions import Interactions
from zoo.data.queries import Queries

Windows = Literal["all", "last"]
"""What an epoch reads of a history that is longer than a window: windows over all of it, or the latest window only."""


class HistoryWindows:
    """The windows of all histories. The earlier windows of a user are placed anew in each epoch.

    Attributes:
        lengths: The events of each window, `[S]`.
    """

    def __init__(
        self, log: Interactions, usable: NDArray[np.int64], window: int, *, shared: int, windows: Windows
    ) -> None:
        """Divide histories into windows.

        Args:
            log: The training events.
            usable: How many events of each user are used, from the first, `[U]`. Users with `shared` or fewer have no window.
            window: The most events of a window.
            shared: The events that two neighbouring windows of a history have in common if they follow each other.
            windows: Whether a user has as many windows as hold the history, or one.
        """
        users = np.flatnonzero(usable > shared)
        needed = -(-(usable[users] - shared) // (window - shared))
        count = needed if windows == "all" else np.ones(len(users), np.int64)
        rows = np.repeat(users, count)
        self._part = np.arange(len(rows)) - np.repeat(np.cumsum(count) - count, count)  # 0 is the latest window
        self._width = np.maximum(usable[rows] - window, 0) / np.maximum(np.repeat(count, count) - 1, 1)
        log = replace(log, source=None, rows=None)  # training does not need the further columns in each process
        self._latest = Queries(log, rows, log.offsets[rows] + usable[rows], np.zeros(len(rows), np.int64), rows + 1)
        self.lengths = np.minimum(usable[rows], window)

    def __len__(self) -> int:
        """Return the number of windows."""
        return len(self.lengths)

    def place(self, rng: np.random.Generator) -> Queries:
        """Return the windows as queries, whose histories end where the window ends.

        The latest window of a user ends with the last usable event. The others end at random places, one in each of equal parts
        of the history.
        """
        earlier = np.flatnonzero(self._part)
        back = (self._part[earlier] - rng.random(len(earlier))) * self._width[earlier]
        end = self._latest.end.copy()
        end[earlier] -= np.ceil(back).astype(np.int64)
        return replace(self._latest, end=end)
