"""Rare users and items: those outside the k-core of the events before the cut."""

import numpy as np
from numpy.typing import NDArray

from shopzoo_cleaning.params import RareParams
from zoo.api import Cleaned, Cleaner, Flag, UncleanLog


class Rare(Cleaner[RareParams]):
    """Removes users and items with few events, and again those that have few events left, until nothing changes.

    Only events before the cut count. All events of a rare user or item are flagged, also those from the cut on; a user or
    item that occurs from the cut on only is new, which is not the same as rare, and is kept.
    """

    def clean(self, data: UncleanLog) -> Cleaned:
        """Return the events of the rare users, and of the rare items."""
        log, before, all_users = data.log, data.before, data.log.users
        users, items = all_users[before], log.items[before]
        rare_user, rare_item = np.zeros(log.n_users, np.bool_), np.zeros(log.n_items + 1, np.bool_)
        known_users, known_items = _occur(users, log.n_users), _occur(items, log.n_items + 1)
        while True:
            few_users = known_users & ~rare_user & _few(users, self.params.user, log.n_users)
            few_items = known_items & ~rare_item & _few(items, self.params.item, log.n_items + 1)
            if not (few_users.any() or few_items.any()):
                break
            rare_user |= few_users
            rare_item |= few_items
            left = ~(few_users[users] | few_items[items])
            users, items = users[left], items[left]
        flags = (
            Flag(rare_user[all_users], f"user with fewer than {self.params.user} events"),
            Flag(rare_item[log.items], f"item with fewer than {self.params.item} events"),
        )
        return Cleaned(flags, remarks={"rare users": int(rare_user.sum()), "rare items": int(rare_item.sum())})


def _few(numbers: NDArray[np.integer], fewest: int, n: int) -> NDArray[np.bool_]:
    """Return which numbers below `n` occur fewer times than `fewest`, `[n]`."""
    return np.asarray(np.bincount(numbers, minlength=n) < fewest)


def _occur(numbers: NDArray[np.integer], n: int) -> NDArray[np.bool_]:
    """Return which numbers below `n` occur, `[n]`."""
    return ~_few(numbers, 1, n)
