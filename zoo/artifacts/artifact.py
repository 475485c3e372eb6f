"""A fitted pipeline with all that it needs to recommend: items, users, histories and rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import pyarrow as pa
import torch

from zoo.artifacts.asked import Notes, asked, moment_of
from zoo.artifacts.columns import refuse_columns
from zoo.artifacts.manifest import LogEntry
from zoo.artifacts.new_items import new_items
from zoo.data.catalogue import Catalogue
from zoo.data.interactions import Interactions
from zoo.data.task import Task
from zoo.data.vocabulary import Vocabulary
from zoo.errors import DataError
from zoo.pipeline import FittedPipeline, Rules
from zoo.stages.candidates import Candidates
from zoo.version import __version__

TITLE = "title"


class Recommended(NamedTuple):
    """An item of a list."""

    item_id: str
    score: float
    title: str | None


@dataclass(frozen=True, eq=False, repr=False)
class Artifact:
    """What recommends in a process that has never seen the training data.

    Attributes:
        pipeline: The fitted stages.
        rules: What may be recommended.
        candidates: How many items the first ranker gets.
        catalogue: The items' own ids, and their titles where they have some.
        user_ids: The users' own ids in the order of the histories' rows, `[U]`.
        histories: What each user did; without any event where that was left out.
        log: What is to be known of the events beside.
        data: The task that the pipeline was fitted on, as JSON.
    """

    pipeline: FittedPipeline
    rules: Rules
    candidates: int
    catalogue: Catalogue
    user_ids: pa.Array
    histories: Interactions
    log: LogEntry
    data: dict[str, Any]

    @classmethod
    def of(cls, pipeline: FittedPipeline, task: Task, *, candidates: int = 200, all_events: bool = False) -> Artifact:
        """Return the artifact of a pipeline that was fitted on a task.

        Args:
            pipeline: Fitted.
            task: Its items, users and rules; and the histories, as they are known when its test begins.
            candidates: How many items the first ranker gets.
            all_events: Whether the histories hold what the test asks for as well.
        """
        log = task.log if all_events else task.log.where(task.parts.known("test"))
        titles = [TITLE] if TITLE in task.catalogue.columns else []
        return cls(
            pipeline,
            Rules(task.eligible, task.exclude_seen),
            candidates,
            Catalogue(task.catalogue.ids, task.catalogue.table.select(titles)),
            task.user_ids,
            log,
            _log_entry(log),
            task.description(),
        )

    def __repr__(self) -> str:
        """Return what it is in a line: label, components, sizes, and the core that it runs on."""
        model = self.pipeline.model
        parts = (*model.featurizers, model.predictor, *model.filters, *model.rankers)
        said = " > ".join(part.name for part in parts)
        sizes = f"{len(self.user_ids):,} users, {len(self.catalogue) - 1:,} items"
        return f"Artifact({model.label}: {said}; {sizes}; shopzoo {__version__})"

    def with_items(self, items: str | Path | pa.Table) -> Artifact:
        """Return an artifact that recommends new items as well, scored by their features; nothing is fitted again.

        The scores of the other items stay what they are, but for how the last digit is rounded. New items may be recommended, and may be in histories.

        Args:
            items: A row an item: `item_id`, and the columns that the model's featurizers and filters read, under the zoo's
                names; a table, or a file (.parquet, .csv, .jsonl, ...).

        Raises:
            DataError: The items cannot be read, lack a column, or one of them is there already.
            ArtifactError: The model scores no item that it was not trained on.
        """
        catalogue, origin = new_items(items, self.vocabulary)
        eligible = np.concatenate([self.rules.eligible, np.ones(len(catalogue) - 1, np.bool_)])
        whole = Catalogue(
            pa.concat_arrays([self.catalogue.ids, catalogue.ids[1:]]),
            pa.table({TITLE: pa.concat_arrays([self.titles, _titles(catalogue)[1:]])}),
        )
        return replace(
            self,
            pipeline=self.pipeline.with_items(catalogue, origin),
            rules=replace(self.rules, eligible=eligible),
            catalogue=whole,
            histories=replace(self.histories, n_items=len(whole) - 1),
        )

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """Return the numbers of the items."""
        return Vocabulary(self.catalogue.ids)

    @cached_property
    def titles(self) -> pa.Array:
        """Return the items' titles, `[I]`; null where there is none."""
        return _titles(self.catalogue)

    def recommend(
        self,
        users: str | int | Sequence[str | int] | None = None,
        *,
        history: Sequence[Any] | None = None,
        k: int = 10,
        now: int | str | None = None,
    ) -> Any:
        """Return the best items for one user, or for each of several.

        Args:
            users: The id of a user, or a list of ids; their histories are the artifact's.
            history: What a user took, oldest first, in place of the artifact's history: a list of item ids; with a list
                of users, or for several new ones, a list of such lists. Items that are not known are left out.
            k: Items in a list.
            now: The moment of the queries, for models and filters that ask for it: ISO 8601, or UTC milliseconds.

        Returns:
            A list of `Recommended`, best first; for several users, a list of such lists.

        Raises:
            DataError: A value is not of the form that is expected.

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
        """Return lists with the items' own ids and titles."""
        return [
            [
                Recommended(self.catalogue.ids[item].as_py(), score, self.titles[item].as_py())
                for item, score in zip(items, scores, strict=True)
                if item
            ]
            for items, scores in zip(lists.items.tolist(), lists.scores.tolist(), strict=True)
        ]

    def lists(
        self,
        queries: pa.Table,
        k: int,
        *,
        now: int | str | None = None,
        place: Callable[[int], str] = lambda row: f"query {row + 1}",
        origin: str = "queries",
        notes: Notes | None = None,
    ) -> Candidates:
        """Return the list of each row of a table of queries, `[Q, K]`.

        Args:
            queries: A row a query: `user_id`, `history`, `times`, `events`, `now`, each of them optional.
            k: Items in a list.
            now: The moment of the queries that have none; just after the last event where it is None.
            place: Names a row, counted from 0, in an error.
            origin: Names the table in an error.
            notes: Counts what is to be said of the queries.

        Raises:
            DataError: A column or a value is not of the form that is expected; the message names row and column.
        """
        refuse_columns(queries.column_names, origin)
        lists = Candidates(
            torch.zeros(len(queries), k, dtype=torch.int64),
            torch.full((len(queries), k), -torch.inf),
            torch.zeros(len(queries), dtype=torch.bool),
        )
        moment = None if now is None else moment_of(now, self)
        for rows, part in asked(queries, self, place, origin, now=moment, notes=Notes() if notes is None else notes):
            found = self.pipeline.recommend(part, k, self.rules, candidates=self.candidates)
            at = torch.from_numpy(rows)
            lists.items[at], lists.scores[at], lists.tied[at] = found.items, found.scores, found.tied
        return lists


def _titles(catalogue: Catalogue) -> pa.Array:
    """Return the titles of a catalogue's items, `[I]`; null where there is none."""
    if TITLE not in catalogue.columns:
        return pa.nulls(len(catalogue), pa.string())
    return catalogue.column(TITLE).cast(pa.string()).combine_chunks()


def _is_one(users: Any, history: Sequence[Any] | None) -> bool:
    """Return whether a call asks for one user, rather than for a list of them."""
    if users is not None:
        return isinstance(users, str | int)
    if history is None or isinstance(history, str):
        return True
    return not any(h is None or not isinstance(h, str | int) for h in history)


def _check_call(users: Any, history: Any, k: int, *, one: bool) -> None:
    """Refuse what would be read as something else: a string is a sequence too, of its letters.

    Raises:
        DataError: The histories are not lists, or not one a user; or k is less than 1.
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
    """Return what is to be known of the events of a log."""
    counts = np.bincount(log.events, minlength=len(log.event_names))
    heaviest = max(range(len(counts)), key=lambda code: (log.event_weights[code], counts[code]))
    return LogEntry(
        clock=log.clock,
        event_names=list(log.event_names),
        event_weights=log.event_weights.tolist(),
        default_event=log.event_names[heaviest],
        end=int(log.times.max(initial=-1)),
    )
