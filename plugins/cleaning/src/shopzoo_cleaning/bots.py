"""Bots: users who act faster, more regularly, more widely or longer than people do."""

import numpy as np
from numpy.typing import NDArray

from shopzoo_cleaning.params import BotsParams
from zoo.api import Cleaned, Cleaner, Flag, UncleanLog

HOUR = 3_600_000
"""Milliseconds."""
FEW_ITEMS = 100
"""In a shop with fewer items people see most of them too."""


class Bots(Cleaner[BotsParams]):
    """Judges users by their events before the cut, and flags all of their events. Moments count, so that a basket is one act."""

    def clean(self, data: UncleanLog) -> Cleaned:
        """Return the events of the users with each sign."""
        log, p, before = data.log, self.params, data.before
        if log.clock != "timestamp":
            return Cleaned()
        users, items, times = log.users[before], log.items[before], log.times[before]
        judged = np.bincount(users, minlength=log.n_users) >= p.events
        acts = np.ones(len(users), np.bool_)  # events of one moment are one act
        acts[1:] = (np.diff(users) != 0) | (np.diff(times) != 0)
        signs = {
            f"more than {p.per_hour:,} events in an hour": _most_in_an_hour(users[acts], times[acts], log.n_users)
            > p.per_hour,
            "events at regular intervals": _variation(users[acts], times[acts], log.n_users, p.events) < p.regularity,
            f"more than {p.coverage:.0%} of the items": _coverage(users, items, log.n_users) > p.coverage,
            f"active in {p.hours} hours of a day": _hours(users, times, log.n_users) >= p.hours,
        }
        return Cleaned(tuple(Flag((judged & sign)[log.users], reason) for reason, sign in signs.items()))


def _most_in_an_hour(users: NDArray[np.int64], times: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Return the largest number of events in any sixty minutes of each user, `[U]`."""
    most = np.zeros(n, np.int64)
    if not len(users):
        return most
    steps = np.minimum(np.diff(times), HOUR + 1)  # longer gaps say nothing, and could overflow
    steps[np.diff(users) != 0] = HOUR + 1
    key = np.concatenate([[0], np.cumsum(steps)])  # ascending: the log is sorted by user and time
    within = np.arange(len(key)) - np.searchsorted(key, key - HOUR, "right") + 1
    np.maximum.at(most, users, within)
    return most


def _variation(users: NDArray[np.int64], times: NDArray[np.int64], n: int, fewest: int) -> NDArray[np.float64]:
    """Return the coefficient of variation of each user's gaps, `[U]`; infinite with fewer than `fewest` gaps."""
    own = np.diff(users) == 0
    gaps, of = np.diff(times)[own].astype(np.float64), users[1:][own]
    count = np.bincount(of, minlength=n)
    mean = np.bincount(of, gaps, n) / np.maximum(count, 1)
    spread = np.sqrt(np.bincount(of, (gaps - mean[of]) ** 2, n) / np.maximum(count, 1))
    return np.where((count >= fewest) & (mean > 0), spread / np.maximum(mean, 1.0), np.inf)


def _coverage(users: NDArray[np.int64], items: NDArray[np.int32], n: int) -> NDArray[np.float64]:
    """Return the share of the items that each user has, `[U]`; 0 if there are few items."""
    occurring = len(np.unique(items))
    if occurring < FEW_ITEMS:
        return np.zeros(n)
    pairs = np.unique(users * (int(items.max()) + 1) + items)
    return np.bincount(pairs // (int(items.max()) + 1), minlength=n) / occurring


def _hours(users: NDArray[np.int64], times: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Return the largest number of different hours of one UTC day with an event of each user, `[U]`."""
    most = np.zeros(n, np.int64)
    if not len(users):
        return most
    hours = times // HOUR
    new = np.ones(len(users), np.bool_)
    new[1:] = (np.diff(users) != 0) | (np.diff(hours) != 0)
    users, days = users[new], hours[new] // 24
    start = np.ones(len(users), np.bool_)
    start[1:] = (np.diff(users) != 0) | (np.diff(days) != 0)
    places = np.flatnonzero(start)
    np.maximum.at(most, users[places], np.diff(np.append(places, len(users))))
    return most
