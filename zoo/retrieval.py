"""The way from queries to candidates: a predictor's best K within rules and filters, block by block."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.data.queries import Queries
from zoo.errors import ScoreError
from zoo.evaluation.validation import Validation
from zoo.stages.candidates import Candidates, Exclusions
from zoo.stages.filter import Filter
from zoo.stages.predictor import Predictor

BLOCK_BYTES = 2**23
"""How large a block's score matrix may be: fewer and larger blocks pay the price of a call less often."""


@dataclass(frozen=True, eq=False)
class Rules:
    """What may be recommended, whatever the model.

    Attributes:
        eligible: Items that may be recommended at all, `[I]` bool.
        exclude_seen: Whether items of the history are left out, or the event types that make an item seen.
    """

    eligible: NDArray[np.bool_]
    exclude_seen: bool | list[str] = True


@dataclass(frozen=True, eq=False)
class Retrieval:
    """What surrounds a predictor when it is asked. It names no component, so that it can be sent to another process.

    Attributes:
        known: The items that occur in training, `[I]` bool.
        known_users: The users that do, `[U + 1]` bool.
        scores_cold: Whether the predictor scores items that do not occur in training.
        filters: The filters, each with whether it may see such items.
    """

    known: NDArray[np.bool_]
    known_users: NDArray[np.bool_]
    scores_cold: bool
    filters: tuple[tuple[Filter[Any], bool], ...]

    def blocks(
        self, predictor: Predictor[Any], queries: Queries, k: int, rules: Rules
    ) -> Iterator[tuple[Queries, Candidates]]:
        """Yield each block of queries with the predictor's best K, after rules and filters.

        A stage gets a log of its own for each block, which ends where the histories end: what happened next is not
        hidden from it, it is not there.
        """
        allowed = rules.eligible if self.scores_cold else rules.eligible & self.known
        always = torch.from_numpy(np.flatnonzero(~allowed))
        rows = min(max(BLOCK_BYTES // (4 * len(rules.eligible)), 64), 1024)
        for start in range(0, len(queries), rows):
            block = slice(start, min(start + rows, len(queries)))
            asked = queries[block].blind().compact()
            excluded = Exclusions(always, *_seen(asked, rules.exclude_seen), self._kept(asked))
            found = predictor.recommend(self.as_known(asked, cold=self.scores_cold), k, excluded)
            if type(predictor).recommend is not Predictor.recommend:
                _check_own_lists(predictor, found, excluded)
            yield asked, found.cpu()

    def best(self, predictor: Predictor[Any], rules: Rules, queries: Queries, k: int) -> Candidates:
        """Return the best K of a predictor for each query."""
        with torch.inference_mode():
            blocks = [found for _, found in self.blocks(predictor, queries, k, rules)]
        return Candidates.joined(blocks) if blocks else Candidates.none(k)

    def as_known(self, queries: Queries, *, cold: bool) -> Queries:
        """Return the queries as a stage may see them: without the items it cannot know, unless it may see cold ones."""
        known = np.ones_like(self.known) if cold else self.known
        return queries.restricted(known, self.known_users)

    def _kept(self, queries: Queries) -> Tensor | None:
        """Return what all filters keep, `[B, I]` or `[1, I]`, or None where there are none."""
        kept: Tensor | None = None
        for item_filter, cold in self.filters:
            keep = item_filter.keep(self.as_known(queries, cold=cold))
            kept = keep if kept is None else kept & keep.to(kept.device)
        return kept


@dataclass(frozen=True, eq=False)
class RetrievalValidator:
    """Measures a predictor on the validation queries, asked as a user would ask it: `RunContext.validate`."""

    validation: Validation
    rules: Rules
    retrieval: Retrieval

    def __call__(self, predictor: Predictor[Any]) -> float:
        """Return the metric."""
        return self.validation(partial(self.retrieval.best, predictor, self.rules))


def _check_own_lists(predictor: Predictor[Any], found: Candidates, excluded: Exclusions) -> None:
    """Hold a predictor that makes its own lists to the rules that the core's own top K keeps.

    Raises:
        ScoreError: It returned something else than `Candidates`, or an item that must not be recommended.
    """
    if not isinstance(found, Candidates):
        raise ScoreError(
            f"{type(predictor).__name__}.recommend returned {type(found).__name__}, expected zoo.api.Candidates: "
            "items [B, K], scores [B, K] and tied [B], as `Candidates.best(scores, k)` makes them"
        )
    wrong = excluded.violated(found.items.cpu())
    if wrong.any():
        row, slot = wrong.nonzero()[0].tolist()
        raise ScoreError(
            f"{type(predictor).__name__}.recommend put item number {int(found.items[row, slot])} in a list, which "
            "is excluded there (seen, filtered, not eligible or unknown): apply `exclusions` before taking the top K"
        )


def _seen(queries: Queries, exclude_seen: bool | list[str]) -> tuple[Tensor, Tensor]:
    """Return the (row, item) pairs of a block that its users have seen, each `[M]`."""
    if exclude_seen is False:
        none = torch.zeros(0, dtype=torch.int64)
        return none, none
    h = queries.histories
    rows, items = torch.from_numpy(h.rows), torch.from_numpy(h.items).long()
    if exclude_seen is not True:
        codes = [code for code, name in enumerate(queries.log.event_names) if name in exclude_seen]
        kept = torch.from_numpy(np.isin(h.events, codes))
        rows, items = rows[kept], items[kept]
    return rows, items
