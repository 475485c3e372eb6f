"""From the events that a part asks for to queries: what counts as a target, and what is known by then."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo.config.experiment import Part
from zoo.config.splits import Targets as TargetsSetting
from zoo.data.interactions import Interactions
from zoo.data.queries import Queries, Targets
from zoo.data.split import Parts
from zoo.errors import SplitError


@dataclass(frozen=True, eq=False)
class TargetRules:
    """What counts as a target.

    Attributes:
        targets: All that a user did in the part as one query, the first event of it that counts, or a query for each.
        eligible: Which items may be recommended, `[I]`; others are no targets.
        target_events: The event types that count, as codes; None for all.
        seen_events: The event types of the history that make an item no target any more, as codes; None for all.
        new_users: Whether users without a history are asked.
    """

    targets: TargetsSetting
    eligible: NDArray[np.bool_]
    target_events: list[int] | None = None
    seen_events: list[int] | None = None
    new_users: bool = True


@dataclass(frozen=True, eq=False)
class _Asked:
    """The events that a part asks for.

    Attributes:
        event: Their places in the log, ascending, `[M]`.
        item: Their items, `[M]`.
        row: Their rows, `[M]`.
        end: Where their query's history ends in the history log, `[M]`.
    """

    event: NDArray[np.int64]
    item: NDArray[np.int32]
    row: NDArray[np.int64]
    end: NDArray[np.int64]

    def where(self, kept: NDArray[np.bool_]) -> _Asked:
        """Return those kept, `[M]` bool."""
        return _Asked(self.event[kept], self.item[kept], self.row[kept], self.end[kept])

    @property
    def first_of_row(self) -> NDArray[np.bool_]:
        """Return which are the first of their row, `[M]`."""
        first = np.ones(len(self.row), np.bool_)
        first[1:] = np.diff(self.row) > 0
        return first


def asked_queries(
    log: Interactions, parts: Parts, part: Part, rules: TargetRules, trained: NDArray[np.bool_]
) -> tuple[Queries, dict[str, int]]:
    """Return the queries of a part with their targets, and counts of what was left out.

    A query of `targets = "all"` is asked when the part begins, where it is a window of time, else just after its
    history; every other one at the time of the event that it asks for.

    Args:
        log: All events.
        parts: Their parts.
        part: The part.
        rules: What counts as a target.
        trained: Which items occur in training, `[I]`: targets that do not are cold.

    Raises:
        SplitError: `targets = "each"` where the parts are not in the order of time.
    """
    history, asked = _histories(log, parts, part, each=rules.targets == "each")
    notes = {"users with events": int(np.count_nonzero(asked.first_of_row))}
    asked = _counted(asked, history, log, rules, notes)
    if rules.targets == "first":
        asked = asked.where(asked.first_of_row)
    opens = np.ones(len(asked.row), np.bool_) if rules.targets == "each" else asked.first_of_row
    notes["users left out: no target"] = notes["users with events"] - int(np.count_nonzero(asked.first_of_row))
    targets = _target_sets(np.cumsum(opens) - 1, asked.item, int(np.count_nonzero(opens)), trained)
    query = asked.where(opens)
    queries = Queries(history, query.row, query.end, log.times[query.event], query.row + 1, targets)
    if rules.targets == "all":
        queries = _asked_at_once(queries, parts.starts.get(part))
    new = queries.lengths == 0
    notes["queries of new users" + ("" if rules.new_users else ", left out")] = int(np.count_nonzero(new))
    if not rules.new_users:
        queries = queries.where(~new)
    notes |= {"queries": len(queries)}
    if queries.targets is not None:
        notes |= {"targets": len(queries.targets.items), "cold targets": int(np.count_nonzero(queries.targets.cold))}
    return queries, notes


def _histories(log: Interactions, parts: Parts, part: Part, *, each: bool) -> tuple[Interactions, _Asked]:
    """Return the log that the histories are rows of, and the events asked for.

    It is the log itself where what is known of each user comes before the rest, else a log of what is known only.
    """
    known, asked = parts.known(part), parts.asked(part)
    event = np.flatnonzero(asked)
    item, row = log.items[event], np.searchsorted(log.offsets, event, side="right") - 1
    end_of_row, in_order = _prefixes(log, known)
    if in_order:
        if not each:
            return log, _Asked(event, item, row, end_of_row[row])
        if _prefixes(log, known | asked)[1]:
            return log, _Asked(event, item, row, event)
    if each:
        raise SplitError(
            f'split.targets = "each" asks for one event after the other, and the {part} events of some users are not '
            'after the earlier parts\' in the order of time. Use split.targets = "all".'
        )
    history = log.where(known)
    return history, _Asked(event, item, row, history.offsets[1:][row])


def _prefixes(log: Interactions, kept: NDArray[np.bool_]) -> tuple[NDArray[np.int64], bool]:
    """Return where the events kept of each row would end if they came first, `[U]`, and whether they do in every row."""
    before = np.concatenate([[0], np.cumsum(kept)])
    starts = log.offsets[:-1]
    counts = np.diff(before[log.offsets])
    return starts + counts, bool(np.all(before[starts + counts] - before[starts] == counts))


def _counted(
    asked: _Asked, history: Interactions, log: Interactions, rules: TargetRules, notes: dict[str, int]
) -> _Asked:
    """Return the events that count as targets; the others are counted by their first reason."""
    if rules.target_events is not None:
        asked = _kept(asked, np.isin(log.events[asked.event], rules.target_events), "another event type", notes)
    asked = _kept(asked, rules.eligible[asked.item], "item not eligible", notes)
    if rules.seen_events == []:
        return asked
    return _kept(asked, _first_seen(history, asked, rules.seen_events) >= asked.end, "item seen before", notes)


def _kept(asked: _Asked, kept: NDArray[np.bool_], reason: str, notes: dict[str, int]) -> _Asked:
    """Return the events kept, and note how many are not."""
    notes[f"events that are no target: {reason}"] = len(kept) - int(np.count_nonzero(kept))
    return asked.where(kept)


def _first_seen(history: Interactions, asked: _Asked, types: list[int] | None) -> NDArray[np.int64]:
    """Return where in the history log each row first meets the item asked for, `[M]`; past the end if it never does."""
    width = history.n_items + 1
    pairs, of_asked = np.unique(asked.row * width + asked.item, return_inverse=True)
    first = np.full(len(pairs), len(history), np.int64)
    last = np.flatnonzero(np.append(asked.first_of_row[1:], True)) if len(asked.row) else np.zeros(0, np.int64)
    rows, starts = asked.row[last], history.offsets[asked.row[last]]
    lengths = asked.end[last] - starts  # of a row's queries the last has the longest history
    event = np.arange(lengths.sum()) + np.repeat(starts - np.cumsum(lengths) + lengths, lengths)
    key = np.repeat(rows * width, lengths) + history.items[event]
    if types is not None:
        of_type = np.isin(history.events[event], types)
        event, key = event[of_type], key[of_type]
    at = np.searchsorted(pairs, key)
    at[at == len(pairs)] = 0
    met = pairs[at] == key
    first[at[met][::-1]] = event[met][::-1]  # of equal indices the last written stays: the earliest event
    return first[of_asked]


def _target_sets(
    query: NDArray[np.int64], item: NDArray[np.int32], n_queries: int, trained: NDArray[np.bool_]
) -> Targets:
    """Return each query's items as a set."""
    width = len(trained)
    pairs = np.sort(query * width + item)
    pairs = pairs[np.diff(pairs, prepend=-1) > 0]
    items = (pairs % width).astype(np.int32)
    offsets = np.concatenate([[0], np.cumsum(np.bincount(pairs // width, minlength=n_queries))])
    return Targets(offsets, items, ~trained[items])


def _asked_at_once(queries: Queries, start: int | None) -> Queries:
    """Return queries for a whole part, asked when it begins, or just after the history; a new user keeps the event's time."""
    last = queries.log.times[np.maximum(queries.end - 1, 0)] + 1 if len(queries.log) else queries.now
    now = np.where(queries.lengths > 0, last, queries.now) if start is None else np.full(len(queries), start)
    return Queries(queries.log, queries.row, queries.end, now, queries.users, queries.targets)
