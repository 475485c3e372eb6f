"""Fit several rankers in sequence, and re-order lists by a ranker's scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from zoo.errors import ScoreError
from zoo.spec import Capabilities
from zoo.stages.answers import answer_of, cannot_rank, check_scores
from zoo.stages.candidates import CandidateLists
from zoo.stages.context import RunContext
from zoo.stages.ranker import Ranker
from zoo.stages.ranker_inputs import RankerInputs
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
    origins: Sequence[str] = (),
    inputs: Sequence[RankerInputs] = (),
) -> list[Trained | None]:
    """Fit the trainable rankers, each on lists that the previous rankers have re-ordered.

    Args:
        rankers: The rankers, in pipeline order.
        learning: Which of them are trainable.
        data: Labelled lists.
        context: The context of the fit.
        refit: Whether to fit each ranker again on training and validation lists, for the number of epochs it chose.
        origins: The component and the plugin of each ranker for messages; their classes by default.
        inputs: What each ranker reads besides the candidates; by default the item features of the lists.

    Returns:
        For each ranker the training that chose its epochs; None for one that does not train in epochs.
    """
    trained = [ranker.trained for ranker in rankers]
    inputs = inputs or [RankerInputs.of(Capabilities(), data.vectors) for _ in rankers]
    for at, ranker in enumerate(rankers):
        if learning[at]:
            here = context.below(f"ranker-{at + 1}")
            ranker.fit(inputs[at].data(data), here)
            trained[at] = ranker.trained
            if refit and data.validation is not None:
                everything = replace(RankingData.joined([data, data.validation]), validation=None)
                trained[at] = _refit(ranker, inputs[at].attach(everything), here)
        if not any(learning[at + 1 :]):
            break
        data = _rerank_data(data, ranker, origins[at] if origins else "", inputs[at])
    return trained


def _refit(ranker: Ranker[Any], everything: RankingData, context: RunContext) -> Trained | None:
    """Fit a ranker again on training and validation lists; return that training, with the history of the first."""
    chosen = ranker.trained
    epochs = None if chosen is None else chosen.epochs
    ranker.fit(everything, replace(context, epochs=epochs).for_training(phase="refit").below("refit"))
    again = ranker.trained
    return again if chosen is None or again is None else replace(again, history=chosen.history)


def _rerank_data(data: RankingData, ranker: Ranker[Any], origin: str, inputs: RankerInputs) -> RankingData:
    """Re-order the lists and their validation lists by a ranker's scores."""
    with torch.no_grad():  # autograd cannot record tensors made in inference mode
        blocks = [np.arange(at, min(at + BLOCK, len(data))) for at in range(0, len(data), BLOCK)]
        ordered = RankingData.joined(
            [RankingData.of(rerank(data.lists(rows), ranker, origin, inputs)) for rows in blocks]
        )
    validation = None if data.validation is None else _rerank_data(data.validation, ranker, origin, inputs)
    return replace(ordered, labelled=data.labelled, validation=validation, queries=data.queries)


def rerank(
    lists: CandidateLists, ranker: Ranker[Any], origin: str = "", inputs: RankerInputs | None = None
) -> CandidateLists:
    """Re-order lists by a ranker's scores; equal scores keep their order, empty slots come last.

    The ranker gets a copy of the lists without their labels, so that it cannot change what is recommended.

    Args:
        lists: The lists, `[B, K]`.
        ranker: A fitted ranker.
        origin: The ranker's component and plugin for messages; its class by default.
        inputs: What it reads besides the candidates; by default the item features of the lists.

    Raises:
        ScoreError: The scores are not `[B, K]` numbers, or one of them is NaN or infinite.
    """
    inputs = inputs or RankerInputs.of(Capabilities(), lists.vectors)
    with answer_of(origin or type(ranker).__name__):
        rows, columns = lists.items.shape
        scores = check_scores(ranker.score(inputs.lists(lists)), rows, columns, "queries, candidates")
        scores = scores.to(lists.items.device)
        scores = scores.masked_fill(~lists.mask, -torch.inf)
        if (wrong := cannot_rank(scores)).any():
            raise ScoreError(_describe_unrankable(lists, scores[wrong.any(1)][0], int(wrong.any(1).nonzero()[0])))
    values, order = scores.sort(dim=1, descending=True, stable=True)
    return replace(
        lists,
        items=lists.items.gather(1, order),
        scores=values,
        features=lists.features.gather(1, order[..., None].expand_as(lists.features)),
        labels=None if lists.labels is None else lists.labels.gather(1, order),
    )


def _describe_unrankable(lists: CandidateLists, scores: torch.Tensor, at: int) -> str:
    """Return the message about the scores of a list that cannot be ranked, with the features that have missing values."""
    value = "NaN" if scores.isnan().any() else "an infinite number"
    gaps = [c for c, gap in zip(lists.columns, lists.features.isnan().any(0).any(0).tolist(), strict=True) if gap]
    why = f"; these features have missing values (NaN), which the ranker has to fill: {', '.join(gaps)}" if gaps else ""
    return f"`score` returned {value} for list {at} of its block, expected finite numbers: the order by others would be meaningless{why}"
