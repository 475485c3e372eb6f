"""Accounts of the shop itself: user ids that say so, and users with far more events than all others."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shopzoo_cleaning.params import InternalAccountsParams
from zoo.api import Cleaned, Cleaner, DataError, Flag, UncleanLog

MOST = 0.95
"""The share of users that are taken for customers when the usual volume is learned."""


class InternalAccounts(Cleaner[InternalAccountsParams]):
    """Flags all events of accounts by the pattern of their id, or by the number of their events before the cut."""

    def clean(self, data: UncleanLog) -> Cleaned:
        """Return the events of these accounts.

        Raises:
            DataError: A pattern is no regular expression.
        """
        log = data.log
        count = np.bincount(log.users[data.before], minlength=log.n_users)
        usual = float(np.quantile(count[count > 0], MOST)) if (count > 0).any() else 0.0
        many = (count > self.params.times * usual) & (count >= self.params.events)
        named = self._named(pc.cast(data.user_ids, pa.string()))
        flags = (
            Flag(named[log.users], "user id of a test account"),
            Flag(many[log.users], f"more than {self.params.times:g} times the events of most users"),
        )
        remarks = {"accounts by their id": int(named.sum()), "accounts by their volume": int((many & ~named).sum())}
        return Cleaned(flags, remarks=remarks)

    def _named(self, ids: pa.Array) -> NDArray[np.bool_]:
        """Return which user ids match a pattern, `[U]`."""
        named = np.zeros(len(ids), np.bool_)
        for pattern in self.params.patterns:
            try:
                found = pc.match_substring_regex(ids, pattern, ignore_case=True)
            except pa.ArrowInvalid as error:
                raise DataError(
                    f"cleaner 'test-accounts': patterns has {pattern!r}, which is no regular expression ({error}). Correct it; "
                    "the syntax is that of RE2, without look-around and back references."
                ) from error
            named |= found.fill_null(False).to_numpy(zero_copy_only=False)
        return named
