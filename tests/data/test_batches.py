"""Training batches against a loop over users."""

from collections import Counter

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.data.batches import SequenceBatches
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
    return SequenceBatches(log, length, batch_size, np.random.default_rng(seed))


@settings(deadline=None, max_examples=50)
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
