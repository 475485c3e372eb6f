"""Users, items and events: how many, how long the histories are, and how concentrated the popularity is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo.data.analysis.distributions import Distribution, concentration_curve, gini, share_of_top
from zoo.data.interactions import Interactions
from zoo.data.log import Data
from zoo.data.log_summary import format_period


@dataclass(frozen=True)
class Size:
    """The size of a log.

    Attributes:
        users: The users with an event, or sessions if the log has no users.
        user_kind: What a user is: `users` or `sessions`.
        items: The items with an event.
        items_without_event: The items of the catalogue without one.
        events: The events by type.
        period: The times of the first and the last event; empty without timestamps.
        days: The days between them; 0 without timestamps.
        density: The pairs of user and item that occur, divided by all pairs.
        repeats: The share of events whose user had the item before.
        repeats_by_type: The same among the events of a type, for each type.
        left_out: The rows that were not read, by reason.
    """

    users: int
    user_kind: str
    items: int
    items_without_event: int
    events: dict[str, int]
    period: str
    days: float
    density: float
    repeats: float
    repeats_by_type: dict[str, float]
    left_out: dict[str, int]

    @property
    def n_events(self) -> int:
        """Return the number of events."""
        return sum(self.events.values())


@dataclass(frozen=True)
class Histories:
    """How many events a user has, and how many users an item has.

    Attributes:
        per_user: Events per user.
        per_item: Events per item that has one.
        gini: The Gini coefficient of the events per item.
        top_1: The share of the events that the top 1 % of the items have.
        top_20: The share that the top 20 % have.
        curve: Points (share of the items, share of the events), the most frequent items first.
    """

    per_user: Distribution
    per_item: Distribution
    gini: float
    top_1: float
    top_20: float
    curve: tuple[tuple[float, float], ...]


def measure_size(data: Data) -> Size:
    """Return the size of a log."""
    log = data.log
    counts = np.bincount(log.events, minlength=len(log.event_names))
    known = int(np.count_nonzero(log.known))
    again = repeated(log)
    pairs = len(log) - int(np.count_nonzero(again))
    of_type = {}
    for code, name in enumerate(log.event_names):
        own = again if len(counts) == 1 else repeated(log.where(log.events == code))
        of_type[name] = float(np.mean(own)) if len(own) else 0.0
    return Size(
        users=int(np.count_nonzero(log.lengths)),
        user_kind=str(data.notes.get("users are", "users")),
        items=known,
        items_without_event=log.n_items - known,
        events={name: int(count) for name, count in zip(log.event_names, counts, strict=True)},
        period=format_period(log),
        days=float(log.times.max() - log.times.min()) / 86_400_000 if log.clock == "timestamp" and len(log) else 0.0,
        density=pairs / max(log.n_users * known, 1),
        repeats=float(np.mean(again)) if len(log) else 0.0,
        repeats_by_type=of_type,
        left_out={
            name.removeprefix("left out: "): value
            for name, value in data.notes.items()
            if name.startswith("left out: ") and isinstance(value, int)
        },
    )


def measure_histories(log: Interactions) -> Histories:
    """Return the lengths of the histories and the popularity of the items."""
    per_item = log.counts()[1:]
    per_item = per_item[per_item > 0]
    return Histories(
        Distribution.of(log.lengths[log.lengths > 0]),
        Distribution.of(per_item),
        gini(per_item),
        share_of_top(per_item, 0.01),
        share_of_top(per_item, 0.2),
        concentration_curve(per_item),
    )


def repeated(log: Interactions) -> NDArray[np.bool_]:
    """Return which events have an earlier event of the same user and item, `[N]`."""
    again: NDArray[np.bool_] = first_of_pair(log) != np.arange(len(log))
    return again


def first_of_pair(log: Interactions) -> NDArray[np.int64]:
    """Return the first event of the same user and item as each event, `[N]`."""
    pairs = log.users * (log.n_items + 1) + log.items
    order = np.argsort(pairs, kind="stable")  # events have the order of their users: little is left to sort
    ordered = pairs[order]
    new = np.ones(len(log), np.bool_)
    new[1:] = ordered[1:] != ordered[:-1]
    first = np.empty(len(log), np.int64)
    first[order] = order[new][np.cumsum(new) - 1]
    return first
