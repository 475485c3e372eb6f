"""New items: an item added after fitting behaves like one that was present at the fit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.data.queries import Queries
from zoo.stages.filter import Filter
from zoo.stages.predictor import Predictor
from zoo.testing.check import check
from zoo.testing.data import World, shop
from zoo.testing.requirement import require
from zoo.testing.subject import Subject, difference, with_histories


def _supports_add_items(subject: Subject) -> bool:
    """Return whether a component declares that it scores new items, and overrides `add_items`."""
    base = Predictor if subject.stage == "predictor" else Filter
    overrides = getattr(subject.target, "add_items", None) is not base.add_items
    reads = subject.stage == "filter" or subject.capabilities.features != "none"
    return overrides and reads and bool(subject.capabilities.cold_items)


@check(
    "predictor", "filter", only="components that override `add_items` and declare that they score new items",
    when=_supports_add_items,
    sentence="Items added after fitting are treated like items that were present at the fit.",
    remedy="In `add_items`, extend every attribute of `fitted` that has one entry per item, and treat the new items as `fit` "
    "treats those outside training; or do not override `add_items`.",
)  # fmt: skip
def add_items(subject: Subject) -> None:
    """The check adds a copy of each of the shop's new items, with the same features or columns. A copy must get the output of its original.

    The outputs for the original items must stay the same, a copy must be able to replace its original in a history, and the
    saved state must restore all of this. `zoo recommend --new-items` relies on it.
    """
    world = shop()
    cold = np.flatnonzero(~world.training.known)[1:]
    part, n = subject.fit(world), world.log.n_items
    queries = _queries_with_new_items(subject, world, cold)
    before = subject.ask(part, world, queries)
    grown = subject.build()
    grown.load_state(part.state().copy())
    _add_copies(subject, grown, world, cold)
    wider = replace(queries, log=replace(queries.log, n_items=n + len(cold)))
    number = np.arange(n + 1)
    number[cold] = n + 1 + np.arange(len(cold))
    with_copies = replace(wider, log=replace(wider.log, items=number[wider.log.items].astype(np.int32)))
    after, from_copies = (subject.ask(grown, world, some) for some in (wider, with_copies))
    width = (len(queries), n + 1 + len(cold))
    require(
        tuple(after.shape) == width, f"after `add_items` an output has the shape {tuple(after.shape)}, expected {width}"
    )
    _require_same(before, after[:, : n + 1], "items of the fit, before and after `add_items`")
    _require_same(
        after[:, torch.from_numpy(cold)], after[:, n + 1 :], "new items present at the fit, and their added copies"
    )
    _require_same(after, from_copies, "histories with the original items, and with their added copies")
    again = subject.build()
    again.load_state(grown.state().copy())
    _require_same(after, subject.ask(again, world, wider), "after `add_items`, and after loading the state saved then")


def _queries_with_new_items(subject: Subject, world: World, cold: NDArray[np.int64]) -> Queries:
    """Return the shop's queries with a history, with a new item in every third event."""
    queries = world.prepare_queries(world.queries, subject.capabilities)
    queries = queries.where(with_histories(queries)).compact()
    at = np.arange(len(queries.log))
    items = np.where(at % 3 == 0, cold[at % len(cold)], queries.log.items).astype(np.int32)
    return replace(queries, log=replace(queries.log, items=items))


def _add_copies(subject: Subject, part: Any, world: World, cold: NDArray[np.int64]) -> None:
    """Add copies of the new items to a fitted instance."""
    if subject.stage == "filter":
        rows = pa.array([0, *cold])
        part.add_items(
            replace(world.catalogue, ids=world.catalogue.ids.take(rows), table=world.catalogue.table.take(rows))
        )
    else:
        part.add_items(replace(world.features, values=world.features.values[torch.from_numpy(cold)]))


def _require_same(a: Tensor, b: Tensor, what: str) -> None:
    """Require that two outputs agree up to rounding."""
    require(not (found := difference(a, b)), f"{what}: {found}")
