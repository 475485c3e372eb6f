from dataclasses import replace

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from shopzoo_baselines.params import TransitionGraphParams
from shopzoo_baselines.transition_graph import TransitionGraph, transitions

from zoo.api import Interactions, Queries


def moments_of(history, ties):
    """Return the events of a user in lists, one for each moment."""
    moments = []
    for item, time, weight in history:
        if ties == "file" or not moments or moments[-1][0][1] != time:
            moments.append([])
        moments[-1].append((item, time, weight))
    return moments


def naive_graph(users, n_items, window):
    graph = np.zeros((n_items + 1, n_items + 1))
    for moments in users:
        for i, moment in enumerate(moments):
            for step, later in enumerate(moments[i + 1 : i + 1 + window], 1):
                for a, _, _ in moment:
                    for b, _, weight in later:
                        graph[a, b] += weight / step
    sums = graph.sum(1, keepdims=True)
    return np.divide(graph, sums, out=graph, where=sums > 0)


@given(
    st.data(),
    st.integers(1, 4),
    st.integers(1, 4),
    st.sampled_from([0.5, 0.9, 1.0]),
    st.sampled_from(["file", "together"]),
)
def test_it_equals_two_loops(logs, fitted, rows, data, window, history, recency, ties):
    log = replace(data.draw(logs), ties=ties)
    params = TransitionGraphParams(window=window, history=history, recency=recency)
    users = [moments_of(events, ties) for events in rows(log)]
    graph = naive_graph(users, log.n_items, window)
    np.testing.assert_allclose(transitions(log, window).toarray(), graph, rtol=1e-5)
    popularity = log.matrix().sum(axis=0).A1
    expected = np.tile(popularity / popularity.max() - 1, (log.n_users, 1))
    for b, moments in enumerate(users):
        votes = np.zeros(log.n_items + 1)
        for later, moment in enumerate(reversed(moments[-history:])):
            for item, _, _ in moment:
                votes += recency**later * graph[item]
        expected[b] = np.where(votes > 0, votes, expected[b])
    model, queries = fitted(TransitionGraph(params), log), Queries.of_histories(log)
    scores = model.score(queries)
    np.testing.assert_allclose(scores, expected, rtol=1e-5, atol=1e-6)
    for b in range(len(queries)):
        assert torch.equal(model.score(queries[b : b + 1])[0], scores[b])
    again = TransitionGraph(params)
    again.load_state(model.state())
    assert torch.equal(again.score(queries), scores)


def test_a_markov_chain_by_hand(fitted):
    """After item 1 came item 2 twice and item 3 once; item 4 is most popular, and follows nothing."""
    users, items = np.array([0, 0, 1, 1, 2, 2, 3, 4, 5, 6, 7]), np.array([1, 2, 1, 2, 1, 3, 4, 4, 4, 4, 1])
    log = Interactions.from_arrays(users, items)
    model = fitted(TransitionGraph(TransitionGraphParams(window=1, history=1)), log)
    scores = model.score(Queries.of_histories(log))[7]
    np.testing.assert_allclose(scores, [-1, 0, 2 / 3, 1 / 3, 0], atol=1e-6)


def test_events_of_no_weight_lead_nowhere():
    log = Interactions.from_arrays(
        np.zeros(3, int),
        np.array([1, 2, 3]),
        events=np.array([0, 1, 0]),
        event_names=("buy", "view"),
        event_weights=(1, 0),
    )
    assert transitions(log, 2).nonzero()[1].tolist() == [3, 3]
