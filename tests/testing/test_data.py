"""The kit's logs are what the checks take them for."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from zoo.api import Capabilities
from zoo.testing.data import checkerboard, cycle, shop
from zoo.testing.variants import fingerprint, with_new_numbers, with_other_future, without_clock

WORLDS = (shop, checkerboard, cycle)


def histories(world):
    """Return each query's history, as lists."""
    h = world.queries.histories
    return [h.items[a:b].tolist() for a, b in pairwise(h.offsets)]


@pytest.mark.parametrize("world", WORLDS)
def test_is_the_same_each_time(world):
    assert all(fingerprint(world(), lists=lists) == fingerprint(world(), lists=lists) for lists in (True, False))


@pytest.mark.parametrize("world", WORLDS)
def test_histories_come_before_targets_and_training_before_both(world):
    world = world()
    log, q = world.log, world.queries
    place = np.arange(len(log))
    assert (place[world.before] < q.end[log.users[world.before]]).all()
    for query in range(len(q)):
        rest = set(log.items[q.end[query] : log.offsets[query + 1]].tolist())
        assert rest == set(q.targets.items[q.targets.offsets[query] : q.targets.offsets[query + 1]].tolist())
        assert rest
        assert q.now[query] > log.times[log.offsets[query] : q.end[query]].max(initial=0)


def test_the_shop_has_every_kind_of_query():
    world = shop()
    known = world.training.known
    old = [h for h, user in zip(histories(world), world.queries.users, strict=True) if user > 0]
    new = [h for h, user in zip(histories(world), world.queries.users, strict=True) if user == 0]
    assert len(new) == 4
    assert sorted(map(len, new))[:2] == [0, 3]
    assert min(map(len, old)) >= 3
    assert max(map(len, old)) == 24
    assert any(not known[item] for h in old for item in h)
    assert known[1:].sum() == 25
    sums = np.bincount(world.training.items, world.training.weights, minlength=31)[known]
    assert len(set(sums.round(3))) == 25
    weights = world.prepare_queries(world.queries, Capabilities()).log.items
    assert known[weights].all()
    assert not known[world.prepare_queries(world.queries, Capabilities(cold_items=True)).log.items].all()


def test_another_future_leaves_alone_what_may_be_known():
    one, other = shop(), with_other_future(shop())
    assert histories(one) == histories(other)
    for name in ("items", "times", "events", "offsets"):
        assert np.array_equal(getattr(one.training, name), getattr(other.training, name))
        assert (getattr(one.log, name) != getattr(other.log, name)).any() == (name != "offsets")
    assert one.training.column("quantity").equals(other.training.column("quantity"))
    assert not one.log.column("quantity").equals(other.log.column("quantity"))
    assert (one.queries.targets.items[:5] != other.queries.targets.items[:5]).any()


def test_other_names_tell_the_same_story():
    one = shop()
    other, number = with_new_numbers(one)
    assert sorted(number) == list(range(31))
    assert [number[h].tolist() for h in map(np.array, histories(one)) if len(h)] == [h for h in histories(other) if h]
    assert (one.queries.now == other.queries.now).all()
    titles = other.catalogue.column("title").to_pylist()
    assert [titles[n] for n in number] == one.catalogue.column("title").to_pylist()
    assert torch.equal(other.features.values[torch.from_numpy(number)], one.features.values)
    pairs = {(int(number[i]), t) for i, t in zip(one.training.items, one.training.times, strict=True)}
    assert pairs == set(zip(other.training.items.tolist(), other.training.times.tolist(), strict=True))
    assert torch.equal(torch.from_numpy(number)[one.lists.items], other.lists.items)


def test_without_a_clock_the_order_stays():
    one, other = shop(), without_clock(shop())
    assert (np.argsort(one.log.times, kind="stable") == np.argsort(other.log.times, kind="stable")).all()
    assert other.log.times.max() < len(other.log)
    assert (other.queries.now > other.log.times[np.maximum(other.queries.end - 1, 0)])[other.queries.lengths > 0].all()


def test_the_next_field_and_the_next_step_are_what_was_left_out():
    board, walk = checkerboard(), cycle()
    for history, target in zip(histories(board), board.queries.targets.items.tolist(), strict=True):
        assert len({*history, target}) == 10
    colours = {frozenset({*h, t}) for h, t in zip(histories(board), board.queries.targets.items.tolist(), strict=True)}
    assert len(colours) == 2
    after = {(a, b) for h in histories(walk) for a, b in pairwise(h)}
    assert len(after) == 15
    assert {(h[-1], t) for h, t in zip(histories(walk), walk.queries.targets.items.tolist(), strict=True)} <= after
