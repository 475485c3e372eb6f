"""What is wrong with data: a fault with its count, examples and effect."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from zoo.data.log import Data
from zoo.data.schema import MappedTable

SHOWN = 3
"""The most examples of a fault."""


@dataclass(frozen=True)
class Example:
    """An event or an item with a fault.

    Attributes:
        user: The user, as in the data; empty for an item.
        item: The item, as in the data; empty for a user.
        time: When it happened; empty without timestamps, and for an item.
        place: The file and row; empty if it is not of one row.
        value: The value with the fault; empty if the fault is not a value.
    """

    user: str = ""
    item: str = ""
    time: str = ""
    place: str = ""
    value: str = ""

    def __str__(self) -> str:
        """Return the example as a phrase."""
        parts = [("user", self.user), ("item", self.item), ("time", self.time), ("", self.place), ("value", self.value)]
        return ", ".join(f"{name} {text}".strip() for name, text in parts if text)


@dataclass(frozen=True)
class Fault:
    """Something that is wrong with the data or with their split.

    Attributes:
        name: A short name, such as `exact-duplicates`.
        found: What was found, in a phrase.
        count: How many events, items or users it concerns; None for a finding about the split.
        share: Their share of all of them; None for a finding about the split.
        examples: Up to three examples.
        effect: What it can do to a benchmark.
        remedy: What to do.
        concerns: What is counted; empty for a finding about the split.
        at: All of them: positions of events in the log, rows of users in it, or numbers of items. None if they are not in the
            log, such as rows without ids, and for columns. Not in the JSON.
    """

    name: str
    found: str
    count: int | None
    share: float | None
    examples: tuple[Example, ...]
    effect: str
    remedy: str
    concerns: Literal["", "events", "users", "items", "columns"] = ""
    at: NDArray[np.int64] | None = field(default=None, repr=False, compare=False)

    def as_json(self) -> dict[str, Any]:
        """Return the fault as JSON, without the positions."""
        plain = asdict(replace(self, at=None))
        del plain["at"]
        return plain

    def __str__(self) -> str:
        """Return the fault in one line."""
        counted = "" if self.count is None or self.share is None else f" ({self.count:,}, {100 * self.share:.3g} %)"
        example = f"; for example {self.examples[0]}" if self.examples else ""
        return f"{self.name}: {self.found}{counted}{example}"


def event_fault(
    data: Data,
    name: str,
    found: str,
    events: NDArray[np.bool_] | NDArray[np.int64],
    *,
    effect: str,
    remedy: str,
    values: NDArray[np.float64] | None = None,
) -> Fault:
    """Return a fault of events.

    Args:
        data: The data.
        name: The name of the fault.
        found: What was found.
        events: Which events have the fault, `[N]` bool, or their positions in the order of the examples.
        effect: What it can do to a benchmark.
        remedy: What to do.
        values: The value of each event, `[N]`, if the fault is one.
    """
    at = np.flatnonzero(events) if events.dtype == np.bool_ else events.astype(np.int64)
    examples = event_examples(data, at[:SHOWN].tolist(), values)
    return Fault(name, found, len(at), len(at) / len(data.log), examples, effect, remedy, "events", at)


def user_fault(data: Data, name: str, found: str, rows: NDArray[np.int64], *, effect: str, remedy: str) -> Fault:
    """Return a fault of users, given their rows in the log; the examples are those with most events."""
    order = rows[np.argsort(-data.log.lengths[rows], kind="stable")]
    examples = tuple(
        Example(user=user_name(data, int(row)), value=f"{data.log.lengths[row]:,} events") for row in order[:SHOWN]
    )
    n = max(int(np.count_nonzero(data.log.lengths)), 1)
    return Fault(name, found, len(rows), len(rows) / n, examples, effect, remedy, "users", order)


def item_fault(
    data: Data,
    name: str,
    found: str,
    items: NDArray[np.int64],
    *,
    effect: str,
    remedy: str,
    among: int,
    values: Sequence[str] = (),
) -> Fault:
    """Return a fault of items.

    Args:
        data: The data.
        name: The name of the fault.
        found: What was found.
        items: Their numbers, in the order of the examples.
        effect: What it can do to a benchmark.
        remedy: What to do.
        among: How many items could have the fault.
        values: The values of the examples, if the fault is one.
    """
    shown = [*values, *[""] * SHOWN]
    examples = tuple(Example(item=item_name(data, int(i)), value=v) for i, v in zip(items[:SHOWN], shown, strict=False))
    share = len(items) / max(among, 1)
    return Fault(name, found, len(items), share, examples, effect, remedy, "items", items.astype(np.int64))


def event_examples(data: Data, events: Iterable[int], values: NDArray[np.float64] | None = None) -> tuple[Example, ...]:
    """Return examples of events, given their positions; `values` has the value of each event, `[N]`, if the fault is one."""
    log = data.log
    found = []
    for event in events:
        user = int(np.searchsorted(log.offsets, event, side="right")) - 1
        time = f"{np.datetime64(int(log.times[event]), 'ms').astype('M8[s]')}Z" if log.clock == "timestamp" else ""
        place = (
            log.source.place(int(log.rows[event]))
            if isinstance(log.source, MappedTable) and log.rows is not None
            else ""
        )
        value = "" if values is None else f"{values[event]:g}"
        found.append(Example(user_name(data, user), item_name(data, int(log.items[event])), time, place, value))
    return tuple(found)


def item_name(data: Data, item: int) -> str:
    """Return the id of an item number, as in the data."""
    return str(data.catalogue.ids[item].as_py())


def user_name(data: Data, user: int) -> str:
    """Return the id of a row of the log, as in the data."""
    return str(data.user_ids[user].as_py())
