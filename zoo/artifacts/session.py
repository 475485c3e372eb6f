"""Queries for histories of item ids that are at hand in Python, without a table: the short way of a single answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.artifacts.contents import ArtifactContents
from zoo.artifacts.id_texts import id_text, warn_of_unknown_histories
from zoo.data.interactions import Interactions
from zoo.data.queries import Queries


def session_queries(artifact: ArtifactContents, histories: Sequence[Sequence[Any]], now: int | None) -> Queries:
    """Return a query of a new user for each history, as `parse_queries` does for a table with the column `history`.

    Args:
        artifact: The artifact with items and clock.
        histories: Item ids, oldest first, for each query; unknown items are left out, with a warning.
        now: The time of the queries; just after the artifact's last event if None.

    Raises:
        DataError: An entry of a history is empty or no id.
    """
    numbers, settings = artifact.item_numbers, artifact.log
    timed = settings.clock == "timestamp"
    items: list[int] = []
    times: list[int] = []
    offsets, moments = [0], []
    for history in histories:
        found = [numbers.get(item if type(item) is str and item else id_text(item, "history"), 0) for item in history]
        end = now if now is not None else (settings.end + 1 if timed else len(found))
        first = end - len(found)
        kept = [(item, first + at) for at, item in enumerate(found) if item]
        items += [item for item, _ in kept]
        times += [time for _, time in kept]
        offsets.append(len(items))
        last = times[-1] if kept else -1
        moments.append(now if now is not None else max(last, settings.end if timed else -1) + 1)
    if len(items) < sum(map(len, histories)):
        warn_of_unknown_histories(histories, numbers, stacklevel=3)
    code = settings.event_names.index(settings.default_event)
    log = Interactions(
        np.array(offsets, np.int64),
        np.array(items, np.int32),
        np.array(times, np.int64),
        np.full(len(items), code, np.uint8),
        len(artifact.catalogue) - 1,
        artifact.histories.event_names,
        artifact.histories.event_weights,
        settings.clock,
        ties=settings.ties,
    )
    n = len(histories)
    rows: NDArray[np.int64] = np.arange(n)
    return Queries(log, rows, log.offsets[1:], np.array(moments, np.int64), np.zeros(n, np.int64))
