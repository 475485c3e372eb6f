"""What events add to scores: parts of a sum where a model says so, and falls of the score where it does not."""

import numpy as np
import pytest
import torch

import zoo
from zoo.api import Queries
from zoo.stages.contributions import leave_one_out, without_events

SUMS = {
    "ease": {},
    "item-knn": {"k": 20},
    "item-item-mf": {"factors": 8},
    "als": {"factors": 8},
    "elsa": {"dim": 8},
    "transition-graph": {"window": 3, "history": 6},
    "content-knn": {"recency": 0.8},
    "content-knn with a temperature": {"temperature": 0.3, "history": 6},
    "content-knn with dense features": {"recency": 0.8},
}
INDEPENDENT = ("item-knn", "item-item-mf", "ease", "elsa")
"""Models in which an event adds the same whatever the others are, if no item occurs twice."""


@pytest.fixture(scope="module")
def log():
    shop = zoo.load("synthetic-shop", customers=150, items=60, events=4_000).read()
    return zoo.read_log(shop.interactions, shop.items)


@pytest.fixture(scope="module")
def explained(log):
    """Return a function that fits a model once, and returns its predictor, some queries as it sees them, and items to explain."""
    known = {}

    def fit(name):
        if name not in known:
            model = {"predictor": {"name": name.partition(" ")[0], **SUMS.get(name, {})}}
            if name.startswith("content-knn"):
                model["featurizer"] = ["tabular"] if "dense" in name else ["tf-idf"]
            shop = zoo.fit(model, log, train={"max_epochs": 1})
            queries = Queries.of_histories(shop.histories).at(np.arange(0, 40, 3))
            items = torch.from_numpy(np.random.default_rng(0).integers(1, 61, (len(queries), 5)))
            known[name] = (shop.pipeline.retrieval, *shop.pipeline.retrieval.contributions(queries, items), items)
        return known[name]

    return fit


@pytest.mark.parametrize("name", SUMS)
def test_the_parts_of_a_sum_add_up_to_the_score(explained, name):
    retrieval, queries, found, items = explained(name)
    assert found.exact
    scores = retrieval.predictor.score_items(queries, items)
    total = found.rest.index_add(0, torch.from_numpy(queries.histories.rows), found.values)
    size = scores.abs().max(1, keepdim=True).values
    assert ((total - scores).abs() <= 1e-5 * size).all()
    if name != "transition-graph":  # whose items without a transition have a score of their own
        assert (found.rest.abs() <= 1e-5 * size).all()
    assert found.values.abs().max() > 0


@pytest.mark.parametrize("name", INDEPENDENT)
def test_a_part_is_what_the_score_loses_without_the_event(explained, name):
    retrieval, queries, found, items = explained(name)
    left_out = leave_one_out(retrieval.predictor, queries, items)
    assert not left_out.exact
    once = torch.from_numpy(queries.histories.occurrences == 1)
    assert once.sum() > 20
    torch.testing.assert_close(found.values[once], left_out.values[once], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", ["sasrec", "popular", "personal-popular"])
def test_other_models_lose_a_part_of_the_score_without_each_event(explained, name):
    retrieval, queries, found, items = explained(name)
    assert not found.exact
    one = queries[:1]
    scores = retrieval.predictor.score_items(one, items[:1])[0]
    for event in range(int(one.lengths[0])):
        shorter = without_events(one, [np.array([event])])
        assert shorter.lengths.tolist() == [one.lengths[0] - 1]
        without = retrieval.predictor.score_items(shorter, items[:1])[0]
        torch.testing.assert_close(found.values[event], scores - without, rtol=1e-3, atol=1e-4)


def test_repeated_events_of_an_item_share_its_weight(explained):
    _, queries, found, _ = explained("ease")
    h = queries.histories
    again = np.flatnonzero((h.items[1:] == h.items[:-1]) & (h.rows[1:] == h.rows[:-1]))
    assert len(again)
    assert (found.values[again] == found.values[again + 1]).all()


def test_events_are_left_out_of_their_own_history():
    log = zoo.read_log({"user_id": [1, 1, 1, 2, 2], "item_id": [1, 2, 3, 2, 1], "timestamp": [1, 2, 3, 4, 5]}).log
    queries = Queries.of_histories(log)
    items, where = queries.histories.items, queries.histories.where
    shorter = without_events(queries, [np.array([1]), np.array([4, 3]), np.array([0, 2])])
    assert shorter.histories.items.tolist() == [items[0], items[2], items[1]]
    assert shorter.lengths.tolist() == [2, 0, 1]
    assert shorter.now.tolist() == [queries.now[0], queries.now[1], queries.now[0]]
    assert shorter.users.tolist() == [1, 2, 1]
    assert shorter.histories.times.tolist() == log.times[where[[0, 2, 1]]].tolist()
