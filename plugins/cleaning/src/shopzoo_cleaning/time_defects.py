"""Defects of time: time zero, times far outside the range of the others, and days without a time of day."""

import numpy as np
from numpy.typing import NDArray

from shopzoo_cleaning.params import TimeDefectsParams
from zoo.api import Cleaned, Cleaner, Flag, UncleanLog

DAY = 86_400_000
"""Milliseconds."""
UNIT = 1000.0
"""The factor between seconds, milliseconds and microseconds."""
FEW = 10
"""A day with fewer events than this says nothing about times of day."""


class TimeDefects(Cleaner[TimeDefectsParams]):
    """Finds times that no clock of the shop can have shown.

    The range before the cut is learned from the events before it. Events from the cut on are judged with all events,
    because they are later than all others by the split alone.
    """

    def clean(self, data: UncleanLog) -> Cleaned:
        """Return the events with impossible times, and how many days have all events at midnight."""
        log = data.log
        if log.clock != "timestamp" or not len(log):
            return Cleaned()
        times, before = log.times, data.before
        zero = (times >= 0) & (times < DAY)
        rest = ~zero
        low, high = self._range(times[before & rest])
        if low < self.params.gap_days * DAY:  # a clock that counts from zero, or no other events
            zero, rest = np.zeros(len(log), np.bool_), np.ones(len(log), np.bool_)
            low, high = self._range(times[before])
        _, end = self._range(times[rest]) if data.cut is not None else (low, high)
        end = np.where(before, high, max(end, high))
        early, late = rest & (times < low), rest & (times > end)
        other_unit = early & (times >= low / UNIT) & (times <= end / UNIT)
        other_unit |= late & (times >= low * UNIT) & (times <= end * UNIT)
        flags = (
            Flag(zero, "on 1970-01-01, time zero"),
            Flag(other_unit, "in another unit than the others: seconds or microseconds"),
            Flag(early, "long before all other events"),
            Flag(late, "long after all other events"),
        )
        return Cleaned(flags, remarks={"days with all events at midnight": _midnights(times[rest])})

    def _range(self, times: NDArray[np.int64]) -> tuple[int, int]:
        """Return the first and last time that is connected with the bulk of the events."""
        if not len(times):
            return np.iinfo(np.int64).min, np.iinfo(np.int64).max
        ordered, n = np.sort(times), len(times)
        apart = np.flatnonzero(np.diff(ordered) > self.params.gap_days * DAY)
        tail = int(n * (1 - self.params.bulk) / 2)
        below, above = apart[apart < tail], apart[apart >= n - tail - 1]
        return int(ordered[below[-1] + 1] if len(below) else ordered[0]), int(
            ordered[above[0]] if len(above) else ordered[-1]
        )


def _midnights(times: NDArray[np.int64]) -> int:
    """Return the number of days all of whose events, at least ten, are at midnight UTC."""
    _, day, count = np.unique(times // DAY, return_inverse=True, return_counts=True)
    at_midnight = np.bincount(day, times % DAY == 0, len(count))
    return int(np.count_nonzero((count >= FEW) & (at_midnight == count)))
