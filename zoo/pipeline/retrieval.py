"""Candidate generation: the best items of a fitted predictor that rules and filters allow, block by block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.config.experiment import Fallback
from zoo.config.resolved import ResolvedModel
from zoo.data.queries import Queries
from zoo.data.task import Task
from zoo.pipeline.block_rows import block_rows
from zoo.pipeline.fallback import Popularity
from zoo.pipeline.retriever import Retriever
from zoo.spec import Capabilities
from zoo.stages.answers import answer_of, check_finite, check_lists, check_mask, check_scores, refuse_unrankable
from zoo.stages.candidates import Candidates, Exclusions
from zoo.stages.contributions import Contributions
from zoo.stages.filter import Filter
from zoo.stages.predictor import Predictor


@dataclass(frozen=True, eq=False)
class Rules:
    """What may be recommended, independent of the model.

    Attributes:
        eligible: Items that may be recommended at all, `[I]` bool.
        exclude_seen: Whether items of the history are excluded, or the event types that make an item seen.
        fallback: What fills the slots that a model leaves empty: popular items, or nothing.
    """

    eligible: NDArray[np.bool_]
    exclude_seen: bool | list[str] = True
    fallback: Fallback = "popular"

    @classmethod
    def of(cls, task: Task) -> Rules:
        """Return the rules of a task."""
        return cls(task.eligible, task.exclude_seen, task.evaluate.fallback)

    @cached_property
    def ineligible(self) -> Tensor:
        """Return the items that must not be recommended to anybody, `[X]` int64."""
        return torch.from_numpy(np.flatnonzero(~self.eligible))

    def exclusions(self, queries: Queries) -> Exclusions:
        """Return the items that no model may recommend to each query of a block."""
        return Exclusions(self.ineligible, *_seen(queries, self.exclude_seen))


class Retrieved(NamedTuple):
    """The candidates of a block of queries.

    Attributes:
        queries: The queries.
        candidates: The best items of the predictor.
        excluded: The items that must not be recommended to them.
    """

    queries: Queries
    candidates: Candidates
    excluded: Exclusions


Need = Literal["history", "user", "nothing"]
"""What a predictor needs to answer a query: a history of items that it knows, a user that it knows, or neither."""


@dataclass(frozen=True, eq=False)
class Retrieval:
    """A fitted predictor and fitted filters, with the items and users that they know.

    Attributes:
        predictor: Scores the items.
        filters: All of them must keep an item.
        scores_cold: Whether the predictor scores items without an event in training.
        filters_cold: The same for each filter.
        known: Items with an event in training, `[I]` bool.
        known_users: Users with an event in training, `[U + 1]` bool; number 0 is a new user.
        need: What the predictor needs to answer a query.
        popularity: The event counts of training, for the fallback; None for an artifact that was saved without them. Without
            them, the predictor's list for a query that it cannot answer is kept as it is.
        origins: The component and the plugin of the predictor and of each filter, for messages.
        retriever: Finds the best items by an index of vectors; by default the predictor scores all items.
    """

    predictor: Predictor[Any]
    filters: tuple[Filter[Any], ...]
    scores_cold: bool
    filters_cold: tuple[bool, ...]
    known: NDArray[np.bool_]
    known_users: NDArray[np.bool_]
    need: Need = "history"
    popularity: Popularity | None = None
    origins: tuple[str, ...] = ()
    retriever: Retriever | None = None

    @classmethod
    def of(
        cls,
        model: ResolvedModel,
        predictor: Predictor[Any],
        filters: Sequence[Filter[Any]],
        known: NDArray[np.bool_],
        known_users: NDArray[np.bool_],
        *,
        counts: NDArray[np.int64] | None = None,
    ) -> Retrieval:
        """Return the retrieval of a model's predictor and filters; `counts` are the events of each item in training, `[I]`."""
        filters_cold = tuple(map(model.scores_cold, model.filters))
        return cls(
            predictor,
            tuple(filters),
            model.scores_cold(model.predictor),
            filters_cold,
            known,
            known_users,
            _need(model.predictor.capabilities),
            None if counts is None else Popularity(counts),
            tuple(chosen.origin for chosen in (model.predictor, *model.filters)),
        )

    def top(self, queries: Queries, k: int, rules: Rules) -> Candidates:
        """Return the best K items of the predictor for each query, `[Q, K]`, without the fallback."""
        with torch.inference_mode():
            blocks = [block.candidates for block in self.blocks(queries, k, rules)]
        return Candidates.joined(blocks) if blocks else Candidates.none(k)

    def lists(self, queries: Queries, k: int, rules: Rules) -> Candidates:
        """Return the best K items of the predictor for each query, `[Q, K]`, and the fallback in the slots that it leaves empty."""
        with torch.inference_mode():
            blocks = [self.filled(b.candidates, b.excluded, rules) for b in self.blocks(queries, k, rules)]
        return Candidates.joined(blocks) if blocks else Candidates.none(k)

    def filled(self, found: Candidates, excluded: Exclusions, rules: Rules) -> Candidates:
        """Return the lists of a block with the fallback in their empty slots."""
        if rules.fallback == "none" or self.popularity is None:
            return found
        return self.popularity.fill(found, excluded)

    def blocks(self, queries: Queries, k: int, rules: Rules) -> Iterator[Retrieved]:
        """Yield each block of queries with the predictor's best K items, after rules and filters.

        The list of a query that the predictor cannot answer is empty, whatever its scores. The stages get a log of their own for each block. It ends where the histories end: later events are not hidden
        from them, they are absent.

        Raises:
            ScoreError: An answer of the predictor or a filter cannot be used, or the predictor's own lists break the rules.
        """
        always = self._always_excluded(rules)
        rows = block_rows(len(rules.eligible))
        for start in range(0, len(queries), rows):
            block = (queries[start : start + rows] if len(queries) > rows else queries).blind().compact()
            excluded = Exclusions(always, *_seen(block, rules.exclude_seen), self.filter_mask(block))
            restricted = self.restricted(block, cold=self.scores_cold)
            with answer_of(self._origin(0, self.predictor)):
                if self.retriever is None:
                    found = self.predictor.recommend(restricted, k, excluded)
                else:
                    found = self.retriever.recommend(self.predictor, restricted, k, excluded)
                if self.retriever is not None or type(self.predictor).recommend is not Predictor.recommend:
                    found = check_lists(found, len(block), k, excluded, len(rules.eligible))
            yield Retrieved(block, self._blanked(restricted, found.cpu()), excluded)

    def unanswered(self, queries: Queries) -> NDArray[np.bool_]:
        """Return which queries contain nothing that the predictor can read, `[Q]` bool: neither a history nor a known user."""
        return self._unanswered(self.restricted(queries, cold=self.scores_cold))

    def similar(self, items: Tensor, k: int, rules: Rules, query: Queries) -> Candidates:
        """Return the K items that the predictor compares best with each of some items, `[B, K]`, without the fallback.

        Args:
            items: Item numbers, `[B]` int64.
            k: Length of a list, which may be shorter.
            rules: What may be returned; an item is never in its own list.
            query: One query, which the filters get: they may depend on its moment.

        Raises:
            ScoreError: An answer of the predictor or a filter cannot be used.
        """
        width = len(self.known)
        excluded = Exclusions(self._always_excluded(rules), torch.arange(len(items)), items, self.filter_mask(query))
        with torch.inference_mode(), answer_of(self._origin(0, self.predictor)):
            answer = self.predictor.compare_items(items, width - 1)
            scores = check_scores(answer, len(items), width, "items, items and padding", "`compare_items`")
            refuse_unrankable(scores, "`compare_items`")
            found = Candidates.best(excluded.apply_(scores.clone().contiguous()), k).cpu()
        return replace(found, items=found.items.masked_fill(found.scores == -torch.inf, 0))

    def contributions(self, queries: Queries, items: Tensor) -> tuple[Queries, Contributions]:
        """Return what the events of the histories add to the predictor's scores of some items.

        Args:
            queries: Histories and moments.
            items: The items, `[B, K]` int64.

        Returns:
            The queries as the predictor sees them, without items that it cannot know, and the contributions of their events.

        Raises:
            ScoreError: The predictor's answer has another shape, or numbers that are not finite.
        """
        seen = self.restricted(queries, cold=self.scores_cold)
        with torch.inference_mode(), answer_of(self._origin(0, self.predictor)):
            found = self.predictor.contributions(seen, items)
            for name, answer, rows in (
                ("values", found.values, len(seen.histories.items)),
                ("rest", found.rest, len(seen)),
            ):
                check_finite(answer, (rows, items.shape[1]), f"`contributions`: {name}")
            return seen, replace(found, values=found.values.cpu(), rest=found.rest.cpu())

    def _always_excluded(self, rules: Rules) -> Tensor:
        """Return the items that are excluded for every query, `[X]` int64."""
        return rules.ineligible if self.scores_cold else torch.cat([rules.ineligible, self._unknown])

    @cached_property
    def _unknown(self) -> Tensor:
        """The items without an event in training, `[N]` int64."""
        return torch.from_numpy(np.flatnonzero(~self.known))

    def _unanswered(self, restricted: Queries) -> NDArray[np.bool_]:
        """Return the same for queries as the predictor sees them."""
        if self.need == "nothing":
            return np.zeros(len(restricted), np.bool_)
        missing: NDArray[np.bool_] = restricted.lengths == 0 if self.need == "history" else restricted.users == 0
        return missing

    def _blanked(self, restricted: Queries, found: Candidates) -> Candidates:
        """Return lists without the items that the predictor has no answer for."""
        if self.popularity is None:
            return found
        unanswered = self._unanswered(restricted)
        if not unanswered.any() and found.scores.min().item() > -torch.inf:
            return found
        mute = torch.from_numpy(unanswered)
        items, scores, tied = found.items, found.scores, found.tied
        if mute.any():
            items, scores = items.masked_fill(mute[:, None], 0), scores.masked_fill(mute[:, None], -torch.inf)
            tied = tied & ~mute
        return Candidates(items.masked_fill(scores == -torch.inf, 0), scores, tied)

    def restricted(self, queries: Queries, *, cold: bool) -> Queries:
        """Return the queries as a stage may see them: without the items it cannot know, unless it scores cold items."""
        return queries.restricted(np.ones_like(self.known) if cold else self.known, self.known_users)

    def filter_mask(self, queries: Queries) -> Tensor | None:
        """Return the items that all filters keep, `[B, I]` or `[1, I]` bool, or None without filters."""
        kept: Tensor | None = None
        for at, (item_filter, cold) in enumerate(zip(self.filters, self.filters_cold, strict=True), 1):
            with answer_of(self._origin(at, item_filter)):
                answer = item_filter.keep(self.restricted(queries, cold=cold))
                keep = check_mask(answer, len(queries), len(self.known))
            kept = keep if kept is None else kept & keep.to(kept.device)
        return kept

    def _origin(self, at: int, stage: Predictor[Any] | Filter[Any]) -> str:
        """Return the component and the plugin of the predictor (0) or of a filter (from 1), or else the class."""
        return self.origins[at] if self.origins else type(stage).__name__


def _need(capabilities: Capabilities) -> Need:
    """Return what a predictor with these capabilities needs to answer a query."""
    if not capabilities.needs_history:
        return "nothing"
    return "history" if capabilities.cold_users else "user"


def _seen(queries: Queries, exclude_seen: bool | list[str]) -> tuple[Tensor, Tensor]:
    """Return the (row, item) pairs of a block that its users have seen, each `[M]`."""
    if exclude_seen is False:
        none = torch.zeros(0, dtype=torch.int64)
        return none, none
    h = queries.histories
    rows, items = torch.from_numpy(h.rows), torch.from_numpy(h.items.astype(np.int64))
    if exclude_seen is not True:
        codes = [code for code, name in enumerate(queries.log.event_names) if name in exclude_seen]
        kept = torch.from_numpy(np.isin(h.events, codes))
        rows, items = rows[kept], items[kept]
    return rows, items
