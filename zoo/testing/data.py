"""The kit's data: small logs with a known structure, and queries for them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from zoo.data.catalogue import Catalogue
from zoo.data.interactions import Interactions
from zoo.data.queries import Queries, Targets
from zoo.data.schema import MappedTable
from zoo.data.user_table import UserTable
from zoo.spec import Capabilities
from zoo.stages.candidates import CandidateLists
from zoo.stages.item_columns import ItemColumns
from zoo.stages.item_features import ItemFeatures
from zoo.stages.ranker_inputs import reads_queries
from zoo.stages.stage import TrainingData
from zoo.stages.user_columns import UserColumns

DAY = 86_400_000
"""Milliseconds."""
START = 1_700_000_000_000
SEED = 45
"""Seed of the shop, chosen such that no two items have the same total weight."""


@dataclass(frozen=True, eq=False)
class World:
    """The kit's view of a shop: training data, queries, and data that a component must not read.

    Attributes:
        log: All events, including those after the cutoff.
        before: Marks the events before the cutoff, which are the training data, `[N]` bool.
        catalogue: The items.
        features: Item features, for components that read them.
        queries: Histories within `log`, which continues after them, and their targets.
        labelled: Lists with labels, for training a ranker.
        lists: Lists to rank, some with padding.
        users: The users of the log with their columns.
    """

    log: Interactions
    before: NDArray[np.bool_]
    catalogue: Catalogue
    features: ItemFeatures
    queries: Queries
    labelled: CandidateLists
    lists: CandidateLists
    users: UserTable

    @cached_property
    def training(self) -> Interactions:
        """Return the events before the cutoff, cut off in the same way as the training log of a benchmark."""
        return self.log.extract(self.before)

    def data(self, capabilities: Capabilities) -> TrainingData:
        """Return the training data of a component."""
        features = None if capabilities.features == "none" else self.features
        user_columns = UserColumns.of(self.users, capabilities.user_columns)
        return TrainingData.of(self.training, self.catalogue, features, user_columns)

    def prepare_lists(self, lists: CandidateLists, capabilities: Capabilities) -> CandidateLists:
        """Return lists as the core passes them: with the histories and the columns that the ranker declares."""
        columns = ItemColumns.of(self.catalogue, capabilities.columns)
        user_columns = UserColumns.of(self.users, capabilities.user_columns)
        queries = lists.queries if reads_queries(capabilities) else None
        return replace(lists, queries=queries, item_columns=columns, user_columns=user_columns)

    def prepare_queries(self, queries: Queries, capabilities: Capabilities) -> Queries:
        """Return queries as the core passes them: without targets, and restricted to users and items that the component can handle."""
        known = np.ones_like(self.training.known) if capabilities.cold_items else self.training.known
        users = np.concatenate([[False], self.training.lengths > 0])
        return queries.blind().restricted(known, users)


class Events(NamedTuple):
    """Events as arrays with one entry per event, in any order.

    Attributes:
        users: Rows from 0.
        items: Numbers from 1.
        times: UTC milliseconds.
        types: 0 for a view, 1 for a purchase.
        before: Marks the training events.
        in_history: Marks the events in the history of their user's query; the others are its targets.
    """

    users: NDArray[np.int64]
    items: NDArray[np.int64]
    times: NDArray[np.int64]
    types: NDArray[np.int64]
    before: NDArray[np.bool_]
    in_history: NDArray[np.bool_]

    def ordered(self) -> Events:
        """Return the events by user and time."""
        order = np.lexsort((self.times, self.users))
        return Events(
            self.users[order],
            self.items[order],
            self.times[order],
            self.types[order],
            self.before[order],
            self.in_history[order],
        )


def shop() -> World:
    """Return a shop of 30 items in two halves, and 40 training users who mostly stay in one of them.

    Five items are new: they occur in no training event. Four users are new, one of them without a history, and one
    history is long. Views have weight 1, purchases 2.7; no two items have the same total weight. Some known users have
    events between the training cutoff and their query.
    """
    rng = np.random.default_rng(SEED)
    n_known, n_items, n_trained = 25, 30, 40
    lengths = np.concatenate([rng.integers(4, 11, n_trained - 1), [24], rng.integers(3, 6, 3), [0]])
    users = np.repeat(np.arange(len(lengths)), lengths + 3)
    left = lengths[users] - np.arange(len(users)) + np.searchsorted(users, users)  # 0 or less for targets
    weights = np.where(np.arange(1, n_known + 1)[None] % 2 == np.arange(2)[:, None], 20.0, 1.0)
    weights /= 1 + np.arange(n_known)[None] / 2  # early items are the popular ones
    shares = np.cumsum(weights, axis=1) / weights.sum(1, keepdims=True)
    items = (rng.random(len(users))[:, None] >= shares[users % 2]).sum(1) + 1
    late = (left == 1) & (users % 4 == 1)  # events of known users after the training cutoff
    items = np.where(late & (users % 8 == 1), n_known + 1 + users % (n_items - n_known), items)
    before = (left > 0) & ~late & (users < n_trained)
    times = START + np.where(before, 0, 200 * DAY) + (rng.random(len(users)) * 190 * DAY).astype(np.int64)
    times = np.where(left <= 0, START + 400 * DAY + (users - 2 * left) * DAY, times)
    return _world(Events(users, items, times, rng.integers(0, 2, len(users)), before, left > 0), n_items)


def _world(events: Events, n_items: int) -> World:
    """Return a world with these events."""
    users, items, times, types, before, in_history = events.ordered()
    rng = np.random.default_rng(5)
    source = pa.table(
        {
            "user_id": users.astype(str), "item_id": items.astype(str), "timestamp": times,
            "price": rng.integers(1, 50, len(users)).astype(float), "quantity": rng.integers(1, 4, len(users)),
        }
    )  # fmt: skip
    log = Interactions.from_arrays(
        users, items, times, n_items=n_items, events=types,
        event_names=("view", "purchase"), event_weights=(1.0, 2.7),
        source=MappedTable.of(source, {}, "data.columns", "the kit's shop"),
    )  # fmt: skip
    row, end = np.arange(log.n_users), log.offsets[:-1] + np.bincount(users[in_history], minlength=log.n_users)
    now = np.where(end > log.offsets[:-1], log.times[np.maximum(end - 1, 0)] + 1, START + 300 * DAY)
    trained = np.bincount(users[before], minlength=log.n_users) > 0
    queries = Queries(log, row, end, now, np.where(trained, row + 1, 0), targets_from(log, end))
    features = ItemFeatures(_features(n_items), ("c0", "c1", "c2", "c3", "size", "shade"))
    lists = _lists(n_items, features, queries)
    return World(log, before, _catalogue(n_items), features, queries, *lists, _users(log.n_users))


def targets_from(log: Interactions, end: NDArray[np.int64]) -> Targets:
    """Return as targets the items of each row from index `end` on."""
    rest, width = np.arange(len(log)) >= end[log.users], log.n_items + 1
    found = np.unique(log.users[rest] * width + log.items[rest])
    offsets = np.concatenate([[0], np.cumsum(np.bincount(found // width, minlength=log.n_users))])
    return Targets(offsets, (found % width).astype(np.int32), np.zeros(len(found), np.bool_))


def _catalogue(n_items: int) -> Catalogue:
    """Return a catalogue with text, category, list, numeric, boolean and timestamp columns; the last item has missing values."""
    names, nouns = ["shoe", "hat", "bag", "lamp"], ["red", "blue", "green", "wide", "soft"]
    rng = np.random.default_rng(3)
    numbers = range(1, n_items + 1)
    titles = [f"{nouns[i % 5]} {names[i % 4]} {nouns[i * i % 5]}" for i in numbers]
    columns: dict[str, pa.Array] = {
        "title": pa.array([None, *titles]),
        "description": pa.array(
            [None, *(f"A {title}, made for {names[i % 4]}s." for i, title in enumerate(titles, 1))]
        ),
        "category": pa.array([None, *(names[i % 4] for i in numbers)]),
        "tags": pa.array([None, *([nouns[i % 5], names[i % 4]] for i in numbers)]),
        "brand": pa.array([None, *(f"brand {i % 3}" for i in range(1, n_items)), None]),
        "price": pa.array([None, *(rng.permutation(n_items)[: n_items - 1] + 1.5), None]),
        "in_stock": pa.array([None, *(i % 7 != 0 for i in numbers)]),
        "available_from": pa.array([None, *(START if i % 5 else START + 150 * DAY for i in numbers)]),
        "available_until": pa.array([None, *(None if i % 6 else START + 250 * DAY for i in numbers)], pa.int64()),
    }
    return Catalogue(pa.array([None, *map(str, numbers)], pa.string()), pa.table(columns))


def _users(n_users: int) -> UserTable:
    """Return users with text, category, list, numeric and boolean columns; the last user has no values."""
    numbers = range(1, n_users)
    regions, hobbies = ["north", "south", "west"], ["music", "sport", "books"]
    columns: dict[str, pa.Array] = {
        "segment": pa.array([None, *(f"segment {i % 2}" for i in numbers), None]),
        "region": pa.array([None, *(regions[i % 3] for i in numbers), None]),
        "hobbies": pa.array([None, *([hobbies[i % 3], hobbies[i % 2]] for i in numbers), None]),
        "age": pa.array([None, *(20 + 7 * i % 50 for i in numbers), None]),
        "income": pa.array([None, *(1000.5 + 90 * (i % 11) for i in numbers), None]),
        "member": pa.array([None, *(i % 2 == 0 for i in numbers), None]),
    }
    return UserTable(pa.array([None, *map(str, range(1, n_users + 1))], pa.string()), pa.table(columns))


def _features(n_items: int) -> torch.Tensor:
    """Return a one-hot category and two numeric features for each item, `[I, 6]`."""
    rng = np.random.default_rng(4)
    values = np.zeros((n_items + 1, 6), np.float32)
    values[np.arange(1, n_items + 1), np.arange(1, n_items + 1) % 4] = 1.0
    values[1:, 4:] = 0.3 * rng.random((n_items, 2))
    return torch.from_numpy(values)


def _lists(n_items: int, features: ItemFeatures, queries: Queries) -> tuple[CandidateLists, CandidateLists]:
    """Return lists with labels and lists without; in both, the relevant items are the half with the lower scores."""
    rng = np.random.default_rng(6)
    n, k = 60, 8
    items = torch.from_numpy(np.stack([rng.permutation(n_items)[:k] + 1 for _ in range(n)]))
    scores = torch.from_numpy(np.sort(rng.random((n, k)).astype(np.float32), axis=1)[:, ::-1].copy())
    filled = torch.arange(k)[None] < torch.from_numpy(np.where(np.arange(n) % 5 == 4, 5, k))[:, None]
    items, scores = items * filled, scores.masked_fill(~filled, -torch.inf)
    rank = torch.arange(1, k + 1, dtype=torch.float32).expand(n, k)
    values = torch.stack([scores.masked_fill(~filled, 0.0), rank], dim=-1)
    labels = ((rank > filled.sum(1, keepdim=True) / 2) & filled).float()
    moments = queries.blind().at(np.arange(n) % len(queries))
    whole = CandidateLists(items, scores, values, ("score", "rank"), features, labels, moments)
    return lists_at(whole, torch.arange(40)), replace(lists_at(whole, torch.arange(40, 60)), labels=None)


def lists_at(lists: CandidateLists, rows: torch.Tensor) -> CandidateLists:
    """Return the lists at `rows`, in that order."""
    labels = None if lists.labels is None else lists.labels[rows]
    queries = None if lists.queries is None else lists.queries.at(rows.numpy())
    return replace(
        lists,
        items=lists.items[rows],
        scores=lists.scores[rows],
        features=lists.features[rows],
        labels=labels,
        queries=queries,
    )


def checkerboard() -> World:
    """Return 100 users who take all fields of one colour except one, in random order; the withheld field is the target."""
    n, rng = 20, np.random.default_rng(0)
    fields = rng.permutation(n) + 1
    withheld = np.arange(100) % n
    rows = [rng.permutation([i for i in range(w % 2, n, 2) if i != w]) for w in withheld]
    places = np.concatenate([np.append(row, w) for row, w in zip(rows, withheld, strict=True)])
    users, step = np.divmod(np.arange(len(places)), n // 2)
    taken = step < n // 2 - 1
    return _world(Events(users, fields[places], START + step * DAY, np.zeros_like(users), taken, taken), n)


def cycle() -> World:
    """Return 90 users who walk along a cycle of 15 items from different starts; the next item is the target."""
    n, rng = 15, np.random.default_rng(1)
    circle = rng.permutation(n) + 1
    lengths = rng.integers(5, 11, 90)
    users = np.repeat(np.arange(90), lengths)
    step = np.arange(len(users)) - np.searchsorted(users, users)
    taken = step < lengths[users] - 1
    return _world(
        Events(users, circle[(users * 7 + step) % n], START + step * DAY, np.zeros_like(users), taken, taken), n
    )
