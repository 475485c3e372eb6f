"""Returns: rows with a quantity below zero, and the purchases that they cancel."""

import numpy as np

from shopzoo_cleaning.numbers import read_numbers
from shopzoo_cleaning.params import ReturnsParams
from zoo.api import Cleaned, Cleaner, Flag, UncleanLog

DAY = 86_400_000
"""Milliseconds."""


class Returns(Cleaner[ReturnsParams]):
    """Pairs each cancellation with the last purchase of the same user and item before it, of at least that quantity.

    Each purchase is cancelled once. A cancellation after the cut does not remove a purchase before it: at the time of
    the cut nobody knew of it.
    """

    def clean(self, data: UncleanLog) -> Cleaned:
        """Return the cancellations and the cancelled purchases.

        Raises:
            DataError: The log has no column `quantity`, or it is no number.
        """
        log = data.log
        quantity = read_numbers(data, "quantity", "returns")
        negative = quantity < 0
        cancelled = np.zeros(len(log), np.bool_)
        keys = log.users * (log.n_items + 1) + log.items
        chosen = np.flatnonzero(np.isin(keys, keys[negative]) & (quantity != 0))
        chosen = chosen[np.argsort(keys[chosen], kind="stable")]
        limit = self.params.days * DAY if log.clock == "timestamp" else np.inf
        before, times = data.before, log.times
        open_purchases: list[int] = []
        key = -1
        for at in chosen.tolist():  # only the events of pairs with a cancellation, a small part of a log
            if keys[at] != key:
                key, open_purchases = keys[at], []
            if not negative[at]:
                open_purchases.append(at)
                continue
            for place in range(len(open_purchases) - 1, -1, -1):
                bought = open_purchases[place]
                if times[at] - times[bought] > limit:
                    break
                if quantity[bought] >= -quantity[at]:
                    if before[at] or not before[bought]:
                        cancelled[bought] = True
                    del open_purchases[place]
                    break
        return Cleaned((Flag(negative, "quantity below zero"), Flag(cancelled, "purchase that was cancelled")))
