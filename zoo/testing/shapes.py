"""Whether what a component answers has the shape and the type that its stage asks for."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from zoo.data.queries import Queries
from zoo.spec import StageName
from zoo.stages.item_features import ItemFeatures
from zoo.testing.data import World, lists_at
from zoo.testing.requirement import require


def require_shape(part: Any, stage: StageName, world: World, queries: Queries) -> None:
    """Hold the answers of a fitted component to the shape and the type of its stage, for one query and for many.

    Args:
        part: The component.
        stage: Its stage.
        world: What it was fitted on.
        queries: What a predictor or a filter is asked.

    Raises:
        CheckFailedError: One of them is of another.
    """
    width = world.log.n_items + 1
    if stage == "featurizer":
        _features(part.transform(world.catalogue), width)
    elif stage == "ranker":
        for lists in (world.lists, lists_at(world.lists, torch.arange(1))):
            _tensor("score", part.score(lists), torch.float32, tuple(lists.items.shape))
    else:
        for some in (queries, queries[:1]):
            n = len(some)
            if stage == "filter":
                _tensor("keep", part.keep(some), torch.bool, (n, width), (1, width))
            else:
                _tensor("score", part.score(some), torch.float32, (n, width))


def _features(features: Any, width: int) -> None:
    """Hold the features of the kit's catalogue to theirs."""
    found = type(features).__name__
    require(isinstance(features, ItemFeatures), f"`transform` returned {found}, expected zoo.api.ItemFeatures")
    _tensor("values", features.values, torch.float32, (width, len(features.names)))
    require(not features.rows(torch.zeros(1, dtype=torch.int64)).any(), "the padding (row 0) has features")


def _tensor(what: str, values: Any, dtype: torch.dtype, *shapes: tuple[int, ...]) -> None:
    """Hold a tensor to a type, and to one of some shapes."""
    require(isinstance(values, Tensor), f"`{what}` is of the type {type(values).__name__}, expected torch.Tensor")
    expected = " or ".join(map(str, dict.fromkeys(shapes)))
    require(tuple(values.shape) in shapes, f"the shape of `{what}` is {tuple(values.shape)}, expected {expected}")
    require(values.dtype == dtype, f"the type of `{what}` is {values.dtype}, expected {dtype}")
