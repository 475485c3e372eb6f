"""Queries and targets against plain lists."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from zoo.data.interactions import Interactions
from zoo.data.queries import Queries, Targets


@st.composite
def queries_of(draw):
    """Return queries with random histories, and each history as a list of (item, time, event)."""
    lengths = draw(st.lists(st.integers(0, 6), min_size=1, max_size=6))
    n = sum(lengths)
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    users = np.repeat(np.arange(len(lengths)), lengths)
    log = Interactions.from_arrays(
        users, rng.integers(1, 8, n), np.arange(n) * 10, n_items=7, n_users=len(lengths), events=rng.integers(0, 2, n),
        event_names=["view", "purchase"], event_weights=[1.0, 5.0],
    )  # fmt: skip
    row = np.array(draw(st.lists(st.integers(0, len(lengths) - 1), min_size=1, max_size=8)))
    end = np.array([log.offsets[r] + draw(st.integers(0, lengths[r])) for r in row])
    counts = np.array([draw(st.integers(0, 3)) for _ in row])
    items = np.concatenate([np.sort(rng.choice(np.arange(1, 8), c, replace=False)) for c in counts]).astype(np.int32)
    targets = Targets(np.concatenate([[0], np.cumsum(counts)]), items, items > 5)
    queries = Queries(log, row, end, end * 100, row + 1, targets)
    events = [
        [(int(log.items[i]), int(log.times[i]), int(log.events[i])) for i in range(log.offsets[r], e)]
        for r, e in zip(row, end, strict=True)
    ]
    return queries, events


def items_of(queries):
    h = queries.histories
    return [h.items[a:b].tolist() for a, b in zip(h.offsets[:-1], h.offsets[1:], strict=True)]


def targets_of(targets):
    return [targets.items[a:b].tolist() for a, b in zip(targets.offsets[:-1], targets.offsets[1:], strict=True)]


@given(queries_of())
def test_histories_and_matrix(case):
    queries, events = case
    assert items_of(queries) == [[e[0] for e in h] for h in events]
    assert queries.histories.rows.tolist() == [q for q, h in enumerate(events) for _ in h]
    expected = np.zeros((len(events), 8))
    for q, history in enumerate(events):
        for item, _, kind in history:
            expected[q, item] += (1.0, 5.0)[kind]
    assert np.array_equal(queries.matrix().toarray(), expected)
    assert np.array_equal(queries.matrix(binary=True).toarray(), expected > 0)


@given(queries_of(), st.integers(1, 4))
def test_a_batch_holds_the_last_events_right_padded(case, length):
    queries, events = case
    batch = queries.batch(length)
    last = [h[-length:] for h in events]
    width = max(1, *map(len, last))
    assert batch.items.shape == (len(events), width)
    for q, history in enumerate(last):
        n, padding = len(history), [0] * (width - len(history))
        assert batch.items[q].tolist() == [e[0] for e in history] + padding
        assert batch.times[q].tolist() == [e[1] for e in history] + padding
        assert batch.events[q].tolist() == [e[2] for e in history] + padding
        asked_at = [*[e[1] for e in history[1:]], int(queries.now[q])]
        assert batch.now[q, : max(n, 1)].tolist() == asked_at
    assert batch.lengths.tolist() == [len(h) for h in last]
    assert batch.users.tolist() == queries.users.tolist()
    assert not batch.masked.any()
    assert batch.items.dtype == torch.int64


@given(queries_of(), st.data())
def test_blocks_and_choices_of_queries(case, data):
    queries, events = case
    a = data.draw(st.integers(0, len(events)))
    b = data.draw(st.integers(a, len(events)))
    assert items_of(queries[a:b]) == [[e[0] for e in h] for h in events[a:b]]
    assert targets_of(queries[a:b].targets) == targets_of(queries.targets)[a:b]
    kept = np.array(data.draw(st.lists(st.booleans(), min_size=len(events), max_size=len(events))), np.bool_)
    chosen = queries.where(kept)
    assert items_of(chosen) == [[e[0] for e in h] for h, k in zip(events, kept, strict=True) if k]
    assert targets_of(chosen.targets) == [t for t, k in zip(targets_of(queries.targets), kept, strict=True) if k]
    assert chosen.targets.cold.tolist() == [i > 5 for i in chosen.targets.items.tolist()]
    assert queries.blind().targets is None


@given(queries_of())
def test_targets_may_be_chosen_without_losing_queries(case):
    targets = case[0].targets
    cold = targets.where(targets.cold)
    assert targets_of(cold) == [[i for i in t if i > 5] for t in targets_of(targets)]
    assert targets.counts.tolist() == [len(t) for t in targets_of(targets)]


@given(queries_of(), st.sets(st.integers(1, 7)), st.booleans())
def test_a_restricted_query_knows_no_other_items_and_users(case, known, one):
    queries, events = case
    if one:  # a single request takes the way that does not copy the whole log
        queries, events = queries[:1], events[:1]
    mask = np.isin(np.arange(8), list(known))
    known_users = np.arange(queries.log.n_users + 1) % 2 == 1
    restricted = queries.restricted(mask, known_users)
    assert items_of(restricted) == [[e[0] for e in h if e[0] in known] for h in events]
    assert restricted.users.tolist() == [u if u % 2 else 0 for u in queries.users.tolist()]
    assert restricted.now.tolist() == queries.now.tolist()
    assert targets_of(restricted.targets) == targets_of(queries.targets)


def test_whole_rows_as_queries():
    log = Interactions.from_arrays(np.array([0, 2, 2]), np.array([1, 2, 3]), np.array([5, 6, 7]), n_users=3)
    queries = Queries.of_histories(log)
    assert items_of(queries) == [[1], [], [2, 3]]
    assert queries.users.tolist() == [1, 2, 3]
    assert queries.now.tolist() == [6, 8, 8]


@given(queries_of())
def test_compact_queries_are_the_same_on_a_log_of_their_histories_alone(case):
    queries, events = case
    compact = queries.compact()
    assert items_of(compact) == items_of(queries)
    assert len(compact.log) == sum(map(len, events))
    assert compact.now.tolist() == queries.now.tolist()
    assert compact.users.tolist() == queries.users.tolist()
    assert targets_of(compact.targets) == targets_of(queries.targets)
