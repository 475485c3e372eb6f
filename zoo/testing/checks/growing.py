"""New items: taken after fitting, they count as if they had been there."""

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


def _grows(subject: Subject) -> bool:
    """Return whether a component says that it scores new items, and how it takes some."""
    base = Predictor if subject.stage == "predictor" else Filter
    overrides = getattr(subject.target, "grow", None) is not base.grow
    reads = subject.stage == "filter" or subject.capabilities.features != "none"
    return overrides and reads and bool(subject.capabilities.cold_items)


@check(
    "predictor", "filter", only="those that override `grow` and declare that they score new items", when=_grows,
    sentence="Items that it takes after fitting count as if they had been there at the fit.",
    remedy="In `grow`, append to every attribute of `fitted` that has an entry an item, and judge the new items as `fit` "
    "does those outside training; or leave `grow` out.",
)  # fmt: skip
def grow(subject: Subject) -> None:
    """The shop's new items come once more, under further numbers: with the same features or columns, their twins get the same.

    The answers for the items of the fit stay, a twin stands in a history for the item that it is like, and all of it comes
    back from the saved state. `zoo recommend --new-items` asks for this.
    """
    world = shop()
    cold = np.flatnonzero(~world.training.known)[1:]
    part, n = subject.fit(world), world.log.n_items
    asked = _histories(subject, world, cold)
    before = subject.ask(part, world, asked)
    grown = subject.build()
    grown.load_state(part.state().copy())
    _take(subject, grown, world, cold)
    twins = replace(asked, log=replace(asked.log, n_items=n + len(cold)))
    number = np.arange(n + 1)
    number[cold] = n + 1 + np.arange(len(cold))
    renamed = replace(twins, log=replace(twins.log, items=number[twins.log.items].astype(np.int32)))
    after, by_twins = (subject.ask(grown, world, queries) for queries in (twins, renamed))
    width = (len(asked), n + 1 + len(cold))
    require(tuple(after.shape) == width, f"after `grow` an answer has the shape {tuple(after.shape)}, expected {width}")
    _same(before, after[:, : n + 1], "before and after `grow`, items of the fit")
    _same(after[:, torch.from_numpy(cold)], after[:, n + 1 :], "items outside training that were there, and that came")
    _same(after, by_twins, "with items that were there in the history, and with those that came")
    again = subject.build()
    again.load_state(grown.state().copy())
    _same(after, subject.ask(again, world, twins), "after `grow`, and loaded from what was saved then")


def _histories(subject: Subject, world: World, cold: NDArray[np.int64]) -> Queries:
    """Return the shop's queries with a history, in which every third event is of a new item."""
    queries = world.seen_by(world.queries, subject.capabilities)
    queries = queries.where(with_histories(queries)).compact()
    at = np.arange(len(queries.log))
    items = np.where(at % 3 == 0, cold[at % len(cold)], queries.log.items).astype(np.int32)
    return replace(queries, log=replace(queries.log, items=items))


def _take(subject: Subject, part: Any, world: World, cold: NDArray[np.int64]) -> None:
    """Let a fitted instance take the new items once more."""
    if subject.stage == "filter":
        rows = pa.array([0, *cold])
        part.grow(replace(world.catalogue, ids=world.catalogue.ids.take(rows), table=world.catalogue.table.take(rows)))
    else:
        part.grow(replace(world.features, values=world.features.values[torch.from_numpy(cold)]))


def _same(a: Tensor, b: Tensor, what: str) -> None:
    """Hold two answers to be the same but for rounding."""
    require(not (found := difference(a, b)), f"{what}: {found}")
