"""Rankers one after the other: how they are fitted, and how a list goes through them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from zoo.errors import ScoreError
from zoo.stages.candidates import CandidateLists
from zoo.stages.context import RunContext
from zoo.stages.ranker import Ranker
from zoo.stages.ranking import RankingData
from zoo.trained import Trained

BLOCK = 1024
"""Lists that are put in order at a time."""


def fit_in_turn(
    rankers: Sequence[Ranker[Any]],
    learning: Sequence[bool],
    data: RankingData,
    context: RunContext,
    *,
    refit: bool = False,
) -> list[Trained | None]:
    """Fit the rankers that learn, each on lists as it will get them: put in order by the rankers before it.

    Args:
        rankers: In their order.
        learning: Which of them learn.
        data: Labelled lists.
        context: Of the run.
        refit: Whether each is then fitted once more, for as many epochs as it chose, on the validation lists as well.

    Returns:
        For each ranker how the training went that chose its epochs; None where it does not train in epochs.
    """
    trained = [ranker.trained for ranker in rankers]
    for at, ranker in enumerate(rankers):
        if learning[at]:
            here = context.below(f"ranker-{at + 1}")
            ranker.fit(data, here)
            trained[at] = ranker.trained
            if refit and data.validation is not None:
                trained[at] = _refit(ranker, data, data.validation, here)
        if not any(learning[at + 1 :]):
            break
        data = _reordered(data, ranker)
    return trained


def _refit(ranker: Ranker[Any], data: RankingData, validation: RankingData, context: RunContext) -> Trained | None:
    """Fit a ranker once more, on the lists it chose its epochs by as well; return how that went, with the first history."""
    chosen = ranker.trained
    everything = replace(RankingData.joined([data, validation]), validation=None)
    epochs = None if chosen is None else chosen.epochs
    ranker.fit(everything, replace(context, epochs=epochs).for_training(phase="refit").below("refit"))
    again = ranker.trained
    return again if chosen is None or again is None else replace(again, history=chosen.history)


def _reordered(data: RankingData, ranker: Ranker[Any]) -> RankingData:
    """Return lists, and those to choose by, in the order of a ranker."""
    with torch.no_grad():  # what comes of inference mode cannot be learned from
        blocks = [np.arange(at, min(at + BLOCK, len(data))) for at in range(0, len(data), BLOCK)]
        ordered = RankingData.joined([RankingData.of(reranked(data.lists(rows), ranker)) for rows in blocks])
    validation = None if data.validation is None else _reordered(data.validation, ranker)
    return replace(ordered, labelled=data.labelled, validation=validation)


def reranked(lists: CandidateLists, ranker: Ranker[Any]) -> CandidateLists:
    """Return lists in the order of a ranker's scores; equal scores keep their order, empty slots come last.

    Raises:
        ScoreError: The scores are not `[B, K]`, or one of them is NaN.
    """
    scores = ranker.score(replace(lists, labels=None))
    if scores.shape != lists.items.shape:
        raise ScoreError(
            f"{type(ranker).__name__} returned scores of shape {tuple(scores.shape)}, "
            f"expected {tuple(lists.items.shape)} (queries, candidates)"
        )
    scores = scores.masked_fill(~lists.mask, -torch.inf)
    if scores.isnan().any():
        at = int(scores.isnan().any(1).nonzero()[0])
        gaps = [c for c, gap in zip(lists.columns, lists.features.isnan().any(0).any(0).tolist(), strict=True) if gap]
        why = f"; these features have gaps (NaN), which it has to fill: {', '.join(gaps)}" if gaps else ""
        raise ScoreError(
            f"{type(ranker).__name__} returned a NaN score (list {at} of its block): its order would be meaningless{why}"
        )
    values, order = scores.sort(dim=1, descending=True, stable=True)
    return replace(
        lists,
        items=lists.items.gather(1, order),
        scores=values,
        features=lists.features.gather(1, order[..., None].expand_as(lists.features)),
        labels=None if lists.labels is None else lists.labels.gather(1, order),
    )
