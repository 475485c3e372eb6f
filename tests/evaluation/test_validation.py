"""The figure that a training watches."""

import numpy as np
import pytest
import torch

from zoo.data.interactions import Interactions
from zoo.data.queries import Queries, Targets
from zoo.errors import ConfigError
from zoo.evaluation.metric import Facts
from zoo.evaluation.validation import Validation
from zoo.registry.registry import load
from zoo.stages.candidates import Candidates


@pytest.fixture
def queries():
    """Twenty users whose target is their own number."""
    log = Interactions.from_arrays(np.arange(20), np.arange(20) + 1)
    return Queries.of_histories(log, Targets(np.arange(21), np.arange(1, 21, dtype=np.int32), np.zeros(20, np.bool_)))


def validation(queries, metric="hit", most=100):
    return Validation(load(metric, "metric", k=2), Facts.of(queries.log), queries, most)


@pytest.mark.parametrize("most", [1, 7, 20, 100])
def test_asks_so_many_queries_evenly_drawn(queries, most):
    asked = []

    def recommend(some, k):
        asked.append((some.users, k))
        items = torch.from_numpy(np.stack([some.users, some.users % 20 + 1], 1))
        items[some.users > 10] = 0
        return Candidates(items, torch.zeros(items.shape), torch.zeros(len(items), dtype=torch.bool))

    value = validation(queries, most=most)(recommend)
    ((users, k),) = asked
    assert len(users) == min(most, 20)
    assert k == 2
    assert value == (users <= 10).mean()
    assert most == 1 or np.ptp(np.diff(users)) <= 1


def test_a_metric_of_which_more_is_not_better_is_refused(queries):
    with pytest.raises(ConfigError, match=r"train\.monitor: .* which 'coverage@2' is not\. Choose a metric such as"):
        validation(queries, "coverage")


@pytest.mark.parametrize("most", [2, 7, 20])
def test_each_rank_asks_its_share_and_the_sums_are_those_of_all(queries, most, monkeypatch):
    """Three ranks; of two queries one of them has none."""

    def recommend(some, k):
        items = torch.from_numpy(np.stack([some.users, some.users % 20 + 1], 1))
        items[some.users > 10] = 0
        return Candidates(items, torch.zeros(items.shape), torch.zeros(len(items), dtype=torch.bool))

    whole = validation(queries, most=most)(recommend)
    total = count = 0.0
    for rank in range(3):
        monkeypatch.setattr("zoo.evaluation.validation.own_share", lambda rank=rank: slice(rank, None, 3))
        share = validation(queries, most=most)
        share(recommend)
        total, count = total + float(share.metric.total), count + float(share.metric.count)
    assert count == most
    assert total / count == whole
