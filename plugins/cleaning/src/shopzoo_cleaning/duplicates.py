"""Duplicates: exact copies of an event, and repetitions of it within a few seconds."""

import numpy as np

from shopzoo_cleaning.params import DuplicatesParams
from zoo.api import Cleaned, Cleaner, Flag, UncleanLog


class Duplicates(Cleaner[DuplicatesParams]):
    """Keeps the first of several events with the same user, item and type. Only an earlier event makes one a repetition."""

    def clean(self, data: UncleanLog) -> Cleaned:
        """Return the copies and the repetitions."""
        log = data.log
        users = log.users
        order = np.lexsort((np.arange(len(log)), log.events, log.items, users))  # keeps the order of times
        same = np.zeros(len(log), np.bool_)
        same[order[1:]] = np.logical_and.reduce(
            [np.diff(values[order]) == 0 for values in (users, log.items, log.events.astype(np.int64))]
        )
        gaps = np.full(len(log), np.iinfo(np.int64).max)
        gaps[order[1:]] = np.diff(log.times[order])
        if log.clock == "file-order":  # the times are only numbers of rows
            return Cleaned()
        exact = same & (gaps == 0)
        flags = [Flag(exact, "same user, item, time and event")]
        if log.clock == "timestamp" and self.params.seconds:
            near = same & ~exact & (gaps <= self.params.seconds * 1000)
            flags.append(Flag(near, f"repeated within {self.params.seconds:g} s"))
        return Cleaned(tuple(flags))
