"""A fitted pipeline with everything it needs to recommend: items, users, histories and rules."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Real
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa

from zoo.artifacts.call_rules import call_rules
from zoo.artifacts.calls import check_call, is_one, query_table
from zoo.artifacts.explanations import ArtifactExplanations
from zoo.artifacts.id_texts import id_texts, warn_of_unknown_histories
from zoo.artifacts.item_columns import kept_columns
from zoo.artifacts.item_updates import Missing, updated_catalogue, updated_rules
from zoo.artifacts.manifest import LogEntry
from zoo.artifacts.new_items import pipeline_with_new_items
from zoo.artifacts.query_parsing import lists_of, moment_of, parse_queries
from zoo.artifacts.query_table import refuse_columns
from zoo.artifacts.query_warnings import QueryWarnings
from zoo.artifacts.recommended import Recommendations, Recommended
from zoo.artifacts.retriever import build_retriever
from zoo.artifacts.session import session_queries
from zoo.artifacts.similar import similar_items
from zoo.data.catalogue import joined
from zoo.data.task import Task
from zoo.pipeline import FittedPipeline, Rules
from zoo.pipeline.updating import with_item_columns
from zoo.pipeline.vector_index import IndexSettings
from zoo.stages.candidates import Candidates
from zoo.version import __version__

__all__ = ["Artifact", "Recommendations", "Recommended"]


@dataclass(frozen=True, eq=False, repr=False)
class Artifact(ArtifactExplanations):
    """A fitted model that recommends without the training data."""

    @classmethod
    def of(
        cls,
        pipeline: FittedPipeline,
        task: Task,
        *,
        candidates: int = 200,
        all_events: bool = False,
        about: Mapping[str, Any] | None = None,
    ) -> Artifact:
        """Create the artifact of a pipeline that was fitted on a task.

        Args:
            pipeline: A fitted pipeline.
            task: The task with items, users, rules, and the histories as of the beginning of the test part.
            candidates: Number of candidates for the first ranker.
            all_events: Whether the histories include the test events.
            about: Further facts for `data`, as JSON.
        """
        log = task.log if all_events else task.log.where(task.parts.known("test"))
        return cls(
            pipeline,
            Rules.of(task),
            candidates,
            kept_columns(task.catalogue, pipeline.columns.columns if pipeline.columns else ()),
            task.user_ids,
            log,
            LogEntry.of(log),
            {**task.description(), **(about or {})},
        )

    def __repr__(self) -> str:
        """Return a one-line summary: label, components, sizes and core version."""
        model = self.pipeline.model
        parts = (*model.featurizers, model.predictor, *model.filters, *model.rankers)
        names = " > ".join(part.name for part in parts)
        sizes = f"{len(self.user_ids):,} users, {len(self.catalogue) - 1:,} items"
        return f"Artifact({model.label}: {names}; {sizes}; shopzoo {__version__})"

    def with_items(self, items: Any) -> Artifact:
        """Return an artifact that also recommends new items, scored by their features, without refitting.

        The scores of the other items do not change, except for rounding in the last digit. New items may be recommended and
        may occur in histories.

        Args:
            items: A data frame as in `zoo.read_log`, or a file (.parquet, .csv, .jsonl, ...), with one row per item: `item_id`, and the columns that the
                model's featurizers and filters read, under their canonical names.

        Raises:
            DataError: The items cannot be read, lack a column, or include a known item.
            ArtifactError: The model cannot score items outside training, or a stage fails.
        """
        catalogue, pipeline = pipeline_with_new_items(self, items)
        if self.retriever is not None:
            warnings.warn(
                "the index does not have the new items, so that this artifact scores every item. Call with_retriever again.",
                stacklevel=2,
            )
        eligible = np.concatenate([self.rules.eligible, np.ones(len(catalogue) - 1, np.bool_)])
        whole = joined(self.catalogue, catalogue)
        return replace(
            self,
            pipeline=pipeline,
            rules=replace(self.rules, eligible=eligible),
            catalogue=whole,
            histories=replace(self.histories, n_items=len(whole) - 1),
            retriever=None,
        )

    def with_retriever(
        self, *, connectivity: int = 16, expansion_add: int = 96, expansion_search: int = 256
    ) -> Artifact:
        """Return an artifact that finds its lists by an index of the item vectors (usearch), without scoring every item.

        For large catalogues, and predictors whose scores are products of vectors. The found items are scored as before and held to rules
        and filters; where too few of them may be recommended, every item is scored. `retriever` says how much of the exact lists
        is found. The index is saved with the artifact.

        Args:
            connectivity: Neighbours of an item in the index.
            expansion_add: Candidates for these neighbours.
            expansion_search: Candidates of a search; more find more and take longer.

        Raises:
            ArtifactError: The scores are no products of vectors, or usearch is not installed.

        Example:
            shop = zoo.load_artifact("artifacts/als").with_retriever()
            print(shop.retriever.recall)
            shop.save("artifacts/als-index")
        """
        settings = IndexSettings(
            connectivity=connectivity, expansion_add=expansion_add, expansion_search=expansion_search
        )
        pipeline, retriever = build_retriever(self, settings)
        return replace(self, pipeline=pipeline, retriever=retriever)

    def recommend(
        self,
        users: str | int | Sequence[str | int] | None = None,
        *,
        history: Sequence[Any] | None = None,
        k: int = 10,
        exclude: Sequence[str | int] | None = None,
        where: Mapping[str, Any] | None = None,
        now: int | str | None = None,
    ) -> Recommendations:
        """Recommend items to one user or to several users.

        Args:
            users: The id of a user, or a list of ids. Their histories come from the artifact.
            history: A user's history to use in place of the artifact's: a list of item ids, oldest first. For several
                users, a list of such lists. A warning names unknown items, which are ignored.
            k: Length of a list.
            exclude: Items that no list of this call may contain; a warning names ids that the artifact does not know.
            where: Maps an item column to the value, or to a list of values, that an item must have: `{"in_stock": True}`.
            now: The time of the queries, for models and filters that use it: ISO 8601, or UTC milliseconds.

        Returns:
            A table with `to_pandas()`, `to_polars()` and `to_arrow()`, which is also a sequence: of `Recommended`, best first;
            for several users, of such a list for each.

        Raises:
            DataError: A value does not have the expected form, or a rule names an unknown column or value.

        Example:
            shop = zoo.load_artifact("runs/als")
            shop.recommend("42", k=5)
            shop.recommend(history=["A", "B"], exclude=["C"], where={"in_stock": True}).to_pandas()
        """
        one = is_one(users, history)
        check_call(users, history, k, one=one)
        rules = call_rules(self, exclude, where)
        if users is None and history is not None:
            moment = None if now is None else moment_of(now, self)
            queries = session_queries(self, [history] if one else history, moment)
            lists = self.pipeline.recommend(queries, k, rules, candidates=self.candidates)
            numbers = None if one else ("query", pa.array(range(len(queries))))
            return Recommendations(lists, self.names, numbers, one=one)
        table = query_table(users, history, now, one=one)
        if history is not None:
            given = [ids or () for ids in table.column("history").to_pylist()]
            warn_of_unknown_histories(given, self.item_numbers, stacklevel=2)
        lists = self.lists(table, k, rules=rules)
        subjects = ("user_id", table.column("user_id").combine_chunks()) if users is not None else None
        return Recommendations(lists, self.names, subjects, one=one)

    def similar(
        self,
        items: str | int | Sequence[str | int],
        k: int = 10,
        *,
        exclude: Sequence[str | int] | None = None,
        where: Mapping[str, Any] | None = None,
        now: int | str | None = None,
    ) -> Recommendations:
        """Return the items that the model considers most similar to an item, or to each of several items.

        What similar means depends on the predictor: neighbours for `item-knn`, weights for `ease`, cosines of item vectors for
        factorisations and networks, cosines of item features for `content-knn`, followers for `transition-graph`.

        Args:
            items: The id of an item, or a list of ids.
            k: Length of a list, which may be shorter: there is no fallback.
            exclude: Items that no list may contain, besides the item itself.
            where: Maps an item column to the value, or to a list of values, that an item must have.
            now: The time of the call, for filters that use it.

        Returns:
            A table as of `recommend`, with the column `similar_to` for several items.

        Raises:
            ArtifactError: The predictor does not compare items.
            DataError: An item is unknown, or a rule names an unknown column or value.
        """
        one = isinstance(items, str | Real)
        check_call(None, None, k, one=True)
        given = id_texts([items] if one else cast(Sequence[Any], items), "items")
        moment = None if now is None else moment_of(now, self)
        lists = similar_items(self, given, k, call_rules(self, exclude, where), moment)
        subjects = None if one else ("similar_to", pa.array(given, pa.string()))
        return Recommendations(lists, self.names, subjects, one=one)

    def update_items(self, items: Any, *, item_id: str = "item_id", missing: Missing = "error") -> Artifact:
        """Return an artifact with new values of item columns, such as stock and price, without a new fit.

        Filters, `evaluate.eligible` and the rules of calls use the new values; scores do not change. Columns that a stage has
        learned from, such as the title of a text model, are refused.

            shop = shop.update_items(prices)  # the artifact itself does not change

        Args:
            items: A data frame as in `zoo.read_log`, or a file: one row per item, with the changed columns only. Items without
                a row keep their values. A column that the artifact does not have yet is added.
            item_id: The column that holds the ids.
            missing: What to do with rows of items that the artifact does not know.

        Raises:
            ArtifactError: A stage has learned from a changed column, or a filter does not support changed values.
            DataError: The table cannot be read, or lists an item twice or an unknown item.
        """
        catalogue, changed = updated_catalogue(self, items, item_id, missing)
        return replace(
            self,
            pipeline=with_item_columns(self.pipeline, catalogue, changed),
            rules=updated_rules(self, catalogue, changed),
            catalogue=catalogue,
        )

    def with_rules(
        self, *, exclude: Sequence[str | int] | None = None, where: Mapping[str, Any] | None = None
    ) -> Artifact:
        """Return an artifact in which `exclude` and `where`, as in `recommend`, hold for every call."""
        return replace(self, rules=call_rules(self, exclude, where))

    def save(self, folder: str | Path, *, histories: bool = True) -> Path:
        """Save the artifact in a folder, which `zoo.load_artifact` reads; an existing artifact there is replaced.

        Args:
            folder: The folder to write.
            histories: Whether to save the users' histories; without them, each query must include one.

        Raises:
            ArtifactError: The folder cannot be written, or holds something else.
        """
        from zoo.artifacts.saving import save_artifact

        return save_artifact(self, folder, histories=histories)

    def to_items(self, lists: Candidates) -> list[list[Recommended]]:
        """Convert lists of item numbers to lists with item ids and titles."""
        return list(Recommendations(lists, self.names, None, one=False))

    def lists(
        self,
        queries: pa.Table,
        k: int,
        *,
        now: int | str | None = None,
        place: Callable[[int], str] = lambda row: f"query {row + 1}",
        origin: str = "queries",
        notes: QueryWarnings | None = None,
        rules: Rules | None = None,
    ) -> Candidates:
        """Return the recommendations for each row of a table of queries, `[Q, K]`.

        Args:
            queries: One row per query with the optional columns `user_id`, `history`, `times`, `events` and `now`.
            k: Length of a list.
            now: The time of queries without one; just after the last event if None.
            place: Returns the name of a row, counted from 0, for error messages.
            origin: Name of the table in error messages.
            notes: Collects counts of unusual queries.
            rules: What may be recommended; the rules of the artifact by default.

        Raises:
            DataError: A column or a value does not have the expected form; the message names row and column.
        """
        refuse_columns(queries.column_names, origin)
        moment = None if now is None else moment_of(now, self)
        notes = QueryWarnings() if notes is None else notes
        return lists_of(
            self, parse_queries(queries, self, place, origin, now=moment, notes=notes), len(queries), k, rules
        )
