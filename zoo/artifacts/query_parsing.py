"""Convert a table of queries, one row each, to queries that a pipeline can answer.

A row has a user (`user_id`), a history (`history`, with `times` and `events` of the same length) and a time (`now`). A
query needs a user or a history; the rest is optional. A row without a history uses the artifact's history of the user,
if there is one. Events with unknown items and events after `now` are dropped from histories and counted. Queries
of which the model cannot use anything that remains are counted too; the fallback of the artifact answers them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from numbers import Real
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from zoo.artifacts.calls import check_call, query_table
from zoo.artifacts.contents import ArtifactContents
from zoo.artifacts.query_table import UNSET, QueryTable
from zoo.artifacts.query_warnings import QueryWarnings
from zoo.data.queries import Queries
from zoo.errors import DataError
from zoo.pipeline import Rules
from zoo.stages.candidates import Candidates


def moment_of(now: int | str, artifact: ArtifactContents) -> int:
    """Return a time in the unit of an artifact's clock.

    Raises:
        DataError: The value is not a valid time.
    """
    rows = QueryTable(pa.table({"now": [now]}), artifact, lambda row: "now", "now")
    return int(rows.moments(None)[0])


def parse_queries(
    table: pa.Table,
    artifact: ArtifactContents,
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
    _count(artifact, len(users), int(np.count_nonzero(stored)), notes)
    for at in (np.flatnonzero(stored), np.flatnonzero(~stored)):
        if not len(at):
            continue
        if stored[at[0]]:
            log, row = artifact.histories, users[at] - 1
        else:
            log, row = rows.at(at).log(moments[at], notes), np.arange(len(at))
        queries = drop_later(Queries(log, row, log.offsets[row + 1], moments[at], users[at]), artifact, notes)
        notes.unread[at] = _find_unread(queries, artifact, notes)
        yield at, queries


def lists_of(
    artifact: ArtifactContents,
    parts: Iterable[tuple[NDArray[np.int64], Queries]],
    n: int,
    k: int,
    rules: Rules | None = None,
) -> Candidates:
    """Return the recommendations for parts of n queries, each with its places among them, `[n, K]`."""
    items, scores = torch.zeros(n, k, dtype=torch.int64), torch.full((n, k), -torch.inf)
    tied, filled = torch.zeros(n, dtype=torch.bool), torch.zeros(n, k, dtype=torch.bool)
    for rows, part in parts:
        found = artifact.pipeline.recommend(part, k, rules or artifact.rules, candidates=artifact.candidates)
        at = torch.from_numpy(rows)
        items[at], scores[at], tied[at], filled[at] = found.items, found.scores, found.tied, found.filled_slots()
    return Candidates(items, scores, tied, filled)


def one_query(
    artifact: ArtifactContents, user: str | int | None, history: Sequence[Any] | None, now: int | str | None, k: int
) -> Queries:
    """Return the query of a call for one user, or for one history, with a warning about what cannot be used of it.

    Raises:
        DataError: Neither a user nor a history is given, or a value does not have the expected form.
    """
    if user is None and history is None:
        raise DataError("neither a user nor a history is given. Give the id of a user, or a list of item ids.")
    if user is not None and not isinstance(user, str | Real):
        raise DataError(f"user is {user!r}, expected the id of one user.")
    check_call(user, history, k, one=True)
    notes = QueryWarnings()
    ((_, query),) = parse_queries(
        query_table(user, history, now, one=True), artifact, lambda row: "the query", "the query", now=None, notes=notes
    )
    for line in notes.messages():
        warnings.warn(line, stacklevel=3)
    return query


def queries_of_users(
    artifact: ArtifactContents, users: NDArray[np.int64], moments: NDArray[np.int64], notes: QueryWarnings
) -> Queries:
    """Return the queries of users of an artifact with their histories there.

    Args:
        artifact: The artifact.
        users: User numbers from 1, `[B]`.
        moments: The time of each query, `[B]`, or `UNSET`: just after the artifact's last event.
        notes: The counts to update.
    """
    _count(artifact, len(users), len(users), notes)
    log, row = artifact.histories, users - 1
    queries = drop_later(Queries(log, row, log.offsets[row + 1], moments, users), artifact, notes)
    notes.unread = _find_unread(queries, artifact, notes)
    return queries


def _count(artifact: ArtifactContents, n: int, stored: int, notes: QueryWarnings) -> None:
    """Count queries, of which some use the artifact's histories."""
    notes.queries += n
    notes.unheld += 0 if len(artifact.histories) else stored
    notes.unread = np.zeros(n, np.bool_)
    notes.reads_users = artifact.pipeline.users is not None
    notes.counted, notes.fallback = artifact.pipeline.retrieval.popularity is not None, artifact.rules.fallback


def drop_later(queries: Queries, artifact: ArtifactContents, notes: QueryWarnings) -> Queries:
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


def _find_unread(queries: Queries, artifact: ArtifactContents, notes: QueryWarnings) -> NDArray[np.bool_]:
    """Return which queries have nothing that the predictor can use, `[B]`: neither a user nor an event of training."""
    unread = artifact.pipeline.retrieval.unanswered(queries)
    if artifact.pipeline.model.predictor.capabilities.cold_users:
        notes.without_history += int(np.count_nonzero(unread))
    else:
        notes.unserved += int(np.count_nonzero(unread))
    return unread
