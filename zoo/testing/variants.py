"""Variants of a world: with another future, with other numbers, without timestamps, with sparse features; and its hash."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from zoo.data.interactions import Interactions
from zoo.data.queries import Queries
from zoo.data.schema import MappedTable
from zoo.stages.candidates import CandidateLists
from zoo.stages.item_features import ItemFeatures
from zoo.testing.data import DAY, World, targets_from


def with_other_future(world: World) -> World:
    """Return a world that differs only in future data.

    The events after each query's history have other items, times and event types, so the targets differ too. All events
    after the cutoff have other values in the additional columns.
    """
    log, q = world.log, world.queries
    future = np.arange(len(log)) >= q.end[log.users]
    items = np.where(future, log.items % log.n_items + 1, log.items).astype(np.int32)
    changed = replace(
        log,
        items=items,
        times=log.times + future * 30 * DAY,
        events=np.where(future, 1 - log.events, log.events).astype(np.uint8),
        source=_other_columns(log, ~world.before),
    )
    queries = replace(q, log=changed, targets=targets_from(changed, q.end))
    return replace(world, log=changed, queries=queries)


def _other_columns(log: Interactions, changed: NDArray[np.bool_]) -> MappedTable:
    """Return the additional columns of a log, with other values where `changed` is true, `[N]`."""
    assert isinstance(log.source, MappedTable)
    columns = {}
    for name in log.source.column_names:
        old = log.source.select([name]).column(0).to_pylist()
        shifted = [*old[7:], *old[:7]]
        columns[name] = pa.array([s if c else o for s, o, c in zip(shifted, old, changed, strict=True)])
    return replace(log.source, table=pa.table(columns))


def with_new_numbers(world: World) -> tuple[World, NDArray[np.int64]]:
    """Return a world with renumbered users and items, and the new number of each item, `[I]`."""
    rng = np.random.default_rng(11)
    log, q = world.log, world.queries
    number = np.concatenate([[0], rng.permutation(log.n_items) + 1])
    row = rng.permutation(log.n_users)
    old = np.argsort(number)
    order = np.concatenate([np.arange(log.offsets[u], log.offsets[u + 1]) for u in np.argsort(row)])
    offsets = np.concatenate([[0], np.cumsum(log.lengths[np.argsort(row)])])
    rows = None if log.rows is None else log.rows[order]
    changed = replace(
        log, offsets=offsets, items=number[log.items[order]].astype(np.int32), times=log.times[order],
        events=log.events[order], rows=rows,
    )  # fmt: skip

    def renumber(q: Queries) -> Queries:
        users = np.where(q.users > 0, row[q.row] + 1, 0)
        return Queries(changed, row[q.row], offsets[row[q.row]] + q.lengths, q.now, users)

    queries = renumber(q)
    catalogue = replace(
        world.catalogue, ids=world.catalogue.ids.take(pa.array(old)), table=world.catalogue.table.take(pa.array(old))
    )
    at = pa.array(np.concatenate([[0], np.argsort(row) + 1]))
    users = replace(world.users, ids=world.users.ids.take(at), table=world.users.table.take(at))
    features = ItemFeatures(world.features.values[torch.from_numpy(old)], world.features.names)
    new = torch.from_numpy(number)

    def of(lists: CandidateLists) -> CandidateLists:
        own = None if lists.queries is None else renumber(lists.queries)
        return replace(lists, items=new[lists.items], vectors=features, queries=own)

    other = World(
        changed, world.before[order], catalogue, features, queries, of(world.labelled), of(world.lists), users
    )
    return other, number


def without_clock(world: World) -> World:
    """Return a world whose times are ranks in the order of all events."""
    log = world.log
    moments = np.unique(log.times)
    changed = replace(log, times=np.searchsorted(moments, log.times).astype(np.int64), clock="position")
    queries = replace(world.queries, log=changed, now=np.searchsorted(moments, world.queries.now).astype(np.int64))
    return replace(world, log=changed, queries=queries)


def with_sparse_features(world: World) -> World:
    """Return a world whose item features are sparse."""
    features = ItemFeatures.of_sparse(world.features.sparse(), world.features.names)
    labelled, lists = (replace(part, vectors=features) for part in (world.labelled, world.lists))
    return replace(world, features=features, labelled=labelled, lists=lists)


def fingerprint(world: World, *, lists: bool) -> str:
    """Return a hash of the data that a component gets: of the lists, or of everything else."""
    digest = hashlib.blake2b(digest_size=16)
    for part in _of_lists(world) if lists else _of_data(world):
        digest.update(part)
    return digest.hexdigest()


def _of_lists(world: World) -> Iterator[bytes]:
    """Yield the contents of the lists."""
    for part in (world.labelled, world.lists):
        for values in (part.items, part.scores, part.features, part.labels):
            if values is not None:
                yield values.numpy().tobytes()


def _of_data(world: World) -> Iterator[bytes]:
    """Yield the contents of logs, queries, features and catalogue."""
    for log in (world.log, world.training):
        for array in (log.offsets, log.items, log.times, log.events, log.event_weights):
            yield array.tobytes()
    for array in (world.queries.row, world.queries.end, world.queries.now, world.queries.users):
        yield array.tobytes()
    yield world.features.values.to_dense().numpy().tobytes()
    yield repr(world.catalogue.table.to_pydict()).encode()
    yield repr(world.catalogue.ids.to_pylist()).encode()
    yield repr(world.users.table.to_pydict()).encode()
