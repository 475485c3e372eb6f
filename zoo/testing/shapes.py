"""Whether what a component answers has the shape and the type that its stage asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from zoo.stages.featurizer import ItemFeatures
from zoo.testing.check import require
from zoo.testing.data import lists_at

if TYPE_CHECKING:
    from zoo.testing.subject import Subject


def require_shape(subject: Subject) -> None:
    """Hold the answers of a fitted component to the shape and the type of its stage, for one query and for many.

    Raises:
        CheckFailedError: One of them is of another.
    """
    part, world = subject.fitted, subject.world
    width = world.log.n_items + 1
    if subject.stage == "featurizer":
        _features(part.transform(world.catalogue), width)
    elif subject.stage == "ranker":
        for lists in (world.lists, lists_at(world.lists, torch.arange(1))):
            _tensor("score", part.score(lists), torch.float32, tuple(lists.items.shape))
    else:
        for queries in (subject.queries(), subject.queries()[:1]):
            n = len(queries)
            if subject.stage == "filter":
                _tensor("keep", part.keep(queries), torch.bool, (n, width), (1, width))
            else:
                _tensor("score", part.score(queries), torch.float32, (n, width))


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
