"""A fitted pipeline with everything it needs to recommend: items, users, histories and rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import pyarrow as pa
import torch

from zoo.artifacts.contents import ArtifactContents
from zoo.artifacts.manifest import LogEntry
from zoo.artifacts.new_items import new_items
from zoo.artifacts.query_parsing import moment_of, parse_queries
from zoo.artifacts.query_table import refuse_columns
from zoo.artifacts.query_warnings import QueryWarnings
from zoo.data.catalogue import Catalogue
from zoo.data.interactions import Interactions
from zoo.data.task import Task
from zoo.errors import ArtifactError, DataError, ZooError
from zoo.pipeline import FittedPipeline, Rules
from zoo.stages.candidates import Candidates
from zoo.version import __version__

TITLE = "title"


class Recommended(NamedTuple):
    """A recommended item.

    Attributes:
        item_id: Its id.
        score: The score of the model; None for an item of the fallback.
        title: Its title, if the data have one.
        fallback: Whether the fallback gave it, because the model had no more items for the query.
    """

    item_id: str
    score: float | None
    title: str | None
    fallback: bool = False


@dataclass(frozen=True, eq=False, repr=False)
class Artifact(ArtifactContents):
    """A fitted model that recommends without the training data."""

    @classmethod
    def of(cls, pipeline: FittedPipeline, task: Task, *, candidates: int = 200, all_events: bool = False) -> Artifact:
        """Create the artifact of a pipeline that was fitted on a task.

        Args:
            pipeline: A fitted pipeline.
            task: The task with items, users, rules, and the histories as of the beginning of the test part.
            candidates: Number of candidates for the first ranker.
            all_events: Whether the histories include the test events.
        """
        log = task.log if all_events else task.log.where(task.parts.known("test"))
        titles = [TITLE] if TITLE in task.catalogue.columns else []
        return cls(
            pipeline,
            Rules.of(task),
            candidates,
            Catalogue(task.catalogue.ids, task.catalogue.table.select(titles)),
            task.user_ids,
            log,
            _log_entry(log),
            task.description(),
        )

    def __repr__(self) -> str:
        """Return a one-line summary: label, components, sizes and core version."""
        model = self.pipeline.model
        parts = (*model.featurizers, model.predictor, *model.filters, *model.rankers)
        names = " > ".join(part.name for part in parts)
        sizes = f"{len(self.user_ids):,} users, {len(self.catalogue) - 1:,} items"
        return f"Artifact({model.label}: {names}; {sizes}; shopzoo {__version__})"

    def with_items(self, items: str | Path | pa.Table) -> Artifact:
        """Return an artifact that also recommends new items, scored by their features, without refitting.

        The scores of the other items do not change, except for rounding in the last digit. New items may be recommended and
        may occur in histories.

        Args:
            items: A table or a file (.parquet, .csv, .jsonl, ...) with one row per item: `item_id`, and the columns that the
                model's featurizers and filters read, under their canonical names.

        Raises:
            DataError: The items cannot be read, lack a column, or include a known item.
            ArtifactError: The model cannot score items outside training, or a stage fails.
        """
        catalogue, origin = new_items(items, self.vocabulary)
        try:
            pipeline = self.pipeline.with_items(catalogue, origin)
        except ZooError:
            raise
        except Exception as error:  # a plugin's stage may raise anything
            raise ArtifactError(
                f"{self.pipeline.model.label} cannot take {origin} ({type(error).__name__}: {error}). "
                "The artifact is damaged, or a plugin has changed: fit the model again."
            ) from error
        eligible = np.concatenate([self.rules.eligible, np.ones(len(catalogue) - 1, np.bool_)])
        whole = Catalogue(
            pa.concat_arrays([self.catalogue.ids, catalogue.ids[1:]]),
            pa.table({TITLE: pa.concat_arrays([self.titles, _titles(catalogue)[1:]])}),
        )
        return replace(
            self,
            pipeline=pipeline,
            rules=replace(self.rules, eligible=eligible),
            catalogue=whole,
            histories=replace(self.histories, n_items=len(whole) - 1),
        )

    @cached_property
    def titles(self) -> pa.Array:
        """The item titles, `[I]`; null if an item has none."""
        return _titles(self.catalogue)

    def recommend(
        self,
        users: str | int | Sequence[str | int] | None = None,
        *,
        history: Sequence[Any] | None = None,
        k: int = 10,
        now: int | str | None = None,
    ) -> Any:
        """Recommend items to one user or to several users.

        Args:
            users: The id of a user, or a list of ids. Their histories come from the artifact.
            history: A user's history to use in place of the artifact's: a list of item ids, oldest first. For several
                users, a list of such lists. Unknown items are ignored.
            k: Length of a list.
            now: The time of the queries, for models and filters that use it: ISO 8601, or UTC milliseconds.

        Returns:
            A list of `Recommended`, best first; for several users, a list of such lists.

        Raises:
            DataError: A value does not have the expected form.

        Example:
            zoo.load_artifact("runs/als").recommend("42", k=5)
            zoo.load_artifact("runs/als").recommend(history=["A", "B"])
        """
        one = _is_one(users, history)
        _check_call(users, history, k, one=one)
        columns: dict[str, list[Any]] = {}
        if users is not None:
            columns["user_id"] = [str(user) for user in ([users] if one else cast(Sequence[Any], users))]
        if history is not None:
            columns["history"] = [h if h is None else list(map(str, h)) for h in ([history] if one else history)]
        if now is not None:
            columns["now"] = [now] * len(next(iter(columns.values()), []))
        types = {"user_id": pa.string(), "history": pa.list_(pa.string()), "now": None}
        table = pa.table({name: pa.array(values, types[name]) for name, values in columns.items()})
        rows = self.named(self.lists(table, k))
        return rows[0] if one else rows

    def named(self, lists: Candidates) -> list[list[Recommended]]:
        """Convert lists of item numbers to lists with item ids and titles."""
        return [
            [
                Recommended(self.catalogue.ids[item].as_py(), None if fill else score, self.titles[item].as_py(), fill)
                for item, score, fill in zip(*row, strict=True)
                if item
            ]
            for row in zip(lists.items.tolist(), lists.scores.tolist(), lists.filled_slots().tolist(), strict=True)
        ]

    def lists(
        self,
        queries: pa.Table,
        k: int,
        *,
        now: int | str | None = None,
        place: Callable[[int], str] = lambda row: f"query {row + 1}",
        origin: str = "queries",
        notes: QueryWarnings | None = None,
    ) -> Candidates:
        """Return the recommendations for each row of a table of queries, `[Q, K]`.

        Args:
            queries: One row per query with the optional columns `user_id`, `history`, `times`, `events` and `now`.
            k: Length of a list.
            now: The time of queries without one; just after the last event if None.
            place: Returns the name of a row, counted from 0, for error messages.
            origin: Name of the table in error messages.
            notes: Collects counts of unusual queries.

        Raises:
            DataError: A column or a value does not have the expected form; the message names row and column.
        """
        refuse_columns(queries.column_names, origin)
        n = len(queries)
        items, scores = torch.zeros(n, k, dtype=torch.int64), torch.full((n, k), -torch.inf)
        tied, filled = torch.zeros(n, dtype=torch.bool), torch.zeros(n, k, dtype=torch.bool)
        moment = None if now is None else moment_of(now, self)
        for rows, part in parse_queries(
            queries, self, place, origin, now=moment, notes=QueryWarnings() if notes is None else notes
        ):
            found = self.pipeline.recommend(part, k, self.rules, candidates=self.candidates)
            at = torch.from_numpy(rows)
            items[at], scores[at], tied[at], filled[at] = found.items, found.scores, found.tied, found.filled_slots()
        return Candidates(items, scores, tied, filled)


def _titles(catalogue: Catalogue) -> pa.Array:
    """Return the item titles of a catalogue, `[I]`; null if an item has none."""
    if TITLE not in catalogue.columns:
        return pa.nulls(len(catalogue), pa.string())
    return catalogue.column(TITLE).cast(pa.string()).combine_chunks()


def _is_one(users: Any, history: Sequence[Any] | None) -> bool:
    """Return whether a call is for a single user rather than for a list of users."""
    if users is not None:
        return isinstance(users, str | int)
    if history is None or isinstance(history, str):
        return True
    return not any(h is None or not isinstance(h, str | int) for h in history)


def _check_call(users: Any, history: Any, k: int, *, one: bool) -> None:
    """Refuse ambiguous arguments: a string is also a sequence, of its characters.

    Raises:
        DataError: The histories are not lists, their number differs from the number of users, or k is less than 1.
    """
    if k < 1:
        raise DataError(f"k is {k}, expected at least 1 item in a list.")
    if history is None:
        return
    for found in [history] if one else history:
        if isinstance(found, str | int):
            raise DataError(
                f"history has {found!r} where a list of item ids is expected: write [{found!r}], and for several users "
                "a list of such lists."
            )
    if not one and users is not None and len(history) != len(users):
        raise DataError(f"expected a history for each of the {len(users)} users, found {len(history)}.")


def _log_entry(log: Interactions) -> LogEntry:
    """Return the entry of an event log in the manifest."""
    counts = np.bincount(log.events, minlength=len(log.event_names))
    heaviest = max(range(len(counts)), key=lambda code: (log.event_weights[code], counts[code]))
    return LogEntry(
        clock=log.clock,
        ties=log.ties,
        event_names=list(log.event_names),
        event_weights=log.event_weights.tolist(),
        default_event=log.event_names[heaviest],
        end=int(log.times.max(initial=-1)),
    )
