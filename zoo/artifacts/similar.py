"""Similar items: the items that a fitted predictor compares best with a given one, under rules and filters."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from zoo.artifacts.contents import ArtifactContents
from zoo.artifacts.session import session_queries
from zoo.errors import ArtifactError, DataError, ScoreError, suggestion
from zoo.pipeline import Rules
from zoo.stages.candidates import Candidates, Exclusions
from zoo.stages.predictor import Predictor


def similar_items(artifact: ArtifactContents, items: list[str], k: int, rules: Rules, now: int | None) -> Candidates:
    """Return the items that are most similar to each of some items, `[B, K]`.

    Filters see a query without a history. There is no fallback: a list may be shorter than K.

    Raises:
        ArtifactError: The predictor does not compare items.
        DataError: An item is unknown.
        ScoreError: The predictor returned scores that cannot be ranked.
    """
    pipeline, n_items = artifact.pipeline, len(artifact.catalogue)
    predictor = pipeline.predictor
    numbers = torch.tensor([_number(artifact, item) for item in items], dtype=torch.int64)
    if type(predictor).compare_items is Predictor.compare_items:
        raise ArtifactError(
            f"{pipeline.model.predictor.name} does not compare items, so it cannot say which are similar. Fit a model that "
            "does, such as item-knn, ease, als or content-knn."
        )
    with torch.inference_mode():
        scores = predictor.compare_items(numbers, n_items - 1).float().cpu()
        if scores.shape != (len(items), n_items) or scores.isnan().any():
            raise ScoreError(
                f"{type(predictor).__name__}.compare_items returned scores of the shape {tuple(scores.shape)}"
                f"{' with NaN' if scores.isnan().any() else ''}, expected {(len(items), n_items)} without NaN."
            )
        retrieval = pipeline.retrieval
        allowed = rules.eligible if retrieval.scores_cold else rules.eligible & retrieval.known
        always = torch.from_numpy(np.flatnonzero(~allowed))
        queries = session_queries(artifact, [[]], now)
        kept: Any = None
        for item_filter, cold in zip(retrieval.filters, retrieval.filters_cold, strict=True):
            keep = item_filter.keep(retrieval.restricted(queries, cold=cold)).cpu()
            kept = keep if kept is None else kept & keep
        exclusions = Exclusions(always, torch.arange(len(items)), numbers, kept)
        found = Candidates.best(exclusions.apply_(scores.clone().contiguous()), k)
    return replace(found, items=found.items.masked_fill(found.scores == -torch.inf, 0))


def _number(artifact: ArtifactContents, item: str) -> int:
    """Return the number of an item.

    Raises:
        DataError: The artifact does not know it.
    """
    number = artifact.item_numbers.get(item, 0)
    if not number:
        raise DataError(
            f"{item!r} is not an item of the artifact.{suggestion(item, artifact.item_numbers)} It has "
            f"{len(artifact.item_numbers):,} items. Give the id of one of them."
        )
    return number
