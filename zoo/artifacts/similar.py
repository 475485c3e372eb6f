"""Similar items: the items that a fitted predictor compares best with a given one, under rules and filters."""

from __future__ import annotations

import torch

from zoo.artifacts.contents import ArtifactContents
from zoo.artifacts.session import session_queries
from zoo.errors import ArtifactError, DataError, suggestion
from zoo.pipeline import Rules
from zoo.stages.candidates import Candidates
from zoo.stages.predictor import Predictor


def similar_items(artifact: ArtifactContents, items: list[str], k: int, rules: Rules, now: int | None) -> Candidates:
    """Return the items that are most similar to each of some items, `[B, K]`.

    Filters see a query without a history. There is no fallback: a list may be shorter than K.

    Raises:
        ArtifactError: The predictor does not compare items.
        DataError: An item is unknown.
        ScoreError: The predictor returned scores that cannot be ranked.
    """
    retrieval = artifact.pipeline.retrieval
    numbers = torch.tensor([item_number(artifact, item) for item in items], dtype=torch.int64)
    if type(retrieval.predictor).compare_items is Predictor.compare_items:
        raise ArtifactError(
            f"{artifact.pipeline.model.predictor.name} does not compare items, so it cannot say which are similar. Fit a model "
            "that does, such as item-knn, ease, als or content-knn."
        )
    return retrieval.similar(numbers, k, rules, session_queries(artifact, [[]], now))


def item_number(artifact: ArtifactContents, item: str) -> int:
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
