"""What the base of all metrics promises: sums that add up, facts that are there, and a short way to one's own."""

import numpy as np
import pyarrow as pa
import pytest
import torch

from zoo.api import CutoffParams, QueryMetric
from zoo.data.catalogue import Catalogue
from zoo.data.interactions import Interactions
from zoo.errors import ConfigError, ScoreError
from zoo.evaluation.evaluated_lists import EvaluatedLists
from zoo.evaluation.metric import Facts

NAMES = ("hit", "recall", "precision", "ndcg", "mrr", "map", "coverage", "gini", "novelty")


class FirstHit(QueryMetric[CutoffParams]):
    """Share of the lists that begin with a target."""

    title = "first-hit"

    def values(self, judged, facts):
        return judged.hits[:, 0].double()


@pytest.fixture
def facts():
    return Facts(torch.tensor([0, 5, 1, 1, 0, 7, 2]), torch.tensor([False, True, True, True, False, True, True]))


@pytest.fixture
def judged(lists_of, targets_of):
    lists = [[1, 2, 3], [5], [], [6, 1], [2, 3, 1], [4, 5, 6], [1]]
    sets = [{1}, {5, 6}, {1, 2, 3}, {1}, {4, 5}, {6}, {2}]
    return [
        EvaluatedLists.of(lists_of(lists[a:b], 3).items, targets_of(sets[a:b]), 3)
        for a, b in [(0, 7), (0, 2), (2, 3), (3, 7)]
    ]


@pytest.mark.parametrize("name", NAMES)
def test_several_updates_equal_one(metric, facts, judged, name):
    whole, *blocks = judged
    once, often = metric(name, k=2), metric(name, k=2)
    for m, parts in ((once, [whole]), (often, blocks)):
        m.bind(facts)
        for part in parts:
            m.update(part)
    torch.testing.assert_close(often.compute(), once.compute(), rtol=0, atol=1e-15)
    often.reset()
    often.update(whole)
    torch.testing.assert_close(often.compute(), once.compute(), rtol=0, atol=1e-15)


@pytest.mark.parametrize("name", NAMES)
def test_states_of_several_processes_add_up(metric, facts, judged, name):
    """`merge_state` reduces states as torchmetrics does between processes, also where one process saw nothing."""
    whole, *blocks = judged
    once, *shards = (metric(name, k=2) for _ in range(4))
    for m, part in zip((once, *shards), (whole, *blocks), strict=True):
        m.bind(facts)
        m.update(part)
    idle = metric(name, k=2)
    idle.bind(facts)
    for shard in (*shards[1:], idle):
        shards[0].merge_state(shard)
    torch.testing.assert_close(shards[0].compute(), once.compute(), rtol=0, atol=1e-15)


def test_a_metric_of_ones_own(facts, judged):
    own = FirstHit(CutoffParams(k=1))
    own.bind(facts)
    own.update(judged[0])
    assert own.name == "first-hit@1"
    assert own.latest.tolist() == [1, 1, 0, 0, 0, 0, 0]
    assert float(own.compute()) == pytest.approx(2 / 7)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "revenue",
            "metric 'revenue@10' needs prices, and the catalogue has no numeric column 'price': map one in "
            "data.item_columns, or remove the metric.",
        ),
        (
            "diversity",
            "metric 'diversity@10' needs features, and the task has no item features: set a featurizer, or remove the "
            "metric.",
        ),
    ],
)
def test_a_missing_fact_is_named(metric, facts, name, message):
    with pytest.raises(ConfigError) as error:
        metric(name).bind(facts)
    assert str(error.value) == message


def test_facts_of_a_log_and_a_catalogue():
    log = Interactions.from_arrays(np.array([0, 0, 1]), np.array([2, 3, 2]), n_items=4)
    table = pa.table({"price": pa.array([None, 1.5, None, 4.0, 2.0])})
    facts = Facts.of(log, Catalogue(Catalogue.bare(4).ids, table), np.array([True, True, False, True, True]))
    assert facts.n_items == 4
    assert facts.counts.tolist() == [0, 0, 2, 1, 0]
    assert facts.eligible.tolist() == [False, True, False, True, True]
    np.testing.assert_array_equal(facts.prices, [np.nan, 1.5, np.nan, 4.0, 2.0])
    text = Catalogue(Catalogue.bare(4).ids, pa.table({"price": pa.array([None, "1", "2", "3", "4"])}))
    assert Facts.of(log, text).prices is None
    assert Facts.of(log).eligible.tolist() == [False, True, True, True, True]


@pytest.mark.parametrize("sets", [[{3}, {4}], [{3, 9}, {4, 5}]], ids=["one target", "several targets"])
def test_a_target_twice_in_a_list_is_refused(targets_of, sets):
    items = torch.tensor([[1, 2, 3, 5], [9, 4, 2, 4]])
    with pytest.raises(ScoreError) as error:
        EvaluatedLists.of(items, targets_of(sets), 4)
    assert str(error.value) == (
        "the list of query 1 contains item 4 more than once, but the items of a list must be distinct: "
        "fix `recommend` or the ranker that returned it"
    )
