"""Requests of a server: the events of one user as arrays, parsed one by one and answered together.

A request takes its events from the artifact's history of a user, from events that came after the fit, or from a history that replaces
both. Requests are parsed apart, so that an error concerns one of them and names its field, and scored in one call of the model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from zoo.artifacts.artifact import Artifact
from zoo.artifacts.call_rules import items_where
from zoo.artifacts.explained import Explanation
from zoo.artifacts.explanation import explain_items
from zoo.artifacts.query_parsing import moment_of
from zoo.artifacts.recommended import Recommendations
from zoo.data.interactions import Interactions
from zoo.data.queries import Queries
from zoo.data.units import order_ties
from zoo.errors import DataError, FieldError, suggestion
from zoo.pipeline import Rules


class RequestEvent(NamedTuple):
    """An event of a request.

    Attributes:
        item_id: The item.
        time: ISO 8601, or UTC milliseconds; a position for an artifact without timestamps. None for no time.
        event: The type of the event; None for the artifact's default.
    """

    item_id: str
    time: int | str | None = None
    event: str | None = None


@dataclass(frozen=True, eq=False)
class Request:
    """A parsed request, which one artifact can answer.

    Attributes:
        user: The user number, 0 for a user that the artifact does not know.
        now: The time of the request, in the unit of the artifact's clock.
        items: Item numbers, oldest first, `[L]` int32.
        times: `[L]` int64.
        events: Codes of the event types, `[L]` uint8.
        unknown_items: The items of its events that the artifact does not know, whose events are left out.
        later: The number of events that are left out because they are later than the request.
    """

    user: int
    now: int
    items: NDArray[np.int32]
    times: NDArray[np.int64]
    events: NDArray[np.uint8]
    unknown_items: tuple[str, ...] = ()
    later: int = 0


class _Events(NamedTuple):
    """Events as arrays, `[L]` each, and the items that the artifact does not know."""

    items: NDArray[np.int32]
    times: NDArray[np.int64]
    events: NDArray[np.uint8]
    unknown: tuple[str, ...] = ()


def parse_request(
    artifact: Artifact,
    user: str | None = None,
    *,
    history: Sequence[RequestEvent] | None = None,
    live: Sequence[RequestEvent] = (),
    now: int | str | None = None,
) -> Request:
    """Return a request with the events that the artifact knows.

    Args:
        artifact: The artifact that is to answer.
        user: The id of a user.
        history: The events that replace the user's own, oldest first: all of them have a time, or none.
        live: Events that came after the fit, oldest first. They follow the artifact's history of the user, and an event that it has
            already counts once. Events of types that it does not have are left out. With a `history` they have no effect.
        now: The time of the request; just after the last event by default.

    Raises:
        FieldError: A value does not have the expected form; `path` names the field.
    """
    number = artifact.user_numbers.get(user, 0) if user is not None else 0
    moment = None if now is None else _moment(artifact, now)
    if history is not None:
        found = _own_events(artifact, history, moment)
    else:
        found = _stored_events(artifact, number)
        if live:
            found = _followed(artifact, found, live)
    last = int(found.times[-1]) if len(found.times) else -1
    if moment is None:
        moment = max(last, artifact.log.end if artifact.log.clock == "timestamp" else -1) + 1
    end = int(np.searchsorted(found.times, moment, "right")) if last > moment else len(found.times)
    later = len(found.times) - end
    return Request(number, moment, found.items[:end], found.times[:end], found.events[:end], found.unknown, later)


def answer_requests(
    artifact: Artifact,
    requests: Sequence[Request],
    k: int,
    *,
    exclude: Sequence[str] | None = None,
    where: Mapping[str, Any] | None = None,
) -> Recommendations:
    """Return the lists of several requests, scored in one call of the model.

    Args:
        artifact: The artifact that parsed the requests.
        requests: The requests.
        k: Length of a list.
        exclude: Items that no list may contain; ids that the artifact does not know have no effect.
        where: Maps an item column to the value, or to the list of values, that an item must have.

    Raises:
        FieldError: `where` names an unknown column, or a value that no item has; `path` names the column.
        ScoreError: The answer of a stage cannot be used.
    """
    rules = request_rules(artifact, exclude, where)
    lists = artifact.pipeline.recommend(_queries(artifact, requests), k, rules, candidates=artifact.candidates)
    return Recommendations(lists, artifact.names, ("query", pa.array(range(len(requests)))), one=False)


def explain_request(artifact: Artifact, request: Request, items: Sequence[str], most: int) -> Explanation:
    """Explain the scores of some items for a request by its events.

    Args:
        artifact: The artifact that parsed the request.
        request: The request.
        items: Item ids of the artifact, such as those of the answer.
        most: The most reasons of an item.

    Raises:
        ScoreError: The answer of the predictor cannot be used.
    """
    numbers = torch.tensor([artifact.item_numbers[item] for item in items], dtype=torch.int64)
    return explain_items(artifact, _queries(artifact, [request]), numbers, most)


def request_rules(artifact: Artifact, exclude: Sequence[str] | None, where: Mapping[str, Any] | None) -> Rules:
    """Return the rules of a request: those of the artifact, and `exclude` and `where`.

    Raises:
        FieldError: A column does not exist, or no item has a value.
    """
    if not exclude and not where:
        return artifact.rules
    eligible = artifact.rules.eligible.copy()
    for column, value in (where or {}).items():
        try:
            eligible &= items_where(artifact, column, value)
        except DataError as error:
            raise FieldError(str(error), ("where", column)) from None
    eligible[[artifact.item_numbers.get(item, 0) for item in exclude or ()]] = False
    return replace(artifact.rules, eligible=eligible)


def _queries(artifact: Artifact, requests: Sequence[Request]) -> Queries:
    """Return requests as queries over a log of their own."""
    offsets = np.concatenate([[0], np.cumsum([len(request.items) for request in requests])]).astype(np.int64)
    log = Interactions(
        offsets,
        np.concatenate([request.items for request in requests]),
        np.concatenate([request.times for request in requests]),
        np.concatenate([request.events for request in requests]),
        len(artifact.catalogue) - 1,
        artifact.histories.event_names,
        artifact.histories.event_weights,
        artifact.log.clock,
        ties=artifact.log.ties,
    )
    now = np.array([request.now for request in requests], np.int64)
    users = np.array([request.user for request in requests], np.int64)
    return Queries(log, np.arange(len(requests)), offsets[1:], now, users)


def _moment(artifact: Artifact, now: int | str) -> int:
    """Return the time of a request in the unit of the artifact's clock."""
    try:
        return moment_of(now, artifact)
    except (DataError, pa.ArrowException, OverflowError) as error:
        raise FieldError(f"{now!r} is no time ({error}).", ("at",)) from None


def _stored_events(artifact: Artifact, user: int) -> _Events:
    """Return the artifact's history of a user; empty for user 0."""
    log = artifact.histories
    span = slice(int(log.offsets[user - 1]), int(log.offsets[user])) if user else slice(0, 0)
    return _Events(log.items[span], log.times[span], log.events[span])


def _own_events(artifact: Artifact, history: Sequence[RequestEvent], moment: int | None) -> _Events:
    """Return the events of a history; without times, they happened one after the other just before the request."""
    timed = [event.time is not None for event in history]
    if any(timed):
        if not all(timed):
            raise FieldError(
                "the event has no time, and others have one. Give every event of the history a time, or none.",
                ("history", timed.index(False), "time"),
            )
        times = _times(artifact, history)
    else:
        end = moment
        if end is None:
            end = artifact.log.end + 1 if artifact.log.clock == "timestamp" else len(history)
        times = np.arange(end - len(history), end, dtype=np.int64)
    return _ordered(artifact, history, times, "history")


def _followed(artifact: Artifact, stored: _Events, live: Sequence[RequestEvent]) -> _Events:
    """Return an artifact's history with the live events that it does not have yet."""
    live = [event for event in live if event.event is None or event.event in artifact.log.event_names]
    last = int(stored.times[-1]) if len(stored.times) else -1
    if artifact.log.clock == "timestamp":
        times = _times(artifact, live)
    else:  # positions count the events of a user
        times = np.arange(last + 1, last + 1 + len(live), dtype=np.int64)
    new = _ordered(artifact, live, times, "live")
    if len(new.times) and new.times[0] <= last:
        near = stored.times >= new.times[0]
        known = set(
            zip(stored.items[near].tolist(), stored.times[near].tolist(), stored.events[near].tolist(), strict=True)
        )
        rows = zip(new.items.tolist(), new.times.tolist(), new.events.tolist(), strict=True)
        kept = np.array([row not in known for row in rows], np.bool_)
        new = _Events(new.items[kept], new.times[kept], new.events[kept], new.unknown)
    return _sorted(
        artifact,
        np.concatenate([stored.items, new.items]),
        np.concatenate([stored.times, new.times]),
        np.concatenate([stored.events, new.events]),
        new.unknown,
    )


def _ordered(artifact: Artifact, given: Sequence[RequestEvent], times: NDArray[np.int64], field: str) -> _Events:
    """Return events with known items, in the order of their times."""
    numbers, codes = artifact.item_numbers, {name: code for code, name in enumerate(artifact.log.event_names)}
    default = codes[artifact.log.default_event]
    items = np.array([numbers.get(event.item_id, 0) for event in given], np.int32)
    types = np.full(len(given), default, np.uint8)
    for at, event in enumerate(given):
        if event.event is not None:
            code = codes.get(event.event)
            if code is None:
                raise FieldError(
                    f"{event.event!r} is not an event type of the artifact.{suggestion(event.event, codes)} Its types: "
                    f"{', '.join(codes)}.",
                    (field, at, "event"),
                )
            types[at] = code
    known = items > 0
    unknown = tuple(dict.fromkeys(event.item_id for event, has in zip(given, known.tolist(), strict=True) if not has))
    return _sorted(artifact, items[known], times[known], types[known], unknown)


def _sorted(
    artifact: Artifact,
    items: NDArray[np.int32],
    times: NDArray[np.int64],
    events: NDArray[np.uint8],
    unknown: tuple[str, ...],
) -> _Events:
    """Return events in the order of the artifact's own histories: by time, and at one moment by item if their order means nothing."""
    if len(times) < 2 or (np.diff(times) > 0).all():
        return _Events(items, times, events, unknown)
    order = np.argsort(times, kind="stable")
    log = order_ties(
        Interactions(
            np.array([0, len(items)], np.int64),
            items[order],
            times[order],
            events[order],
            len(artifact.catalogue) - 1,
            artifact.histories.event_names,
            artifact.histories.event_weights,
            artifact.log.clock,
            ties=artifact.log.ties,
        )
    )
    return _Events(log.items, log.times, log.events, unknown)


def _times(artifact: Artifact, given: Sequence[RequestEvent]) -> NDArray[np.int64]:
    """Return the times of events in the unit of the artifact's clock, `[L]`."""
    values = [event.time for event in given]
    if artifact.log.clock == "timestamp" and all(
        type(value) is int and MILLISECONDS[0] <= value < MILLISECONDS[1] for value in values
    ):
        return np.array(values, np.int64)
    times = np.zeros(len(values), np.int64)
    for at, value in enumerate(values):
        try:
            times[at] = moment_of(value, artifact)  # type: ignore[arg-type]
        except (DataError, pa.ArrowException, OverflowError) as error:
            raise FieldError(f"{value!r} is no time ({error}).", ("history", at, "time")) from None
    return times


MILLISECONDS = (10**11, 10**14)
"""Numbers that are always read as milliseconds; see `zoo.data.clock`."""
