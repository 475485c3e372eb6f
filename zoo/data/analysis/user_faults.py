"""Faults of users: far more events than others, and ids that stand for nobody."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import NormalDist

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from zoo.data.analysis.fault import Fault, user_fault
from zoo.data.log import Data

CHANCE = 0.01
"""Chance that the most active of lognormal users is taken for one with far more events than others."""
TAIL = 0.95
"""The quantile of the logarithms of events per user that gives the spread of the active half: up to a twentieth may be bots."""
FEWEST = 100
"""Events of a user below which they are never very many."""
PLACEHOLDER = r"^(null|none|nan|n/?a|undefined|unknown|anonymous|guest|-1|test([-_ ].*|\d*)|dummy.*|admin|.*@test\..*)$"
"""Texts that stand for no user, or for a test."""


def find_user_faults(data: Data) -> Iterator[Fault]:
    """Yield very active users, and ids that stand for no user."""
    log = data.log
    active = log.lengths[log.lengths > 0]
    heavy = np.flatnonzero(log.lengths > _most_events(active))
    if len(heavy):
        share = int(log.lengths[heavy].sum()) / len(log)
        yield user_fault(
            data, "very-active-users", f"users with far more events than others; they have {share:.1%} of the events", heavy,
            effect="Bots, staff and shared accounts teach a model what no customer does, and may dominate co-occurrence counts.",
            remedy="look at these users; remove them if they are no customers",
        )  # fmt: skip
    texts = pc.utf8_lower(data.user_ids)
    named = pc.match_substring_regex(texts, PLACEHOLDER).fill_null(False).to_numpy(zero_copy_only=False)
    if named.any():
        yield user_fault(
            data, "placeholder-users", "users whose id stands for no customer, or for a test", np.flatnonzero(named),
            effect="Events of many people in one history are no history; events of a test are no demand.",
            remedy="remove these rows, or give guests their session ids",
        )  # fmt: skip


def _most_events(active: NDArray[np.int64]) -> float:
    """Return the most events that a user of a shop like this one has, from the median and a high quantile of the others.

    Args:
        active: The events of each user with one, `[M]`.
    """
    if not len(active):
        return FEWEST
    middle, high = np.quantile(np.log(active), [0.5, TAIL])
    normal = NormalDist()
    spread = max(float(high - middle) / normal.inv_cdf(TAIL), 0.3)
    most = float(middle) + normal.inv_cdf(1 - CHANCE / len(active)) * spread
    return max(float(np.exp(most)), FEWEST)
