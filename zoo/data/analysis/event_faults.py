"""Faults of the events: copies, times, quantities, prices, very active users and rows without ids."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from statistics import NormalDist

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from zoo.data.analysis.fault import Example, Fault, event_examples, user_name
from zoo.data.analysis.numbers import event_numbers, median_by_item
from zoo.data.analysis.rhythm import DAY
from zoo.data.filtering import find_exact_copies
from zoo.data.interactions import tied_with_previous
from zoo.data.log import Data

NEAR = 1_000
"""Milliseconds between an event and its near copy."""
FEW = 0.001
"""Share of the events from which on near copies, stray midnights and prices are reported."""
MOMENT = 0.003
"""Share of the events at one moment from which on it is reported, if they are of `MOMENT_USERS` users."""
MOMENT_USERS = 10
EARLIEST = np.datetime64("1990-01-01", "ms").astype(np.int64)
"""Shops on the web do not have earlier events."""
CHANCE = 0.01
"""Chance that the most active of lognormal users is taken for one with far more events than others."""
TAIL = 0.95
"""The quantile of the logarithms of events per user that gives the spread of the active half: up to a twentieth may be bots."""
FEWEST = 100
"""Events of a user below which they are never very many."""
PRICE = 10.0
"""Factor between a price and the median of its item from which on it is an outlier."""
PLACEHOLDER = r"^(null|none|nan|n/?a|undefined|unknown|anonymous|guest|-1|test([-_ ].*|\d*)|dummy.*|admin|.*@test\..*)$"
"""Texts that stand for no user, or for a test."""


def find_event_faults(data: Data) -> Iterator[Fault]:
    """Yield the faults of the events."""
    finders: tuple[Callable[[Data], Iterator[Fault]], ...] = (_missing_ids, _copies, _times, _users, _numbers)
    for find in finders:
        yield from find(data)


def _missing_ids(data: Data) -> Iterator[Fault]:
    """Yield rows without ids, which the report leaves out."""
    rows = int(data.notes.get("rows", len(data.log)))
    for name, count in data.notes.items():
        if name.startswith("left out: rows of ") and isinstance(count, int):
            yield Fault(
                "rows-without-ids", name.removeprefix("left out: "), count, min(count / max(rows, 1), 1.0), (),
                "The reader refuses them unless they are dropped; if they are guests, a benchmark of known users says nothing about them.",
                '[data] null_ids = "drop", or map another column in [data] columns',
            )  # fmt: skip


def _copies(data: Data) -> Iterator[Fault]:
    """Yield exact copies of events, and copies within a second."""
    log = data.log
    if log.clock == "file-order" or len(log) < 2:
        return
    exact = find_exact_copies(log)
    count = int(np.count_nonzero(exact))
    if count:
        yield Fault(
            "exact-duplicates", "events that copy another one: same user, item, time and event type", count, count / len(log),
            event_examples(data, exact),
            "A copy in the history names its target, and counts twice in popularity and in every metric.",
            '[data] duplicates = "drop-exact"',
        )  # fmt: skip
    if log.clock != "timestamp":
        return
    users = log.users
    near = np.zeros(len(log), np.bool_)
    near[1:] = (users[1:] == users[:-1]) & (log.items[1:] == log.items[:-1]) & (log.events[1:] == log.events[:-1])
    near[1:] &= (np.diff(log.times) > 0) & (np.diff(log.times) <= NEAR)
    count = int(np.count_nonzero(near))
    if count >= max(FEW * len(log), 3):
        yield Fault(
            "near-duplicates", "events that repeat the one before within a second", count, count / len(log),
            event_examples(data, near),
            "Double clicks and double records are easy targets: a model that recommends the last item is rewarded.",
            'remove them before reading, or keep one event of a user with an item: [data] duplicates = "first"',
        )  # fmt: skip


def _times(data: Data) -> Iterator[Fault]:
    """Yield times that are not the moments of events."""
    log = data.log
    if log.clock != "timestamp" or not len(log):
        return
    now = int(datetime.now(UTC).timestamp() * 1000) + DAY
    stray = {
        "epoch-times": (log.times < EARLIEST, "events before 1990, as a missing time that was written as zero"),
        "future-times": (log.times > now, "events in the future"),
    }
    for name, (which, words) in stray.items():
        count = int(np.count_nonzero(which))
        if 0 < count < len(log) / 2:  # most events: a clock of another kind, such as one that counts from zero
            yield Fault(
                name, words, count, count / len(log), event_examples(data, which),
                "A split by time puts them at an end of the log: stray events become the training past or the whole test part.",
                "correct or remove the rows; [data] until = <date> cuts those after a date",
            )  # fmt: skip
    midnight = log.times % DAY == 0
    count = int(np.count_nonzero(midnight))
    if count >= 0.95 * len(log):
        days = float(np.mean(tied_with_previous(log)))
        yield Fault(
            "day-resolution", "times are days, without a time of day", count, count / len(log), event_examples(data, midnight),
            f"The order within a day is unknown ({100 * days:.2g} % of the events share their user and day): sequence models learn "
            "from the order of rows if it is taken as one.",
            '[data] ties = "together" (the default) keeps a day of a user whole',
        )  # fmt: skip
        return
    if count >= max(5 * FEW * len(log), 3):
        yield Fault(
            "midnight-times", "events exactly at midnight among others with a time of day", count, count / len(log),
            event_examples(data, midnight),
            "Some rows have a date only: their order within the day, and hours as a feature, are wrong.",
            "find out which system writes these rows, and whether their time can be had",
        )  # fmt: skip
    ascending = np.argsort(log.times, kind="stable")
    moments, starts, counts = np.unique(log.times[ascending], return_index=True, return_counts=True)
    for at in np.flatnonzero((counts >= max(MOMENT * len(log), 20)) & (moments % DAY != 0) & (moments >= EARLIEST))[:1]:
        events = np.sort(ascending[starts[at] : starts[at] + counts[at]])
        if len(np.unique(log.users[events])) >= MOMENT_USERS:
            yield Fault(
                "one-moment", "events of many users at one moment, as an import or a backfill writes them",
                int(counts[at]), float(counts[at] / len(log)), event_examples(data, events),
                "They did not happen together. A cut by time puts all of them on one side.",
                "remove these rows, or give them their time",
            )  # fmt: skip


def _users(data: Data) -> Iterator[Fault]:
    """Yield very active users, and ids that stand for no user."""
    log = data.log
    active = log.lengths[log.lengths > 0]
    heavy = log.lengths > _most_events(active)
    if heavy.any():
        rows = np.flatnonzero(heavy)[np.argsort(-log.lengths[heavy], kind="stable")]
        events = int(log.lengths[heavy].sum())
        yield Fault(
            "very-active-users", f"users with far more events than others; they have {events / len(log):.1%} of the events",
            len(rows), len(rows) / len(active),
            tuple(Example(user=user_name(data, int(row)), value=f"{log.lengths[row]:,} events") for row in rows[:3]),
            "Bots, staff and shared accounts teach a model what no customer does, and may dominate co-occurrence counts.",
            "look at these users; remove them if they are no customers",
        )  # fmt: skip
    texts = pc.utf8_lower(data.user_ids)
    which = np.flatnonzero(pc.match_substring_regex(texts, PLACEHOLDER).fill_null(False).to_numpy(zero_copy_only=False))
    if len(which):
        order = which[np.argsort(-log.lengths[which], kind="stable")]
        yield Fault(
            "placeholder-users", "users whose id stands for no customer, or for a test",
            len(which), len(which) / log.n_users,
            tuple(Example(user=user_name(data, int(row)), value=f"{log.lengths[row]:,} events") for row in order[:3]),
            "Events of many people in one history are no history; events of a test are no demand.",
            "remove these rows, or give guests their session ids",
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


def _numbers(data: Data) -> Iterator[Fault]:
    """Yield quantities below zero and prices far from those of their item."""
    log = data.log
    quantity = event_numbers(log, "quantity")
    if quantity is not None and (count := int(np.count_nonzero(quantity < 0))):
        yield Fault(
            "negative-quantities", "events with a quantity below zero, as returns and cancellations have", count,
            count / len(log), event_examples(data, quantity < 0, quantity),
            "A return counts as a purchase: the model learns what customers send back, and the test asks for it.",
            "remove these rows and the purchases that they cancel",
        )  # fmt: skip
    price = event_numbers(log, "price")
    if price is None:
        return
    known = np.isfinite(price)
    wrong = known & (price < 0)
    wrong |= known & _far_from_median(log.items, price, log.n_items)
    count = int(np.count_nonzero(wrong))
    if count:
        yield Fault(
            "price-outliers", f"prices below zero, or {PRICE:g} times the median price of their item or a tenth of it", count,
            count / len(log), event_examples(data, wrong, price),
            "Prices as features and the metric `revenue` are dominated by them.",
            "correct the prices, or leave the column out",
        )  # fmt: skip


def _far_from_median(items: NDArray[np.int32], price: NDArray[np.float64], n_items: int) -> NDArray[np.bool_]:
    """Return which positive prices are far from the median of their item's positive prices, `[N]`; of items with 5 prices or more."""
    positive = np.isfinite(price) & (price > 0)
    median = median_by_item(items[positive], price[positive], n_items)[items]
    many = np.bincount(items[positive], minlength=n_items + 1)[items] >= 5
    return positive & many & ((price >= PRICE * median) | (price <= median / PRICE))
