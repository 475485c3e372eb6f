"""The evaluator: which queries count, what chance reaches, what is said of ties."""

from itertools import permutations
from math import isnan

import numpy as np
import pytest
import torch

from zoo.data.interactions import Interactions
from zoo.data.queries import Targets
from zoo.errors import ConfigError
from zoo.evaluation.evaluator import Evaluator
from zoo.evaluation.metric import Facts
from zoo.stages.candidates import Candidates, Exclusions

RANKED = ("hit", "recall", "precision", "ndcg", "mrr", "map")


def facts_of(n_items):
    return Facts(torch.ones(n_items + 1, dtype=torch.int64), torch.arange(n_items + 1) > 0)


def test_queries_without_targets_are_left_out_and_counted(metric, lists_of, targets_of):
    lists, sets = [[1, 2], [3, 1], [2, 4]], [{1}, set(), {5, 4}]
    evaluator = Evaluator([metric("hit", k=2), metric("recall", k=2), metric("coverage", k=2)], facts_of(5))
    evaluation = evaluator.evaluate(lists_of(lists, 2), targets_of(sets))
    assert (evaluation.n_queries, evaluation.skipped) == (2, 1)
    assert evaluation.values == {"hit@2": 1.0, "recall@2": 0.75, "coverage@2": 3 / 5}
    np.testing.assert_array_equal(evaluation.per_query["recall@2"], [1.0, np.nan, 0.5])
    assert "coverage@2" not in evaluation.per_query


def test_no_query_at_all_gives_no_value(metric, lists_of, targets_of):
    evaluation = Evaluator([metric("hit"), metric("novelty")], facts_of(5)).evaluate(
        lists_of([[1, 2]], 2), targets_of([set()])
    )
    assert all(isnan(v) for v in evaluation.values.values())
    assert all(v is None for row in evaluation.summary().values() for v in row)


def test_cutoffs_of_one_list_differ(metric, lists_of, targets_of):
    evaluator = Evaluator([metric("hit", k=1), metric("hit", k=3), metric("mrr", k=8)], facts_of(6))
    assert evaluator.k == 8
    assert evaluator.evaluate(lists_of([[4, 2, 3]], 3), targets_of([{3}])).values == {
        "hit@1": 0.0,
        "hit@3": 1.0,
        "mrr@8": pytest.approx(1 / 3),
    }


def test_evaluating_twice_starts_afresh(metric, lists_of, targets_of):
    evaluator = Evaluator([metric("hit", k=1), metric("coverage", k=1)], facts_of(2))
    first = evaluator.evaluate(lists_of([[1]], 1), targets_of([{1}])).values
    second = evaluator.evaluate(lists_of([[2]], 1), targets_of([{1}])).values
    assert first == {"hit@1": 1.0, "coverage@1": 0.5}
    assert second == {"hit@1": 0.0, "coverage@1": 0.5}


def test_lists_made_in_inference_mode_are_measured(metric, lists_of, targets_of):
    evaluator = Evaluator([metric(name) for name in (*RANKED, "coverage", "gini", "novelty")], facts_of(5))
    with torch.inference_mode():
        lists = lists_of([[1, 2, 3]], 10)
        lists = Candidates(lists.items + 0, lists.scores + 0, lists.tied)
    assert evaluator.evaluate(lists, targets_of([{1, 2}])).values["ndcg@10"] == 1.0


def test_two_metrics_of_one_name_are_refused(metric):
    with pytest.raises(ConfigError) as error:
        Evaluator([metric("hit"), metric("ndcg"), metric("hit")], facts_of(3))
    assert str(error.value) == "evaluate.metrics: 'hit@10' is listed more than once: remove one"
    Evaluator([metric("recall"), metric("recall", normalise="min"), metric("recall", k=5)], facts_of(3))


@pytest.mark.parametrize("width", [2, 5])
def test_share_of_lists_with_a_tie_at_the_edge(metric, targets_of, width):
    scores = torch.tensor(
        [
            [-torch.inf, 3.0, 2.0, 1.0, 0.0, 0.0],  # ties, but past the edge
            [-torch.inf, 2.0, 1.0, 1.0, 0.0, 0.0],  # a tie across the edge
            [-torch.inf, 1.0, 1.0, 0.0, 0.0, 0.0],  # a tie inside
            [-torch.inf, 2.0, -torch.inf, -torch.inf, -torch.inf, -torch.inf],  # empty slots are no tie
        ]
    )
    lists = Candidates.best(scores, width)
    assert Evaluator([metric("hit", k=2)], facts_of(5)).evaluate(lists, targets_of([{1}] * 4)).tied == 0.25


@pytest.mark.parametrize(("n", "wanted", "k"), [(5, 2, 3), (5, 1, 2), (4, 3, 2), (3, 2, 5), (3, 3, 3), (1, 1, 2)])
def test_random_floor_is_the_mean_over_all_orders(metric, lists_of, targets_of, n, wanted, k):
    metrics = [metric(name, k=k) for name in RANKED] + [metric("recall", k=k, normalise="min"), metric("coverage", k=k)]
    evaluator = Evaluator(metrics, facts_of(n))
    orders = list(permutations(range(1, n + 1)))
    sets = [set(range(1, wanted + 1))] * len(orders)
    values = evaluator.evaluate(lists_of(orders, n), targets_of(sets)).values
    floor = evaluator.random_floor(targets_of(sets), n)
    assert floor.keys() == values.keys() - {f"coverage@{k}"}
    assert floor == pytest.approx({name: values[name] for name in floor}, abs=1e-12)


def test_random_floor_of_queries_that_differ(metric, targets_of):
    evaluator = Evaluator([metric("hit", k=2)], facts_of(9))
    floor = evaluator.random_floor(targets_of([{1}, set(), {1, 2}]), np.array([4, 7, 5]))
    assert floor["hit@2"] == pytest.approx((2 / 4 + (1 - 3 / 5 * 2 / 4)) / 2)


def test_a_constant_scorer_reaches_chance_in_the_mean_over_renumberings(metric, targets_of):
    """Items are numbered at random, seen ones are excluded, every score is equal."""
    rng = np.random.default_rng(3)
    n_items, n_queries, k = 40, 30, 5
    seen = [rng.choice(n_items, 8, replace=False) for _ in range(n_queries)]
    rest = [np.setdiff1d(np.arange(n_items), s) for s in seen]
    wanted = [rng.choice(r, size, replace=False) for r, size in zip(rest, rng.integers(1, 4, n_queries), strict=True)]
    evaluator = Evaluator([metric(name, k=k) for name in RANKED], facts_of(n_items))
    values = []
    for _ in range(200):
        number = rng.permutation(n_items) + 1
        targets = targets_of([set(number[w]) for w in wanted])
        rows = torch.arange(n_queries).repeat_interleave(8)
        exclusions = Exclusions(torch.zeros(1, dtype=torch.int64), rows, torch.from_numpy(number[np.concatenate(seen)]))
        lists = Candidates.best(exclusions.apply_(torch.zeros(n_queries, n_items + 1)), k)
        values.append(list(evaluator.evaluate(lists, targets).values.values()))
    chance = np.array(list(evaluator.random_floor(targets, n_items - 8).values()))
    errors = np.std(values, axis=0, ddof=1) / np.sqrt(len(values))
    assert (np.abs(np.mean(values, axis=0) - chance) < 3.5 * errors).all()


def test_part_of_the_metrics_for_a_part_of_the_catalogue(metric):
    evaluator = Evaluator([metric("hit"), metric("gini"), metric("novelty")], facts_of(3), resamples=17)
    part = evaluator.per_query_only()
    assert [m.name for m in part.metrics] == ["hit@10", "novelty@10"]
    assert part.resamples == 17


def test_summary_holds_an_interval_for_each_metric(metric):
    rng = np.random.default_rng(0)
    log = Interactions.from_arrays(np.repeat(np.arange(50), 4), rng.integers(1, 21, 200), n_items=20)
    scores = torch.rand(50, 21, generator=torch.Generator().manual_seed(0))
    scores[:, 0] = -torch.inf

    targets = Targets(np.arange(51), rng.integers(1, 21, 50).astype(np.int32), np.zeros(50, np.bool_))
    names = (*RANKED, "coverage", "gini", "novelty")
    evaluator = Evaluator([metric(name, k=5) for name in names], Facts.of(log), resamples=200)
    summary = evaluator.evaluate(Candidates.best(scores, 5), targets).summary()
    assert list(summary) == [f"{name}@5" for name in names]
    for value, low, high in summary.values():
        assert (low is None) == (high is None)
        if low is None:
            continue  # too few hits
        assert low <= value <= high
        assert low < high or value == 1.0  # everything is shown whatever is drawn
