"""Build the queries of a part from its target events: apply the target rules and cut the histories."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo.config.experiment import Part
from zoo.config.split_settings import Targets as TargetsSetting
from zoo.data.interactions import Interactions
from zoo.data.parts import Parts
from zoo.data.queries import Queries, Targets
from zoo.errors import SplitError

NO_TARGET, SEEN_BEFORE = "events that are no target", "item seen before"
"""The names of notes about excluded target events, and the reason for those whose item is in the history."""
DRAWN_FROM = "queries drawn from"
"""The name of the note about the queries of which a sample is asked."""


@dataclass(frozen=True, eq=False)
class TargetRules:
    """Rules that decide which events are targets.

    Attributes:
        targets: `"all"`: one query per user with all of the user's targets in the part. `"first"`: one query per user
            with the targets of the first group of events that has any. `"each"`: one query per group.
        eligible: The items that may be recommended, `[I]`; other items are never targets.
        target_events: The codes of the event types that count as targets; None for all.
        seen_events: The codes of the event types in the history that mark an item as seen, so that it is not a target
            again; None for all.
        new_users: Whether users without a history have queries.
    """

    targets: TargetsSetting
    eligible: NDArray[np.bool_]
    target_events: list[int] | None = None
    seen_events: list[int] | None = None
    new_users: bool = True


@dataclass(frozen=True, eq=False)
class _TargetEvents:
    """The target events of a part.

    Attributes:
        event: Their positions in the log, ascending, `[M]`.
        item: Their items, `[M]`.
        row: Their rows, `[M]`.
        end: The end of the query's history in the history log, `[M]`.
    """

    event: NDArray[np.int64]
    item: NDArray[np.int32]
    row: NDArray[np.int64]
    end: NDArray[np.int64]

    def where(self, kept: NDArray[np.bool_]) -> _TargetEvents:
        """Return the events in `kept`, `[M]` bool."""
        return _TargetEvents(self.event[kept], self.item[kept], self.row[kept], self.end[kept])

    @property
    def first_of_row(self) -> NDArray[np.bool_]:
        """Return which events are the first of their row, `[M]`."""
        first = np.ones(len(self.row), np.bool_)
        first[1:] = np.diff(self.row) > 0
        return first


def build_queries(
    log: Interactions,
    groups: NDArray[np.int64],
    parts: Parts,
    part: Part,
    rules: TargetRules,
    *,
    trained: NDArray[np.bool_],
) -> tuple[Queries, dict[str, int]]:
    """Return the queries of a part with their targets, and counts of the excluded events and users.

    The time of a query with `targets = "all"` is the start of the part if the part is a time window, else just after
    the history. The time of any other query is that of its first target event.

    Args:
        log: All events.
        groups: Which events are targets of the same query, ascending, `[N]`: with `targets = "first"` the units, with
            `targets = "each"` the steps of the units.
        parts: The part of each event.
        part: The part to build queries for.
        rules: The target rules.
        trained: The items that occur in training, `[I]`; other targets are cold.

    Raises:
        SplitError: `targets` is `"each"`, and the parts are not in time order.
    """
    history, events = _histories(log, parts, part, groups if rules.targets == "each" else None)
    notes = {"users with events": int(np.count_nonzero(events.first_of_row))}
    events = _apply_rules(events, history, log, rules, notes)
    opens = events.first_of_row
    if rules.targets == "first":
        group = groups[events.event]
        events = events.where(group == group[opens][np.cumsum(opens) - 1])
        opens = events.first_of_row
    elif rules.targets == "each":
        opens = np.diff(groups[events.event], prepend=-1) > 0
    notes["users left out: no target"] = notes["users with events"] - int(np.count_nonzero(events.first_of_row))
    targets = _target_sets(np.cumsum(opens) - 1, events.item, int(np.count_nonzero(opens)), trained)
    query = events.where(opens)
    queries = Queries(history, query.row, query.end, log.times[query.event], query.row + 1, targets)
    if rules.targets == "all":
        queries = _set_part_time(queries, parts.starts.get(part))
    new = queries.lengths == 0
    name = "queries of new users" if rules.new_users else "queries without a history, left out"
    notes[name] = int(np.count_nonzero(new))
    if not rules.new_users:
        queries = queries.where(~new)
    return queries, notes | _count(queries)


def draw_queries(queries: Queries, n: int) -> tuple[Queries, dict[str, int]]:
    """Return n of the queries, the same in every process and for every model, and counts of them."""
    drawn = np.zeros(len(queries), np.bool_)
    drawn[np.random.default_rng(0).choice(len(queries), n, replace=False)] = True
    few = queries.where(drawn)
    return few, {DRAWN_FROM: len(queries), **_count(few)}


def _count(queries: Queries) -> dict[str, int]:
    """Return the numbers of queries and of their targets."""
    targets = queries.answers()
    return {
        "queries": len(queries),
        "targets": len(targets.items),
        "cold targets": int(np.count_nonzero(targets.cold)),
    }


def _histories(
    log: Interactions, parts: Parts, part: Part, groups: NDArray[np.int64] | None
) -> tuple[Interactions, _TargetEvents]:
    """Return the log that holds the histories, and the target events; with groups, a history ends before the target's group.

    This is the log itself if the known events of each user come first, else a log of the known events only.
    """
    known, is_target = parts.known(part), parts.is_target(part)
    event = np.flatnonzero(is_target)
    item, row = log.items[event], np.searchsorted(log.offsets, event, side="right") - 1
    end_of_row, in_order = _prefixes(log, known)
    if in_order:
        if groups is None:
            return log, _TargetEvents(event, item, row, end_of_row[row])
        if _prefixes(log, known | is_target)[1]:
            return log, _TargetEvents(event, item, row, np.searchsorted(groups, groups[event]))
    if groups is not None:
        raise SplitError(
            f'split.targets = "each" needs parts in time order, and some users have {part} events before events of an '
            'earlier part. Use split.targets = "all".'
        )
    history = log.where(known)
    return history, _TargetEvents(event, item, row, history.offsets[1:][row])


def _prefixes(log: Interactions, kept: NDArray[np.bool_]) -> tuple[NDArray[np.int64], bool]:
    """Return where the kept events of each row end if they come first, `[U]`, and whether they do so in every row."""
    before = np.concatenate([[0], np.cumsum(kept)])
    starts = log.offsets[:-1]
    counts = np.diff(before[log.offsets])
    return starts + counts, bool(np.all(before[starts + counts] - before[starts] == counts))


def _apply_rules(
    events: _TargetEvents, history: Interactions, log: Interactions, rules: TargetRules, notes: dict[str, int]
) -> _TargetEvents:
    """Return the events that satisfy the rules; count the others by the first rule that they violate."""
    if rules.target_events is not None:
        events = _keep_and_count(
            events, np.isin(log.events[events.event], rules.target_events), "another event type", notes
        )
    events = _keep_and_count(events, rules.eligible[events.item], "item not eligible", notes)
    if rules.seen_events == []:
        return events
    return _keep_and_count(
        events,
        _first_seen(history, events, rules.seen_events) >= events.end,
        SEEN_BEFORE,
        notes,
    )


def _keep_and_count(
    events: _TargetEvents, kept: NDArray[np.bool_], reason: str, notes: dict[str, int]
) -> _TargetEvents:
    """Return the events in `kept`; count the others in `notes`."""
    notes[f"{NO_TARGET}: {reason}"] = len(kept) - int(np.count_nonzero(kept))
    return events.where(kept)


def _first_seen(history: Interactions, events: _TargetEvents, types: list[int] | None) -> NDArray[np.int64]:
    """Return the first position of each target item in its row of the history log, `[M]`; the log's length if absent."""
    width = history.n_items + 1
    pairs, of_event = np.unique(events.row * width + events.item, return_inverse=True)
    first = np.full(len(pairs), len(history), np.int64)
    last = np.flatnonzero(np.append(events.first_of_row[1:], True)) if len(events.row) else np.zeros(0, np.int64)
    rows, starts = events.row[last], history.offsets[events.row[last]]
    lengths = events.end[last] - starts  # the last query of a row has the longest history
    event = np.arange(lengths.sum()) + np.repeat(starts - np.cumsum(lengths) + lengths, lengths)
    key = np.repeat(rows * width, lengths) + history.items[event]
    if types is not None:
        of_type = np.isin(history.events[event], types)
        event, key = event[of_type], key[of_type]
    at = np.searchsorted(pairs, key)
    at[at == len(pairs)] = 0
    met = pairs[at] == key
    first[at[met][::-1]] = event[met][::-1]  # reversed, so that the earliest event is written last and remains
    return first[of_event]


def _target_sets(
    query: NDArray[np.int64], item: NDArray[np.int32], n_queries: int, trained: NDArray[np.bool_]
) -> Targets:
    """Return the set of target items of each query."""
    width = len(trained)
    pairs = np.sort(query * width + item)
    pairs = pairs[np.diff(pairs, prepend=-1) > 0]
    items = (pairs % width).astype(np.int32)
    offsets = np.concatenate([[0], np.cumsum(np.bincount(pairs // width, minlength=n_queries))])
    return Targets(offsets, items, ~trained[items])


def _set_part_time(queries: Queries, start: int | None) -> Queries:
    """Set the time of queries for a whole part: its start, or just after the history (if any)."""
    last = queries.log.times[np.maximum(queries.end - 1, 0)] + 1 if len(queries.log) else queries.now
    now = np.where(queries.lengths > 0, last, queries.now) if start is None else np.full(len(queries), start)
    return Queries(queries.log, queries.row, queries.end, now, queries.users, queries.targets)
