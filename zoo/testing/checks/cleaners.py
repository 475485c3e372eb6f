"""Cleaners: flags that fit the log, that repeat, and that do not depend on the test part."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from zoo.data.cleaner import Cleaned, UncleanLog
from zoo.data.cleaning import check_cleaned
from zoo.data.interactions import Interactions
from zoo.testing.check import check
from zoo.testing.data import DAY, shop
from zoo.testing.requirement import require
from zoo.testing.subject import Subject


@check(
    "cleaner", needs="class",
    sentence="The answer fits the log.",
    remedy="Return `Cleaned` with a boolean and a reason for each event of a flag, and numbers of the log in `items`.",
)  # fmt: skip
def flags_fit(subject: Subject) -> None:
    """The check calls `clean` with the shop's log, with and without a cut, and with a log that has no event before the cut."""
    unclean = _unclean()
    first = int(unclean.log.times.min())
    for cut in (unclean.cut, None, first):
        data = replace(unclean, cut=cut)
        check_cleaned(subject.build().clean(data), data, subject.component.origin)


@check(
    "cleaner", needs="class",
    sentence="Two calls give the same answer, and the log is unchanged.",
    remedy="Fix the seed of what is drawn, and copy an array before you change it.",
)  # fmt: skip
def same_flags(subject: Subject) -> None:
    """The check calls `clean` of two instances on one log, and compares the answers, and the log with what it was before.

    A task is identified by a hash of its data: if cleaning depended on a draw, no two results could be compared.
    """
    unclean, untouched = _unclean(), _unclean()
    first, second = (subject.build().clean(unclean) for _ in range(2))
    every = np.ones(len(unclean.log), np.bool_)
    found = _difference(_judge(first, every), _judge(second, every))
    require(not found, f"two calls differ: {found}")
    for name in ("offsets", "items", "times", "events"):
        same = np.array_equal(getattr(unclean.log, name), getattr(untouched.log, name))
        require(same, f"`clean` changed log.{name}")


@check(
    "cleaner", needs="class",
    sentence="What it says of the events before the cut does not depend on the events after it.",
    remedy="Compute thresholds, counts and ends from `data.before` only; do not pair an event before the cut with one after it.",
)  # fmt: skip
def test_part(subject: Subject) -> None:
    """The check changes the events from the cut on, and compares what a cleaner says of the events before it, and of the items.

    The changed events have other items and prices, other times, or mostly one user. A cleaner that looks at the test removes what the test makes suspicious: the models are then trained with its help.
    """
    unclean = _unclean()
    before = _judge(subject.build().clean(unclean), unclean.before)
    for what, changed in _changes(unclean).items():
        after = _judge(subject.build().clean(changed), changed.before)
        found = _difference(before, after)
        require(not found, f"with {what} after the cut, {found}")


def _unclean() -> UncleanLog:
    """Return the shop's log with a price, a quantity and copies, cut at four fifths of its events."""
    world = shop()
    log = world.log
    rng = np.random.default_rng(8)
    again = np.sort(np.concatenate([np.arange(len(log)), rng.choice(len(log), len(log) // 20, replace=False)]))
    users = log.users[again]
    price = np.round(
        5 + _usual_price(log)[again] * rng.choice([1.0, 1.0, 1.0, 500.0], len(again), p=[0.4, 0.3, 0.29, 0.01]), 2
    )
    quantity = rng.choice([1, 1, 2, -1], len(again))
    further = pa.table({"price": price, "quantity": quantity})
    times = log.times[again]
    made = Interactions.from_arrays(
        users, log.items[again], times, n_items=log.n_items, n_users=log.n_users, events=log.events[again],
        event_names=log.event_names, source=further,
    )  # fmt: skip
    cut = int(np.sort(made.times)[len(made) * 4 // 5])
    return UncleanLog(made, world.catalogue, pa.array([f"u{u}" for u in range(log.n_users)]), cut)


def _usual_price(log: Interactions) -> NDArray[np.float64]:
    """Return a price for each event, by its item, `[N]`."""
    return np.asarray(1.0 + log.items % 40, np.float64)


def _changes(unclean: UncleanLog) -> dict[str, UncleanLog]:
    """Return logs with the same events before the cut and other events from there on."""
    log, late = unclean.log, ~unclean.before
    assert log.source is not None
    assert log.rows is not None
    n, rng = int(late.sum()), np.random.default_rng(9)
    users, times, items = log.users, log.times, log.items
    end = int(times.max())
    cut = int(unclean.cut or 0)
    further = log.source.select(["price", "quantity"]).take(pa.array(log.rows))

    def made(users_: Any, times_: Any, items_: Any, price: Any) -> UncleanLog:
        columns = {
            "price": np.where(late, price, further["price"].to_numpy()),
            "quantity": np.where(late, -1, further["quantity"].to_numpy()),
        }
        new = Interactions.from_arrays(
            users_, items_, times_, n_items=log.n_items, n_users=log.n_users, events=log.events,
            event_names=log.event_names, source=pa.table(columns),
        )  # fmt: skip
        return replace(unclean, log=new)

    other_items, other_times, one_user = items.copy(), times.copy(), users.copy()
    other_items[late] = rng.integers(1, log.n_items + 1, n)
    other_times[late] = cut + rng.integers(0, max(end - cut, 1), n) + 400 * DAY * (rng.random(n) < 0.1)
    one_user[late] = np.where(rng.random(n) < 0.8, 0, users[late])
    return {
        "other items and prices": made(users, times, other_items, 1e6),
        "other times": made(users, other_times, items, 1.0),
        "one user who has most events": made(one_user, times, items, 2.0),
    }


def _judge(found: Cleaned, events: NDArray[np.bool_]) -> dict[str, list[Any]]:
    """Return what a cleaner said of some events, in the order of the log, and of the items."""
    said: dict[str, list[Any]] = {f"flag {flag.reason!r}": flag.events[events].tolist() for flag in found.flags}
    said |= {f"column {name!r}": pa.array(c).filter(pa.array(events)).to_pylist() for name, c in found.columns.items()}
    return said | {"items": [] if found.items is None else found.items.tolist()}


def _difference(a: dict[str, list[Any]], b: dict[str, list[Any]]) -> str:
    """Return the first difference between two answers as text; empty if there is none."""
    for name in dict.fromkeys([*a, *b]):
        one, other = a.get(name), b.get(name)
        if one is None or other is None:
            if any(one or other or []):
                return f"{name} is only in one of two answers"
        elif one != other:
            n = sum(x != y for x, y in zip(one, other, strict=True))
            return f"{name} differs for {n} of {len(one)}"
    return ""
