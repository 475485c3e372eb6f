"""Checks of the shape and dtype of a component's outputs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from zoo.data.queries import Queries
from zoo.evaluation.evaluated_lists import EvaluatedLists
from zoo.evaluation.metric import Facts, QueryMetric
from zoo.spec import StageName
from zoo.stages.answers import FLOATS
from zoo.stages.item_features import ItemFeatures
from zoo.testing.data import World, lists_at, shop
from zoo.testing.requirement import require


def require_shape(part: Any, stage: StageName, world: World, queries: Queries) -> None:
    """Require that the outputs of a fitted component have the shape and dtype of its stage, for one query and for many.

    Args:
        part: The component.
        stage: Its stage.
        world: The world that it was fitted on.
        queries: The queries for a predictor or a filter.

    Raises:
        CheckFailedError: The type, shape or dtype of an output is wrong.
    """
    width = world.log.n_items + 1
    if stage == "featurizer":
        _check_features(part.transform(world.catalogue), width)
    elif stage == "ranker":
        for lists in (world.lists, lists_at(world.lists, torch.arange(1))):
            _check_tensor("score", part.score(lists), torch.float32, tuple(lists.items.shape))
    else:
        for some in (queries, queries[:1]):
            n = len(some)
            if stage == "filter":
                _check_tensor("keep", part.keep(some), torch.bool, (n, width), (1, width))
            else:
                _check_tensor("score", part.score(some), torch.float32, (n, width))


def cast(answer: Any) -> Any:
    """Return an output in a form that the core casts as a tensor, floats as float32, and every other output unchanged."""
    if isinstance(answer, ItemFeatures):
        return replace(answer, values=cast(answer.values))
    if isinstance(answer, np.ndarray) and answer.dtype.kind in "fiub":
        answer = torch.from_numpy(answer.copy())
    return answer.float() if isinstance(answer, Tensor) and answer.dtype in FLOATS else answer


def _check_features(features: Any, width: int) -> None:
    """Require valid features of the kit's catalogue."""
    features, found = cast(features), type(features).__name__
    require(isinstance(features, ItemFeatures), f"`transform` returned {found}, expected zoo.api.ItemFeatures")
    _check_tensor("values", features.values, torch.float32, (width, len(features.names)))
    require(not features.rows(torch.zeros(1, dtype=torch.int64)).any(), "the padding (row 0) has features")


def _check_tensor(what: str, values: Any, dtype: torch.dtype, *shapes: tuple[int, ...]) -> None:
    """Require a tensor of a dtype, or a form that the core casts to it, and of one of some shapes."""
    values = cast(values)
    require(isinstance(values, Tensor), f"`{what}` returned {type(values).__name__}, expected torch.Tensor")
    layouts = (torch.strided, torch.sparse_csr) if what == "values" else (torch.strided,)
    require(values.layout in layouts, f"the layout of `{what}` is {values.layout}, expected a dense tensor")
    expected = " or ".join(map(str, dict.fromkeys(shapes)))
    require(tuple(values.shape) in shapes, f"the shape of `{what}` is {tuple(values.shape)}, expected {expected}")
    require(values.dtype == dtype, f"the dtype of `{what}` is {values.dtype}, expected {dtype}")


def evaluated_lists() -> EvaluatedLists:
    """Return random lists of twelve items for the shop's queries, compared with the targets."""
    queries = shop().queries
    order = torch.rand(len(queries), queries.log.n_items, generator=torch.Generator().manual_seed(0)).argsort(dim=1)
    return EvaluatedLists.of(order[:, :12] + 1, queries.answers(), 12, queries)


def bind(metric: Any) -> Any:
    """Return a metric that is bound to the facts of the kit's shop."""
    world = shop()
    metric.bind(Facts.of(world.training, world.catalogue, features=world.features))
    return metric


def require_values(metric: Any) -> None:
    """Require that a metric that is defined for each query returns one number for each.

    Raises:
        CheckFailedError: The type or the shape of its values is wrong.
    """
    if isinstance(metric, QueryMetric):
        judged = evaluated_lists()
        values = bind(metric).values(metric.readable(judged), metric.facts)
        require(isinstance(values, Tensor), f"`values` returned {type(values).__name__}, expected torch.Tensor")
        n = len(judged.items)
        require(tuple(values.shape) == (n,), f"the shape of `values` is {tuple(values.shape)}, expected ({n},)")
