"""The event log in memory against plain lists."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.data.interactions import Interactions, stable_order
from zoo.errors import DataError

events_of = st.lists(
    st.tuples(st.integers(0, 6), st.integers(1, 9), st.integers(-3, 3), st.integers(0, 2)), max_size=40
)


def log_of(events, **kwargs):
    users, items, times, types = (np.array([e[i] for e in events], np.int64) for i in range(4))
    return Interactions.from_arrays(
        users, items, times, n_items=9, n_users=8, events=types, event_names=["a", "b", "c"], event_weights=[1.0, 0.5, 4.0], **kwargs
    )  # fmt: skip


@given(events_of)
def test_the_log_is_the_events_sorted_stably(events):
    log = log_of(events, source=pa.table({"at": list(range(len(events)))}))
    order = sorted(range(len(events)), key=lambda i: (events[i][0], events[i][2]))
    expected = [events[i] for i in order]
    assert list(zip(log.users, log.items, log.times, log.events, strict=True)) == expected
    assert log.lengths.tolist() == [sum(e[0] == u for e in events) for u in range(8)]
    assert log.column("at").to_pylist() == order


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(-(2**62), 2**62)), max_size=30),
    st.sampled_from([np.int32, np.int64]),
)
def test_any_times_are_ordered_also_where_user_and_time_do_not_fit_one_integer(pairs, kind):
    users = np.array([u for u, _ in pairs], kind)
    times = np.array([t for _, t in pairs], np.int64)
    expected = sorted(range(len(pairs)), key=lambda i: pairs[i])
    assert stable_order(users, times).tolist() == expected


@given(events_of, st.data())
def test_where_keeps_events_and_all_users(events, data):
    log = log_of(events, source=pa.table({"at": list(range(len(events)))}))
    kept = np.array(data.draw(st.lists(st.booleans(), min_size=len(events), max_size=len(events))), np.bool_)
    part = log.where(kept)
    assert part.n_users == log.n_users
    rows = list(zip(log.users, log.items, log.times, log.events, strict=True))
    expected = [row for row, keep in zip(rows, kept, strict=True) if keep]
    assert list(zip(part.users, part.items, part.times, part.events, strict=True)) == expected
    assert part.column("at").to_pylist() == [
        at for at, keep in zip(log.column("at").to_pylist(), kept, strict=True) if keep
    ]


@given(events_of)
def test_the_matrix_sums_weights_a_pair(events):
    log = log_of(events)
    weighed, binary, counted = np.zeros((8, 10)), np.zeros((8, 10)), np.zeros((8, 10))
    for user, item, _, kind in events:
        weighed[user, item] += [1.0, 0.5, 4.0][kind]
        binary[user, item] = 1.0
        counted[user, item] += 1.0
    assert np.array_equal(log.matrix().toarray(), weighed)
    assert np.array_equal(log.matrix(binary=True).toarray(), binary)
    assert np.array_equal(log.matrix(lambda part: np.ones(len(part), np.float32)).toarray(), counted)
    assert np.array_equal(log.counts(), counted.sum(0))
    assert np.array_equal(log.known, counted.sum(0) > 0)


def test_without_times_the_order_given_is_the_time():
    log = Interactions.from_arrays(np.array([1, 0, 1]), np.array([3, 2, 1]))
    assert log.items.tolist() == [2, 3, 1]
    assert log.times.tolist() == [1, 0, 2]
    assert (log.clock, log.n_items, log.n_users) == ("file-order", 3, 2)


def test_a_column_that_is_not_there_is_refused():
    log = log_of([(0, 1, 0, 0)], source=pa.table({"price": [1.0]}))
    with pytest.raises(DataError) as error:
        log.column("prices")
    assert str(error.value) == "the event log has no column 'prices'. Did you mean 'price'? Its columns: price."
    with pytest.raises(DataError, match="Its columns: none"):
        log_of([(0, 1, 0, 0)]).column("price")
