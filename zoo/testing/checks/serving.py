"""Serving: similar items, contributions of events, and item columns that change after the fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import torch

from zoo.data.catalogue import Catalogue
from zoo.stages.filter import Filter
from zoo.stages.predictor import Predictor
from zoo.testing.check import check
from zoo.testing.data import shop
from zoo.testing.requirement import require
from zoo.testing.subject import Subject, difference, with_histories


def _compares(subject: Subject) -> bool:
    """Return whether a predictor overrides `compare_items`."""
    return getattr(subject.target, "compare_items", None) is not Predictor.compare_items


def _contributes(subject: Subject) -> bool:
    """Return whether a predictor overrides `contributions`."""
    return getattr(subject.target, "contributions", None) is not Predictor.contributions


def _updates(subject: Subject) -> bool:
    """Return whether a filter overrides `update_items`."""
    return getattr(subject.target, "update_items", None) is not Filter.update_items


@check(
    "predictor", only="predictors that override `compare_items`", when=_compares,
    sentence="Similar items have a score for every item, which depends only on the item compared.",
    remedy="Return `[B, I]` float32, with -inf where the model cannot say; I includes the padding row. Make rows independent.",
)  # fmt: skip
def compare_items(subject: Subject) -> None:
    """The check compares four items in one batch and one by one. A score is a number or -inf."""
    world = shop()
    part, n_items = subject.fit(world), world.log.n_items
    items = torch.from_numpy(np.flatnonzero(world.training.known)[1:5])
    with torch.inference_mode():
        together = part.compare_items(items, n_items)
        shape, width = tuple(together.shape), n_items + 1
        require(shape == (len(items), width), f"the shape of the scores is {shape}, expected {(len(items), width)}")
        require(together.dtype.is_floating_point, f"the scores are {together.dtype}, expected torch.float32")
        require(not together.isnan().any(), f"{int(together.isnan().sum())} of {together.numel()} scores are NaN")
        require(not (together == torch.inf).any(), f"{int((together == torch.inf).sum())} scores are +inf")
        alone = torch.cat([part.compare_items(item[None], n_items) for item in items])
    require(not (found := difference(together, alone)), f"four items in one batch, and one by one: {found}")


@check(
    "predictor", only="predictors that override `contributions`", when=_contributes,
    sentence="The contributions of the events and the rest add up to the score.",
    remedy="Return `Contributions.of_sum` with a row for each event of `queries.histories`, `[M, K]`; or do not override `contributions`.",
)  # fmt: skip
def contributions(subject: Subject) -> None:
    """The check adds up what the events of each history add to four items, and compares the sums with `score_items`."""
    queries = subject.queries(with_histories)
    items = torch.from_numpy(np.random.default_rng(2).integers(1, queries.log.n_items + 1, (len(queries), 4)))
    with torch.inference_mode():
        scores = subject.fitted.score_items(queries, items).cpu()
        found = subject.fitted.contributions(queries, items)
    rows = torch.from_numpy(queries.histories.rows)
    for name, value, n in (("values", found.values, len(rows)), ("rest", found.rest, len(queries))):
        require(tuple(value.shape) == (n, 4), f"the shape of `{name}` is {tuple(value.shape)}, expected {(n, 4)}")
    total = found.rest.cpu().index_add(0, rows, found.values.cpu())
    require(not (wrong := difference(scores, total)), f"the scores, and the sums of the contributions: {wrong}")


@check(
    "predictor", only="predictors that declare `products`", when=lambda s: s.capabilities.products,
    sentence="The scores are the products of the vectors of queries and items.",
    remedy="Return vectors from `query_vectors` and `item_vectors` whose products are the scores; or do not declare `products`.",
)  # fmt: skip
def products(subject: Subject) -> None:
    """The check compares `score` with `query_vectors @ item_vectors.T`, for the items of training and queries that it can answer.

    The rows of items that are never recommended are zero. `zoo index` relies on both.
    """
    new = subject.capabilities.cold_users
    queries = subject.queries(lambda q: with_histories(q) & (new | (q.users > 0)))
    known = torch.from_numpy(subject.world.training.known)
    with torch.inference_mode():
        items, asked = subject.fitted.item_vectors().cpu(), subject.fitted.query_vectors(queries).cpu()
    width = queries.log.n_items + 1
    require(len(items) == width, f"`item_vectors` has {len(items)} rows, expected {width}: items and padding")
    require(len(asked) == len(queries), f"`query_vectors` has {len(asked)} rows, expected {len(queries)}")
    require(not items[0].any(), "the row of padding is not zero")
    scores = subject.ask(subject.fitted, subject.world, queries)[:, known]
    found = difference(scores, asked @ items[known].T, loose=True)
    require(not found, f"`score`, and the products of `query_vectors` and `item_vectors`: {found}")


@check(
    "filter", only="filters that override `update_items`", when=_updates,
    sentence="Changed item columns are treated like those of the fit.",
    remedy="In `update_items`, read every column again that `fit` reads, and keep what was learned from events.",
)  # fmt: skip
def update_items(subject: Subject) -> None:
    """The check updates the items with the columns of the fit, which must change nothing, and with the columns of other items.

    Then an item must be treated like the one whose values it has, or like in a new fit on these columns. The saved state must
    restore this. `update_items` of an artifact relies on it.
    """
    world = shop()
    part = subject.fit(world)
    before = subject.ask(part, world)
    same = _copy(subject, part)
    same.update_items(world.catalogue)
    found = difference(before, subject.ask(same, world))
    require(not found, f"before and after an update with the same columns: {found}")
    order = np.concatenate([[0], 1 + np.random.default_rng(3).permutation(world.log.n_items)])
    changed = replace(world, catalogue=_with_values_of(world.catalogue, order))
    same.update_items(changed.catalogue)
    after, moved = subject.ask(same, world), before[:, torch.from_numpy(order)]
    if found := difference(moved, after):
        fresh = subject.ask(subject.fit(changed), world)
        require(not difference(fresh, after), f"items with the values of others, and these others before: {found}")
    found = difference(after, subject.ask(_copy(subject, same), world))
    require(not found, f"after `update_items`, and after loading the state saved then: {found}")


def _with_values_of(catalogue: Catalogue, order: np.ndarray) -> Catalogue:
    """Return a catalogue in which each item has the columns of another one, and its own id."""
    return replace(catalogue, table=catalogue.table.take(pa.array(order)))


def _copy(subject: Subject, part: object) -> Filter:  # type: ignore[type-arg]
    """Return an instance with a copy of the state of another one."""
    copy: Filter = subject.build()  # type: ignore[type-arg]
    copy.load_state(part.state().copy())  # type: ignore[attr-defined]
    return copy
