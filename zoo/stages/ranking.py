"""What a ranker learns from: lists of candidates with labels, in compressed rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.errors import ScoreError, TrainingError
from zoo.stages.candidates import CandidateLists
from zoo.stages.item_features import ItemFeatures

FEWEST = 20
"""Held-out lists without which nothing can be told of a ranker."""
ROWS = ("items", "scores", "features", "labels")
"""What there is of each candidate."""


@dataclass(frozen=True, eq=False)
class RankingData:
    """Lists with labels, of whatever lengths, one after the other.

    Attributes:
        offsets: Where each list begins and ends, `[Q + 1]` int64.
        items: Item numbers, `[N]` int64, best first by what came before; those of a judged document are its own.
        scores: The predictor's, or those of the ranker before, `[N]` float32.
        features: Ranking features, `[N, F]` float32; NaN is missing.
        labels: How relevant each candidate is, `[N]` float32: 0 or 1 for what a user left or took, or a judge's grade.
        columns: The names of the F features.
        vectors: The item features of the pipeline, or None.
        labelled: Which lists have labels, `[Q]` bool; the others are for who learns without.
        validation: Further lists, to choose by; None where the ranker has to hold some out itself.
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

    @classmethod
    def of(cls, lists: CandidateLists) -> RankingData:
        """Return padded lists that have labels, without their padding."""
        assert lists.labels is not None
        mask = lists.mask
        offsets = np.concatenate([[0], np.cumsum(mask.sum(1).numpy())])
        rows = (lists.items[mask], lists.scores[mask], lists.features[mask], lists.labels[mask])
        return cls(offsets, *rows, lists.columns, lists.vectors, np.ones(len(mask), np.bool_))

    @staticmethod
    def joined(parts: Sequence[RankingData]) -> RankingData:
        """Return the lists of several as one; columns and vectors are those of the first."""
        lengths = np.concatenate([part.lengths for part in parts])
        rows: dict[str, Any] = {name: torch.cat([getattr(p, name) for p in parts]) for name in ROWS}
        labelled = np.concatenate([part.labelled for part in parts])
        return replace(parts[0], offsets=np.concatenate([[0], np.cumsum(lengths)]), labelled=labelled, **rows)

    def __len__(self) -> int:
        """Return the number of lists."""
        return len(self.offsets) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Return the number of candidates of each list, `[Q]`."""
        return np.diff(self.offsets)

    @property
    def list_of(self) -> NDArray[np.int64]:
        """Return which list each candidate is in, `[N]`."""
        return np.repeat(np.arange(len(self)), self.lengths)

    @property
    def decided(self) -> NDArray[np.bool_]:
        """Return which lists teach an order, `[Q]`: they are labelled, and not all of their labels are equal."""
        at = torch.from_numpy(self.list_of)
        lowest = torch.full((len(self),), torch.inf).scatter_reduce(0, at, self.labels, "amin")
        highest = torch.full((len(self),), -torch.inf).scatter_reduce(0, at, self.labels, "amax")
        decided: NDArray[np.bool_] = self.labelled & (lowest < highest).numpy()
        return decided

    def where(self, kept: NDArray[np.bool_]) -> RankingData:
        """Return the lists kept, `[Q]` bool."""
        candidates = torch.from_numpy(np.repeat(kept, self.lengths))
        rows = {name: getattr(self, name)[candidates] for name in ROWS}
        offsets = np.concatenate([[0], np.cumsum(self.lengths[kept])])
        return replace(self, offsets=offsets, labelled=self.labelled[kept], **rows)

    def lists(self, rows: NDArray[np.int64] | None = None) -> CandidateLists:
        """Return some of the lists (all by default), `[B, K]`, padded to the longest of them, with their labels."""
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
        )

    def refuse_undecided(self, name: str) -> None:
        """Refuse lists of which none teaches an order.

        Args:
            name: Who is to learn from them.

        Raises:
            TrainingError: There is none.
        """
        if not self.decided.any():
            raise TrainingError(
                f"{name}: none of {len(self):,} lists teaches an order: in each of them all labels are equal. It needs lists "
                "of which some candidates were wanted more than others. In a model with a predictor these are the targets among "
                "the candidates: raise evaluate.candidates, loosen the filters, or make the `rank` part longer."
            )

    def held_out(self, share: float, rng: np.random.Generator) -> tuple[RankingData, RankingData | None]:
        """Return the lists without a share of those that teach an order, and that share: to learn from, and to choose by.

        Where there are `validation` lists, those are the second, and all are learned from. There is none to choose by where
        too few lists teach an order.
        """
        if self.validation is not None:
            return self, self.validation if self.validation.decided.any() else None
        decided = np.flatnonzero(self.decided)
        chosen = np.zeros(len(self), np.bool_)
        chosen[rng.permutation(decided)[: int(share * len(decided))]] = True
        if np.count_nonzero(chosen) < FEWEST:
            return self, None
        return self.where(~chosen), self.where(chosen)


def places(offsets: NDArray[np.int64], rows: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
    """Return where the candidates of some lists lie, `[B, K]` int64, and which of these slots are real, `[B, K]` bool."""
    lengths = torch.from_numpy(offsets[rows + 1] - offsets[rows])[:, None]
    place = torch.arange(max(int(lengths.max()) if len(rows) else 0, 1))
    mask = place < lengths
    return (torch.from_numpy(offsets[rows])[:, None] + place).where(mask, 0), mask


def refuse_other_columns(lists: CandidateLists, learned: Sequence[str], name: str) -> None:
    """Refuse lists whose features are not those that a ranker learned from.

    Args:
        lists: What is asked.
        learned: The names of the features of the fit.
        name: Who was fitted.

    Raises:
        ScoreError: They are others.
    """
    if list(lists.columns) != list(learned):
        raise ScoreError(
            f"{name} was fitted on the ranking features {', '.join(learned)}, and is asked with "
            f"{', '.join(lists.columns) or 'none'}: give it the same, or fit it again."
        )
