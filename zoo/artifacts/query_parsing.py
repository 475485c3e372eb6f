"""Convert a table of queries, one row each, to queries that a pipeline can answer.

A row has a user (`user_id`), a history (`history`, with `times` and `events` of the same length) and a time (`now`). A
query needs a user or a history; the rest is optional. A row without a history uses the artifact's history of the user,
if there is one. Events with unknown items and events after `now` are dropped from histories and counted. If the model
cannot use anything that remains, it answers with its fallback, which is counted too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from zoo.artifacts.query_table import UNSET, QueryTable
from zoo.data.queries import Queries

if TYPE_CHECKING:
    from zoo.artifacts.artifact import Artifact


@dataclass
class QueryWarnings:
    """Counts of unusual queries, to report to the user.

    Attributes:
        queries: Number of queries.
        new_users: Queries of users that the artifact does not know.
        unheld: Queries of known users without a history, because the artifact was saved without histories.
        unserved: Queries of users outside training, for a model that has a vector per user and reads no history.
        without_history: Queries without a usable history, for a model that reads histories.
        fallback: Which rows of the most recent table are answered by the model's fallback, `[B]`.
        left_out: History events whose items the artifact does not know.
        later: History events after the time of their query.
        unknown: Examples of unknown items.
    """

    queries: int = 0
    new_users: int = 0
    unheld: int = 0
    unserved: int = 0
    without_history: int = 0
    fallback: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    left_out: int = 0
    later: int = 0
    unknown: list[str] = field(default_factory=list)

    def messages(self) -> list[str]:
        """Return one line for each count above zero."""
        examples = ", ".join(map(repr, self.unknown)) + (", ..." if self.left_out > len(self.unknown) else "")
        lines = [
            ("queries of unknown users", self.new_users, ""),
            (
                "queries of users whose histories were not saved with the artifact",
                self.unheld,
                " (give each a `history`)",
            ),
            (
                "queries of users outside training, answered by the model's fallback",
                self.unserved,
                "",
            ),
            ("queries without a history, answered by the model's fallback", self.without_history, ""),
            ("events dropped from histories because their items are unknown", self.left_out, f" ({examples})"),
            ("events dropped from histories because they are later than the query", self.later, ""),
        ]
        return [f"{what}: {count:,}{more}" for what, count, more in lines if count]


def moment_of(now: int | str, artifact: Artifact) -> int:
    """Return a time in the unit of an artifact's clock.

    Raises:
        DataError: The value is not a valid time.
    """
    rows = QueryTable(pa.table({"now": [now]}), artifact, lambda row: "now", "now")
    return int(rows.moments(None)[0])


def parse_queries(
    table: pa.Table,
    artifact: Artifact,
    place: Callable[[int], str],
    origin: str,
    *,
    now: int | None,
    notes: QueryWarnings,
) -> Iterator[tuple[NDArray[np.int64], Queries]]:
    """Yield the rows of a table as queries: first those with the artifact's history, then those with their own.

    Args:
        table: One row per query, with columns from `COLUMNS`.
        artifact: The artifact with items, users and histories.
        place: Returns the name of a row, counted from 0, for error messages.
        origin: Name of the table in error messages.
        now: The time of rows without one; just after the artifact's last event if None.
        notes: The counts to update.

    Raises:
        DataError: A value does not have the expected form; the message names row and column.
    """
    rows = QueryTable(table, artifact, place, origin)
    users, moments = rows.users(notes), rows.moments(now)
    stored = (users > 0) & ~rows.has_history()
    notes.queries += len(users)
    notes.unheld += 0 if len(artifact.histories) else int(np.count_nonzero(stored))
    notes.fallback = np.zeros(len(users), np.bool_)
    for at in (np.flatnonzero(stored), np.flatnonzero(~stored)):
        if not len(at):
            continue
        if stored[at[0]]:
            log, row = artifact.histories, users[at] - 1
        else:
            log, row = rows.at(at).log(moments[at], notes), np.arange(len(at))
        queries = _drop_later(Queries(log, row, log.offsets[row + 1], moments[at], users[at]), artifact, notes)
        notes.fallback[at] = _uses_fallback(queries, artifact, notes)
        yield at, queries


def _drop_later(queries: Queries, artifact: Artifact, notes: QueryWarnings) -> Queries:
    """Return queries without events after their time; a query without a time is placed just after all events."""
    last = np.where(queries.lengths > 0, queries.log.times[queries.end - 1], -1) if len(queries.log) else np.int64(-1)
    after = np.maximum(last, artifact.log.end if artifact.log.clock == "timestamp" else -1) + 1
    queries = replace(queries, now=np.where(queries.now == UNSET, after, queries.now))
    if (last > queries.now).any():
        h = queries.histories
        late = np.bincount(h.rows, h.times > queries.now[h.rows], minlength=len(queries)).astype(np.int64)
        notes.later += int(late.sum())
        queries = replace(queries, end=queries.end - late)
    return queries


def _uses_fallback(queries: Queries, artifact: Artifact, notes: QueryWarnings) -> NDArray[np.bool_]:
    """Return which queries have nothing that the predictor can use, `[B]`: neither a user nor an event of training."""
    pipeline = artifact.pipeline
    if not pipeline.model.predictor.capabilities.cold_users:
        unread = ~pipeline.known_users[queries.users]
        notes.unserved += int(np.count_nonzero(unread))
    else:
        unread = pipeline.retrieval.restricted(queries, cold=pipeline.retrieval.scores_cold).lengths == 0
        notes.without_history += int(np.count_nonzero(unread))
    return np.asarray(unread, np.bool_)
