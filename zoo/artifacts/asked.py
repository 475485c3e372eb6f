"""From a table of queries, a row each, to queries that a pipeline can answer.

A row says who asks (`user_id`), what they did (`history`, with `times` and `events` of the same length), and when
(`now`); all of it may be missing. The history of a row is its own, else the one that the artifact has of the user, else
empty. Items that the artifact does not know are left out of a history and counted; so is what happened after `now`.
Where nothing is left that the model reads, it answers with its fallback, and that is counted too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from zoo.artifacts.columns import UNSET, Rows
from zoo.data.queries import Queries

if TYPE_CHECKING:
    from zoo.artifacts.artifact import Artifact


@dataclass
class Notes:
    """What is to be said of queries, counted as they go by.

    Attributes:
        queries: How many there are.
        new_users: Those that name a user whom the artifact does not know.
        unheld: Those of known users whose histories the artifact was saved without.
        unserved: Those of users whom the model cannot serve: it has a vector for each user of training and reads no
            history.
        without_history: Those of a model that reads histories, in which it finds nothing.
        fallback: Which rows of the table that was read last get the model's fallback, `[B]`.
        left_out: Events of histories whose items the artifact does not know.
        later: Events of histories that come after the moment of their query.
        unknown: Some of the items that it does not know.
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

    def said(self) -> list[str]:
        """Return a line for each thing that somebody should know."""
        examples = ", ".join(map(repr, self.unknown)) + (", ..." if self.left_out > len(self.unknown) else "")
        lines = [
            ("queries of users whom the artifact does not know", self.new_users, ""),
            (
                "queries of users whose histories the artifact was saved without",
                self.unheld,
                " (give each a `history`)",
            ),
            (
                "queries of users outside training, whom the model does not serve: they get its fallback",
                self.unserved,
                "",
            ),
            ("queries without a history: they get the model's fallback", self.without_history, ""),
            ("events left out of histories, their items not known", self.left_out, f" ({examples})"),
            ("events left out of histories, later than the query", self.later, ""),
        ]
        return [f"{what}: {count:,}{more}" for what, count, more in lines if count]


def moment_of(now: int | str, artifact: Artifact) -> int:
    """Return a moment in the unit of an artifact's clock.

    Raises:
        DataError: It is none.
    """
    rows = Rows(pa.table({"now": [now]}), artifact, lambda row: "now", "now")
    return int(rows.moments(None)[0])


def asked(
    table: pa.Table, artifact: Artifact, place: Callable[[int], str], origin: str, *, now: int | None, notes: Notes
) -> Iterator[tuple[NDArray[np.int64], Queries]]:
    """Yield the rows of a table as queries: those answered from the artifact's histories, then those with their own.

    Args:
        table: A row a query, under the names of `COLUMNS`.
        artifact: Knows items, users and histories.
        place: Names a row, counted from 0, in an error.
        origin: Names the table in an error.
        now: The moment of the rows that have none; just after the artifact's last event where it is None.
        notes: Counts on.

    Raises:
        DataError: A value is not of the form that is expected; the message names row and column.
    """
    rows = Rows(table, artifact, place, origin)
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
        queries = _known_by_then(Queries(log, row, log.offsets[row + 1], moments[at], users[at]), artifact, notes)
        notes.fallback[at] = _unread(queries, artifact, notes)
        yield at, queries


def _known_by_then(queries: Queries, artifact: Artifact, notes: Notes) -> Queries:
    """Return queries at their moments, those without one just after everything; what happened later is left out."""
    last = np.where(queries.lengths > 0, queries.log.times[queries.end - 1], -1) if len(queries.log) else np.int64(-1)
    after = np.maximum(last, artifact.log.end if artifact.log.clock == "timestamp" else -1) + 1
    queries = replace(queries, now=np.where(queries.now == UNSET, after, queries.now))
    if (last > queries.now).any():
        h = queries.histories
        late = np.bincount(h.rows, h.times > queries.now[h.rows], minlength=len(queries)).astype(np.int64)
        notes.later += int(late.sum())
        queries = replace(queries, end=queries.end - late)
    return queries


def _unread(queries: Queries, artifact: Artifact, notes: Notes) -> NDArray[np.bool_]:
    """Return which queries hold nothing that the predictor reads, `[B]`: neither a user nor an event of training."""
    pipeline = artifact.pipeline
    if not pipeline.model.predictor.capabilities.cold_users:
        unread = ~pipeline.known_users[queries.users]
        notes.unserved += int(np.count_nonzero(unread))
    else:
        unread = pipeline.retrieval.restricted(queries, cold=pipeline.retrieval.scores_cold).lengths == 0
        notes.without_history += int(np.count_nonzero(unread))
    return np.asarray(unread, np.bool_)
