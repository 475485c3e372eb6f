"""A split policy in one file: the latest users are the test part, each with a given number of last events as targets.

[split]
policy = "latest-users"
test_users = 0.2
"""

import numpy as np
from numpy.typing import NDArray

from zoo.api import Field, Interactions, SplitParams, SplitSpec, hookimpl


class LatestUsersParams(SplitParams):
    """Keys of `[split]` with `policy = "latest-users"`."""

    test_users: float = Field(0.2, gt=0, lt=1)
    """Share of the users who make up the test part: those whose first event is the latest."""


def latest_users(log: Interactions, params: LatestUsersParams) -> dict[str, NDArray[np.bool_]]:
    """Return the events of the test part, `[N]`: the last moment of each of the latest users."""
    first, last = log.times[log.offsets[:-1]], log.times[log.offsets[1:] - 1]
    latest = first >= np.quantile(first, 1 - params.test_users)
    users = np.repeat(np.arange(log.n_users), log.lengths)
    return {"test": latest[users] & (log.times == last[users]) & (last > first)[users]}


@hookimpl
def zoo_splits() -> list[SplitSpec]:
    """Return the policies of this file."""
    return [
        SplitSpec(
            name="latest-users",
            target="latest_users:latest_users",
            params=LatestUsersParams,
            summary="Holds out the last moment of the users who came last.",
        )
    ]
