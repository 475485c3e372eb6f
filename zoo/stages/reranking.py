"""Fit several rankers in sequence, and re-order lists by a ranker's scores."""

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
from zoo.stages.ranking_data import RankingData
from zoo.trained import Trained

BLOCK = 1024
"""Lists to re-order at a time."""


def fit_in_turn(
    rankers: Sequence[Ranker[Any]],
    learning: Sequence[bool],
    data: RankingData,
    context: RunContext,
    *,
    refit: bool = False,
) -> list[Trained | None]:
    """Fit the trainable rankers, each on lists that the previous rankers have re-ordered.

    Args:
        rankers: The rankers, in pipeline order.
        learning: Which of them are trainable.
        data: Labelled lists.
        context: The context of the fit.
        refit: Whether to fit each ranker again on training and validation lists, for the number of epochs it chose.

    Returns:
        For each ranker the training that chose its epochs; None for one that does not train in epochs.
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
        data = _rerank_data(data, ranker)
    return trained


def _refit(ranker: Ranker[Any], data: RankingData, validation: RankingData, context: RunContext) -> Trained | None:
    """Fit a ranker again on training and validation lists; return that training, with the history of the first."""
    chosen = ranker.trained
    everything = replace(RankingData.joined([data, validation]), validation=None)
    epochs = None if chosen is None else chosen.epochs
    ranker.fit(everything, replace(context, epochs=epochs).for_training(phase="refit").below("refit"))
    again = ranker.trained
    return again if chosen is None or again is None else replace(again, history=chosen.history)


def _rerank_data(data: RankingData, ranker: Ranker[Any]) -> RankingData:
    """Re-order the lists and their validation lists by a ranker's scores."""
    with torch.no_grad():  # autograd cannot record tensors made in inference mode
        blocks = [np.arange(at, min(at + BLOCK, len(data))) for at in range(0, len(data), BLOCK)]
        ordered = RankingData.joined([RankingData.of(rerank(data.lists(rows), ranker)) for rows in blocks])
    validation = None if data.validation is None else _rerank_data(data.validation, ranker)
    return replace(ordered, labelled=data.labelled, validation=validation)


def rerank(lists: CandidateLists, ranker: Ranker[Any]) -> CandidateLists:
    """Re-order lists by a ranker's scores; equal scores keep their order, empty slots come last.

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
        why = (
            f"; these features have missing values (NaN), which the ranker has to fill: {', '.join(gaps)}"
            if gaps
            else ""
        )
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
