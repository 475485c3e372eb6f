"""Training data of rankers: candidate lists with labels, in compressed row layout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.data.queries import Queries
from zoo.errors import ScoreError, TrainingError
from zoo.stages.candidates import CandidateLists
from zoo.stages.item_columns import ItemColumns
from zoo.stages.item_features import ItemFeatures
from zoo.stages.user_columns import UserColumns

MIN_HELD_OUT = 20
"""Minimum number of held-out lists; with fewer, nothing is held out."""
ROWS = ("items", "scores", "features", "labels")
"""The fields that have one row per candidate."""


@dataclass(frozen=True, eq=False)
class RankingData:
    """Labelled lists of varying length, stored one after the other.

    Attributes:
        offsets: Start and end of each list, `[Q + 1]` int64.
        items: Item or document numbers, `[N]` int64, in the order of the previous stage, best first.
        scores: Scores of the predictor or the previous ranker, `[N]` float32.
        features: Ranking features, `[N, F]` float32; NaN means missing.
        labels: The relevance of each candidate, `[N]` float32: 1 for a target and 0 otherwise, or a judge's grade.
        columns: The names of the F features.
        vectors: The item features of the pipeline, or None.
        labelled: Which lists have labels, `[Q]` bool; the others serve training without labels.
        validation: Lists for early stopping, or None if the ranker has to hold out some itself.
        queries: The Q queries with their histories, for a ranker that declares `histories` or `user_columns`; otherwise None.
        item_columns: The catalogue columns that the ranker declares; None outside a pipeline.
        user_columns: The columns of the user table that the ranker declares; None outside a pipeline.
    """

    offsets: NDArray[np.int64]
    items: Tensor
    scores: Tensor
    features: Tensor
    labels: Tensor
    columns: tuple[str, ...]
    vectors: ItemFeatures | None
    labelled: NDArray[np.bool_]
    validation: RankingData | None = None
    queries: Queries | None = None
    item_columns: ItemColumns | None = None
    user_columns: UserColumns | None = None

    @classmethod
    def of(cls, lists: CandidateLists) -> RankingData:
        """Return padded lists with labels as ranking data without padding."""
        assert lists.labels is not None
        mask = lists.mask
        offsets = np.concatenate([[0], np.cumsum(mask.sum(1).numpy())])
        rows = (lists.items[mask], lists.scores[mask], lists.features[mask], lists.labels[mask])
        data = cls(offsets, *rows, lists.columns, lists.vectors, np.ones(len(mask), np.bool_))
        return replace(data, queries=lists.queries, item_columns=lists.item_columns, user_columns=lists.user_columns)

    @staticmethod
    def joined(parts: Sequence[RankingData]) -> RankingData:
        """Return the concatenated lists without their queries; columns and vectors are those of the first part."""
        lengths = np.concatenate([part.lengths for part in parts])
        rows: dict[str, Any] = {name: torch.cat([getattr(p, name) for p in parts]) for name in ROWS}
        labelled = np.concatenate([part.labelled for part in parts])
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        return replace(parts[0], offsets=offsets, labelled=labelled, queries=None, **rows)

    def __len__(self) -> int:
        """Return the number of lists."""
        return len(self.offsets) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Return the number of candidates of each list, `[Q]`."""
        return np.diff(self.offsets)

    @property
    def list_of(self) -> NDArray[np.int64]:
        """Return the index of each candidate's list, `[N]`."""
        return np.repeat(np.arange(len(self)), self.lengths)

    @property
    def decided(self) -> NDArray[np.bool_]:
        """Return which lists are informative, `[Q]`: labelled, with at least two different labels."""
        at = torch.from_numpy(self.list_of)
        lowest = torch.full((len(self),), torch.inf).scatter_reduce(0, at, self.labels, "amin")
        highest = torch.full((len(self),), -torch.inf).scatter_reduce(0, at, self.labels, "amax")
        decided: NDArray[np.bool_] = self.labelled & (lowest < highest).numpy()
        return decided

    def where(self, kept: NDArray[np.bool_]) -> RankingData:
        """Return the lists that a mask `[Q]` selects."""
        candidates = torch.from_numpy(np.repeat(kept, self.lengths))
        rows = {name: getattr(self, name)[candidates] for name in ROWS}
        offsets = np.concatenate([[0], np.cumsum(self.lengths[kept])])
        queries = None if self.queries is None else self.queries.where(kept)
        return replace(self, offsets=offsets, labelled=self.labelled[kept], queries=queries, **rows)

    def lists(self, rows: NDArray[np.int64] | None = None) -> CandidateLists:
        """Return the given lists (all by default) with their labels, `[B, K]`, padded to the longest of them."""
        rows = np.arange(len(self)) if rows is None else rows
        place, mask = places(self.offsets, rows)
        items, scores, features, labels = (getattr(self, name)[place] for name in ROWS)
        return CandidateLists(
            items * mask,
            scores.masked_fill(~mask, -torch.inf),
            features.masked_fill(~mask[..., None], 0.0),
            self.columns,
            self.vectors,
            labels * mask,
            None if self.queries is None else self.queries.at(rows).compact(),
            self.item_columns,
            self.user_columns,
        )

    def refuse_undecided(self, name: str) -> None:
        """Check that at least one list is informative.

        Args:
            name: The name of the ranker to train, for the message.

        Raises:
            TrainingError: No list is informative.
        """
        if not self.decided.any():
            raise TrainingError(
                f"{name}: none of {len(self):,} lists is informative: all labels within each list are equal. Training needs "
                "lists in which some candidates are more relevant than others. In a model with a predictor these are the targets "
                "among the candidates: raise evaluate.candidates, loosen the filters, or make the `rank` part longer."
            )

    def held_out(self, share: float, rng: np.random.Generator) -> tuple[RankingData, RankingData | None]:
        """Split the lists into training and held-out lists; only informative lists are held out.

        If there are `validation` lists, they are the held-out lists and all others are training lists. If there are too few
        informative lists, nothing is held out and the second value is None.
        """
        if self.validation is not None:
            return self, self.validation if self.validation.decided.any() else None
        decided = np.flatnonzero(self.decided)
        chosen = np.zeros(len(self), np.bool_)
        chosen[rng.permutation(decided)[: int(share * len(decided))]] = True
        if np.count_nonzero(chosen) < MIN_HELD_OUT:
            return self, None
        return self.where(~chosen), self.where(chosen)


def places(offsets: NDArray[np.int64], rows: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
    """Return the positions of the candidates of the given lists, `[B, K]` int64, and the mask of real slots, `[B, K]` bool."""
    lengths = torch.from_numpy(offsets[rows + 1] - offsets[rows])[:, None]
    place = torch.arange(max(int(lengths.max()) if len(rows) else 0, 1))
    mask = place < lengths
    return (torch.from_numpy(offsets[rows])[:, None] + place).where(mask, 0), mask


def refuse_other_columns(lists: CandidateLists, learned: Sequence[str], name: str) -> None:
    """Check that lists have the features that a ranker was fitted on.

    Args:
        lists: The lists to score.
        learned: The names of the features in the fit.
        name: The name of the ranker, for the message.

    Raises:
        ScoreError: The features differ.
    """
    if list(lists.columns) != list(learned):
        raise ScoreError(
            f"{name} was fitted on the ranking features {', '.join(learned)}, and the lists have "
            f"{', '.join(lists.columns) or 'none'}: pass the same features, or fit it again."
        )
