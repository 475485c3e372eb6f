"""Rankers one after the other: how they are fitted, and how a list goes through them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from zoo.errors import ScoreError
from zoo.stages.candidates import CandidateLists
from zoo.stages.ranker import Ranker
from zoo.stages.ranking import RankingData
from zoo.stages.stage import RunContext


def fit_in_turn(
    rankers: Sequence[Ranker[Any]], learning: Sequence[bool], blocks: list[CandidateLists], context: RunContext
) -> None:
    """Fit the rankers that learn, each on lists as it will get them: put in order by the rankers before it.

    Args:
        rankers: In their order.
        learning: Which of them learn.
        blocks: Labelled lists, as the predictor has them.
        context: Of the run.
    """
    for at, ranker in enumerate(rankers):
        if learning[at]:
            ranker.fit(RankingData.joined([RankingData.of(block) for block in blocks]), context)
        if not any(learning[at + 1 :]):
            break
        with torch.no_grad():  # what comes of inference mode cannot be learned from
            blocks = [reranked(block, ranker) for block in blocks]


def reranked(lists: CandidateLists, ranker: Ranker[Any]) -> CandidateLists:
    """Return lists in the order of a ranker's scores; equal scores keep their order, empty slots come last.

    Raises:
        ScoreError: The scores are not `[B, K]`, or one of them is NaN.
    """
    scores = ranker.score(lists)
    if scores.shape != lists.items.shape:
        raise ScoreError(
            f"{type(ranker).__name__} returned scores of shape {tuple(scores.shape)}, "
            f"expected {tuple(lists.items.shape)} (queries, candidates)"
        )
    scores = scores.masked_fill(~lists.mask, -torch.inf)
    if scores.isnan().any():
        at = int(scores.isnan().any(1).nonzero()[0])
        raise ScoreError(
            f"{type(ranker).__name__} returned a NaN score (list {at} of its block): its order would be meaningless"
        )
    values, order = scores.sort(dim=1, descending=True, stable=True)
    return replace(
        lists,
        items=lists.items.gather(1, order),
        scores=values,
        features=lists.features.gather(1, order[..., None].expand_as(lists.features)),
        labels=None if lists.labels is None else lists.labels.gather(1, order),
    )
