"""Training batches against a loop over users."""

import math
from collections import Counter
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.data.batches import NextMomentBatches, PairBatches, SequenceBatches, hidden_items, next_item
from zoo.data.interactions import Interactions


@st.composite
def logs(draw):
    """Draw a log; some users have no events, or one."""
    lengths = draw(st.lists(st.integers(0, 9), min_size=1, max_size=25))
    users = np.repeat(np.arange(len(lengths)), lengths)
    rng = np.random.default_rng(draw(st.integers(0, 100)))
    return Interactions.from_arrays(
        users, rng.integers(1, 30, len(users)), rng.permutation(len(users)) + 1, n_items=30, n_users=len(lengths),
        events=rng.integers(0, 2, len(users)), event_names=("view", "purchase"),
    )  # fmt: skip


def batches_of(log, length=4, batch_size=3, seed=0):
    return SequenceBatches(log, length + 1, batch_size, np.random.default_rng(seed), next_item)


@settings(max_examples=50)
@given(log=logs(), length=st.integers(1, 6), batch_size=st.integers(1, 5))
def test_every_position_is_asked_for_what_came_next(log, length, batch_size):
    batches = batches_of(log, length, batch_size)
    seen = Counter()
    found = list(batches)
    assert len(found) == len(batches)
    for batch in found:
        longest = 0
        for row, user in enumerate(batch.inputs.users.tolist()):
            mine = slice(max(log.offsets[user] - length - 1, log.offsets[user - 1]), log.offsets[user])
            items, times, events = (a[mine].tolist() for a in (log.items, log.times, log.events))
            n = len(items) - 1
            longest, width = max(longest, n), batch.targets.shape[1]
            padding = [0] * (width - n)
            assert batch.inputs.items[row].tolist() == items[:-1] + padding
            assert batch.targets[row].tolist() == items[1:] + padding
            assert batch.inputs.times[row].tolist() == times[:-1] + padding
            assert batch.inputs.events[row].tolist() == events[:-1] + padding
            assert batch.inputs.now[row].tolist() == times[1:] + padding
            assert int(batch.inputs.lengths[row]) == n
            seen[user] += 1
        assert batch.targets.shape[1] == longest  # no column is padding alone
    assert seen == Counter((np.flatnonzero(log.lengths >= 2) + 1).tolist())


@settings(max_examples=50)
@given(log=logs(), length=st.integers(1, 6), seed=st.integers(0, 20))
def test_windows_read_the_whole_history(log, length, seed):
    batches = SequenceBatches(log, length + 1, 3, np.random.default_rng(seed), next_item, windows="all")
    asked = {user: [0] * n for user, n in enumerate(log.lengths.tolist(), 1)}
    ends = {user: [] for user in asked}
    for _ in range(3):
        epoch = list(batches)
        assert len(epoch) == len(batches)
        for batch in epoch:
            for row, user in enumerate(batch.inputs.users.tolist()):
                n = int(batch.inputs.lengths[row]) + 1
                times = [*batch.inputs.times[row, : n - 1].tolist(), int(batch.inputs.now[row, n - 2])]
                mine = log.times[log.offsets[user - 1] : log.offsets[user]].tolist()
                start = mine.index(times[0])
                assert times == mine[start : start + n]  # a part without a gap
                assert n == min(len(mine), length + 1)
                ends[user].append(start + n)
                for at in range(start + 1, start + n):
                    asked[user][at] += 1
    for user, n in enumerate(log.lengths.tolist(), 1):
        windows = math.ceil((n - 1) / length) if n > 1 else 0
        assert len(ends[user]) == 3 * windows
        assert ends[user].count(n) >= 3 * (windows > 0)  # the latest events in each epoch


@st.composite
def tied_logs(draw):
    """Draw a log in which several events of a user may happen at one moment."""
    log = draw(logs())
    times = np.sort(np.random.default_rng(draw(st.integers(0, 100))).integers(0, 4, len(log)) + 10 * log.users)
    return replace(log, times=times)


@settings(max_examples=50)
@given(log=tied_logs(), length=st.integers(1, 6), windows=st.sampled_from(["all", "last"]))
def test_events_are_asked_for_the_next_moment(log, length, windows):
    batches = NextMomentBatches(log, length, 3, np.random.default_rng(0), windows=windows)
    found = list(batches)
    assert len(found) == len(batches)
    seen = Counter()
    for batch in found:
        for row, user in enumerate(batch.inputs.users.tolist()):
            mine = slice(log.offsets[user - 1], log.offsets[user])
            items, times = log.items[mine].tolist(), log.times[mine].tolist()
            n = int(batch.inputs.lengths[row])
            shown = batch.inputs.items[row, :n].tolist()
            at = batch.inputs.times[row, :n].tolist()
            assert n > 0
            assert shown in [items[i : i + n] for i in range(len(items))]
            assert (batch.targets[row, n:] == 0).all()
            for place in range(n):
                following = min(time for time in times if time > at[place])
                assert int(batch.inputs.now[row, place]) == following
                assert int(batch.targets[row, place]) in [
                    item for item, time in zip(items, times, strict=True) if time == following
                ]
            seen[user] += 1
    for user in range(1, log.n_users + 1):
        times = log.times[log.offsets[user - 1] : log.offsets[user]]
        usable = int((times < times.max()).sum()) if len(times) else 0
        assert seen[user] == (min(usable, 1) if windows == "last" else math.ceil(usable / length))


def test_every_event_of_the_next_moment_is_asked_for():
    items, times = np.array([7, 1, 2, 3, 8]), np.array([0, 1, 1, 1, 2])
    log = Interactions.from_arrays(np.zeros(5, np.int64), items, times)
    batches = NextMomentBatches(log, 4, 1, np.random.default_rng(0))
    targets = np.concatenate([batch.targets.numpy() for _ in range(300) for batch in batches])
    assert set(targets[:, 1:].ravel().tolist()) == {8}
    counts = np.bincount(targets[:, 0], minlength=4)[1:]
    assert counts.sum() == 300
    assert counts.min() > 60


def test_windows_are_placed_at_random_and_leave_nothing_out():
    log = Interactions.from_arrays(np.zeros(95, np.int64), np.arange(1, 96), np.arange(95))
    batches = SequenceBatches(log, 11, 4, np.random.default_rng(0), next_item, windows="all")
    epochs = [np.concatenate([batch.targets.reshape(-1).numpy() for batch in batches]) for _ in range(200)]
    counts = np.bincount(np.concatenate(epochs), minlength=96)[1:]
    assert all(len(epoch) == 100 for epoch in epochs)  # ten windows hold 94 targets
    assert counts[0] == 0  # the first event is never a target
    assert counts[1:].min() > 10
    assert counts[12:-10].min() > 100  # about 200 each
    assert not np.array_equal(np.sort(epochs[0]), np.sort(epochs[1]))


def test_windows_of_short_histories_are_the_histories():
    log = Interactions.from_arrays(np.repeat(np.arange(9), 6), np.arange(1, 55), np.arange(54))
    whole, last = (
        list(SequenceBatches(log, 6, 4, np.random.default_rng(0), next_item, windows=windows))
        for windows in ("all", "last")
    )
    assert all(torch.equal(a.targets, b.targets) for a, b in zip(whole, last, strict=True))


def test_batches_are_of_like_length_and_in_random_order():
    lengths = np.random.default_rng(0).integers(2, 40, 2000)
    users = np.repeat(np.arange(2000), lengths)
    log = Interactions.from_arrays(users, np.ones(len(users), np.int64), np.arange(len(users)))
    batches = batches_of(log, length=50, batch_size=32)
    epoch = list(batches)
    cells = sum(b.targets.numel() for b in epoch)
    assert cells < 1.1 * (lengths - 1).sum()  # shuffled batches of 32 would be half padding
    widths = [b.targets.shape[1] for b in epoch]
    assert abs(np.corrcoef(np.arange(len(widths)), widths)[0, 1]) < 0.3
    first = [b.inputs.users.tolist() for b in epoch]
    assert first != [b.inputs.users.tolist() for b in batches]  # each epoch anew
    assert first == [b.inputs.users.tolist() for b in batches_of(log, length=50, batch_size=32)]
    assert {type(b.to("cpu").targets) for b in epoch} == {torch.Tensor}


@settings(max_examples=50)
@given(log=logs(), rate=st.floats(0.05, 0.95))
def test_hidden_items_are_asked_for_and_not_shown(log, rate):
    rng = np.random.default_rng(0)
    for batch in SequenceBatches(log, 5, 3, rng, partial(hidden_items, rate=rate, rng=rng)):
        inputs = batch.inputs
        for row, user in enumerate(inputs.users.tolist()):
            items = log.items[max(log.offsets[user] - 5, log.offsets[user - 1]) : log.offsets[user]].tolist()
            hidden = inputs.masked[row].tolist()
            shown = inputs.items[row].tolist()
            assert any(hidden)
            assert not any(hidden[len(items) :])
            for at, item in enumerate(items):
                assert (shown[at], int(batch.targets[row, at])) == ((0, item) if hidden[at] else (item, 0))
            types = log.events[log.offsets[user] - len(items) : log.offsets[user]].tolist()
            expected = [0 if concealed else kind for concealed, kind in zip(hidden, types, strict=False)]
            assert inputs.events[row].tolist() == expected + [0] * (len(hidden) - len(items))
        assert torch.equal(inputs.now, inputs.times)


def test_the_events_of_a_moment_are_hidden_together():
    rng = np.random.default_rng(0)
    users, moments = np.repeat(np.arange(30), 12), np.tile(np.repeat(np.arange(4), [1, 4, 2, 5]), 30)
    log = Interactions.from_arrays(users, 1 + rng.integers(0, 9, 360), moments, n_items=9)
    assert log.has_ties
    assert not replace(log, ties="file").has_ties
    shares = []
    for last_share in (0.0, 1.0):
        hide = partial(hidden_items, rate=0.3, rng=rng, last_share=last_share, moments=True)
        for batch in SequenceBatches(log, 10, 8, rng, hide):
            hidden, times = batch.inputs.masked, batch.inputs.times
            shares.append(hidden.float().mean())
            assert hidden.any(1).all()
            same = times[:, 1:] == times[:, :-1]
            assert torch.equal(hidden[:, 1:][same], hidden[:, :-1][same])
            if last_share:
                assert torch.equal(hidden, times == times[:, -1:])
    assert min(shares) > 0.1


def test_the_share_of_hidden_items_is_the_rate():
    log = Interactions.from_arrays(np.repeat(np.arange(200), 50), np.ones(10_000, np.int64), np.arange(10_000))
    rng = np.random.default_rng(0)
    batches = list(SequenceBatches(log, 50, 40, rng, partial(hidden_items, rate=0.3, rng=rng)))
    hidden = sum(int(b.inputs.masked.sum()) for b in batches)
    assert abs(hidden / 10_000 - 0.3) < 0.02


def test_in_a_share_of_the_sequences_the_last_item_alone_is_hidden():
    log = Interactions.from_arrays(np.repeat(np.arange(400), 5), np.ones(2_000, np.int64), np.arange(2_000))
    rng = np.random.default_rng(0)
    hide = partial(hidden_items, rate=0.01, rng=rng, last_share=0.75)
    hidden = torch.cat([b.inputs.masked for b in SequenceBatches(log, 5, 40, rng, hide)])
    assert hidden.sum(1).eq(1).float().mean() > 0.9
    # Three quarters of them, and of the others, where one of five is hidden at random, a fifth.
    assert abs(hidden[:, -1].float().mean() - 0.8) < 0.06


@settings(max_examples=30)
@given(log=logs(), batch_size=st.integers(1, 5))
def test_pairs_are_the_events(log, batch_size):
    batches = PairBatches(log, batch_size, np.random.default_rng(0))
    found = list(batches)
    assert len(found) == len(batches)
    pairs = Counter(
        (u, i) for b in found for u, i in zip(b.inputs.users.tolist(), b.targets[:, 0].tolist(), strict=True)
    )
    assert pairs == Counter(zip((log.users + 1).tolist(), log.items.tolist(), strict=True))
