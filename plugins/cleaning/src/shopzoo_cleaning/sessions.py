"""Sessions: the visits of a user, cut where nothing happened for some time."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shopzoo_cleaning.params import SessionsParams
from zoo.api import Cleaned, Cleaner, DataError, UncleanLog

MINUTE = 60_000
"""Milliseconds."""


class Sessions(Cleaner[SessionsParams]):
    """Adds the column `session_id`, the user id and the number of the user's visit. It removes nothing.

    A visit depends on the user's earlier events only, so that events after the cut change no session before it.
    """

    def clean(self, data: UncleanLog) -> Cleaned:
        """Return the column.

        Raises:
            DataError: The log has sessions, or its times are no moments.
        """
        log = data.log
        if data.has_column("session_id"):
            raise DataError(
                "cleaner 'sessions': the log has a column `session_id` already. Leave the cleaner out of data.clean to use it; "
                "to cut new sessions, give the column another name in the file, or do not map it in data.columns."
            )
        if log.clock != "timestamp":
            raise DataError(
                "cleaner 'sessions' cuts sessions by idle time, and the log has no times of day: its order comes from "
                f"{'the file' if log.clock == 'file-order' else 'numbers of steps'}. Map the column that holds the times: "
                'data.columns = { timestamp = "..." }, or leave the cleaner out of data.clean.'
            )
        users = log.users
        first = np.ones(len(log), np.bool_)
        first[1:] = (np.diff(users) != 0) | (np.diff(log.times) > self.params.minutes * MINUTE)
        begun = np.concatenate([[0], np.cumsum(first)])  # sessions that begin before each row
        numbers = begun[1:] - begun[log.offsets[users]]
        names = pc.cast(data.user_ids, pa.string()).take(pa.array(users))
        column = pc.binary_join_element_wise(names, pc.cast(pa.array(numbers), pa.string()), "-")
        return Cleaned(columns={"session_id": column}, remarks={"sessions": int(first.sum())})
