"""Every metric against a loop in plain Python, and against torchmetrics where the two mean the same."""

import math
from itertools import permutations

import numpy as np
import pytest
import scipy.sparse
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchmetrics.functional import retrieval

from zoo.builtin import zoo_components
from zoo.evaluation.evaluated_lists import EvaluatedLists
from zoo.evaluation.evaluator import Evaluator
from zoo.evaluation.metric import CatalogueMetric, Facts
from zoo.evaluation.metrics.diversity import diversity
from zoo.stages.item_features import ItemFeatures

SPECS = {spec.name: spec for spec in zoo_components() if spec.stage == "metric"}


@st.composite
def cases(draw, min_targets=1):
    """Draw lists with empty slots, one or several targets a query, and what is known of the items."""
    n_items = draw(st.integers(max(min_targets, 1), 9))
    numbers = st.lists(st.integers(1, n_items), unique=True, max_size=n_items)
    n_queries = draw(st.integers(1, 6))
    lists = [draw(numbers) for _ in range(n_queries)]
    several = draw(st.booleans())  # with one target each, lists are judged another way
    sets = [set(draw(numbers.filter(lambda s: len(s) >= min_targets))) for _ in range(n_queries)]
    if not several:
        sets = [set(sorted(s)[:1]) for s in sets]
    facts = Facts(
        counts=torch.tensor([0, *draw(st.lists(st.integers(0, 9), min_size=n_items, max_size=n_items))]),
        eligible=torch.tensor([False, *draw(st.lists(st.booleans(), min_size=n_items, max_size=n_items))]),
        prices=torch.tensor(
            [torch.nan, *draw(st.lists(st.sampled_from([1.0, 2.5, torch.nan]), min_size=n_items, max_size=n_items))],
            dtype=torch.float64,
        ),
        features=features_of(draw(st.integers(0, 99)), n_items),
    )
    return lists, sets, facts


def features_of(seed, n_items, width=4):
    """Return features of which some rows are zero and some alike."""
    values = np.random.default_rng(seed).integers(-1, 2, (n_items + 1, width)).astype(np.float32)
    values[0] = 0
    return ItemFeatures(torch.from_numpy(values), tuple("abcd"[:width]))


def hit(found, wanted, k, facts):
    return float(any(i in wanted for i in found[:k]))


def recall(found, wanted, k, facts):
    return sum(i in wanted for i in found[:k]) / len(wanted)


def recall_min(found, wanted, k, facts):
    return sum(i in wanted for i in found[:k]) / min(k, len(wanted))


def precision(found, wanted, k, facts):
    return sum(i in wanted for i in found[:k]) / k


def ndcg(found, wanted, k, facts):
    reached = sum(1 / math.log2(r + 1) for r, i in enumerate(found[:k], 1) if i in wanted)
    return reached / sum(1 / math.log2(r + 1) for r in range(1, min(k, len(wanted)) + 1))


def mrr(found, wanted, k, facts):
    return next((1 / r for r, i in enumerate(found[:k], 1) if i in wanted), 0.0)


def average_precision(found, wanted, k, facts):
    at_hits = [precision(found, wanted, r, facts) for r, i in enumerate(found[:k], 1) if i in wanted]
    return sum(at_hits) / min(k, len(wanted))


def average_precision_all(found, wanted, k, facts):
    at_hits = [precision(found, wanted, r, facts) for r, i in enumerate(found[:k], 1) if i in wanted]
    return sum(at_hits) / len(wanted)


def novelty(found, wanted, k, facts):
    total = max(int(facts.counts.sum()), 1)
    bits = [-math.log2(max(int(facts.counts[i]), 1) / total) for i in found[:k]]
    return sum(bits) / len(bits) if bits else math.nan


def pairwise_distance(found, wanted, k, facts):
    vectors = facts.features.values.double()
    distances = []
    for a in found[:k]:
        for b in found[:k]:
            if a != b:
                norms = float(vectors[a].norm() * vectors[b].norm())
                distances.append(1 - (float(vectors[a] @ vectors[b]) / norms if norms > 0 else 0.0))
    return sum(distances) / len(distances) if distances else math.nan


def revenue(found, wanted, k, facts):
    prices = [float(facts.prices[i]) for i in found[:k] if i in wanted]
    return sum(p for p in prices if not math.isnan(p))


PER_QUERY = [
    ("hit", {}, hit),
    ("recall", {}, recall),
    ("recall", {"normalise": "min"}, recall_min),
    ("precision", {}, precision),
    ("ndcg", {}, ndcg),
    ("mrr", {}, mrr),
    ("map", {}, average_precision),
    ("map", {"normalise": "all"}, average_precision_all),
    ("novelty", {}, novelty),
    ("diversity", {}, pairwise_distance),
    ("revenue", {}, revenue),
]


@given(case=cases(), k=st.integers(1, 12), spare=st.integers(0, 3))
def test_each_query_has_the_value_of_a_plain_loop(metric, targets_of, lists_of, case, k, spare):
    lists, sets, facts = case
    width = max(max(map(len, lists)) + spare, 1)
    metrics = [metric(name, k=k, **params) for name, params, _ in PER_QUERY]
    evaluation = Evaluator(metrics, facts).evaluate(lists_of(lists, width), targets_of(sets))
    for measured, (_, _, reference) in zip(metrics, PER_QUERY, strict=True):
        expected = np.array([reference(found, wanted, k, facts) for found, wanted in zip(lists, sets, strict=True)])
        np.testing.assert_allclose(evaluation.per_query[measured.name], expected, atol=1e-6, err_msg=measured.name)
        mean = np.nanmean(expected) if not np.isnan(expected).all() else math.nan
        np.testing.assert_allclose(evaluation.values[measured.name], mean, atol=1e-6, err_msg=measured.name)


@given(case=cases(), k=st.integers(1, 12))
def test_coverage_and_gini_are_those_of_counted_items(metric, targets_of, lists_of, case, k):
    lists, sets, facts = case
    evaluator = Evaluator([metric("coverage", k=k), metric("gini", k=k)], facts)
    values = evaluator.evaluate(lists_of(lists, 9), targets_of(sets)).values
    eligible = facts.eligible.nonzero().squeeze(1).tolist()
    shown = [sum(i in found[:k] for found in lists) for i in eligible]
    coverage = sum(n > 0 for n in shown) / len(eligible) if eligible else math.nan
    np.testing.assert_allclose(values[f"coverage@{k}"], coverage)
    differences = sum(abs(a - b) for a in shown for b in shown)  # the definition by the mean absolute difference
    gini = differences / (2 * len(shown) * sum(shown)) if sum(shown) else math.nan
    np.testing.assert_allclose(values[f"gini@{k}"], gini, atol=1e-12)


def test_gini_of_equal_and_of_single_exposure(metric, targets_of, lists_of):
    facts = Facts(torch.zeros(5, dtype=torch.int64), torch.tensor([False, True, True, True, True]))
    evaluator = Evaluator([metric("gini", k=2)], facts)
    assert evaluator.evaluate(lists_of([[1, 2], [3, 4]], 2), targets_of([{1}, {1}])).values == {"gini@2": 0.0}
    assert evaluator.evaluate(lists_of([[1], [1]], 2), targets_of([{1}, {1}])).values == {"gini@2": 0.75}


def test_textbook_values(metric, targets_of, lists_of):
    """One query, ten slots, targets 1 to 4, of which 1 and 2 are found at the ranks 1 and 4."""
    facts = Facts(torch.zeros(10, dtype=torch.int64), torch.ones(10, dtype=torch.bool))
    names = ("hit", "recall", "precision", "ndcg", "mrr", "map")
    evaluation = Evaluator([metric(n) for n in names], facts).evaluate(
        lists_of([[1, 7, 8, 2, 9]], 10), targets_of([{1, 2, 3, 4}])
    )
    discounts = [1 / math.log2(r + 1) for r in range(1, 11)]
    expected = {
        "hit@10": 1.0,
        "recall@10": 0.5,
        "precision@10": 0.2,
        "ndcg@10": (discounts[0] + discounts[3]) / sum(discounts[:4]),
        "mrr@10": 1.0,
        "map@10": (1 / 1 + 2 / 4) / 4,
    }
    assert evaluation.values == pytest.approx(expected)


@given(case=cases(), k=st.integers(1, 9))
def test_agrees_with_torchmetrics_on_whole_rankings_with_positive_scores(metric, targets_of, lists_of, case, k):
    """There and only there: torchmetrics takes a score of 0 and less as not retrieved, and ideals from what it is shown."""
    lists, sets, facts = case
    n = len(facts.counts) - 1
    k = min(k, n)
    whole = [found + [i for i in range(1, n + 1) if i not in found] for found in lists]
    evaluator = Evaluator([metric(name, k=k) for name in ("hit", "recall", "precision", "ndcg", "mrr")], facts)
    ours = evaluator.evaluate(lists_of(whole, n), targets_of(sets)).per_query
    theirs = {
        "hit": retrieval.retrieval_hit_rate,
        "recall": retrieval.retrieval_recall,
        "precision": retrieval.retrieval_precision,
        "ndcg": retrieval.retrieval_normalized_dcg,
        "mrr": retrieval.retrieval_reciprocal_rank,
    }
    for q, (found, wanted) in enumerate(zip(whole, sets, strict=True)):
        scores = torch.arange(n, 0, -1).float()
        relevant = torch.tensor([i in wanted for i in found])
        for name, function in theirs.items():
            np.testing.assert_allclose(ours[f"{name}@{k}"][q], function(scores, relevant, top_k=k), atol=1e-5)


@given(case=cases(), k=st.integers(2, 9))
def test_diversity_is_the_same_for_dense_and_sparse_features(targets_of, lists_of, case, k):
    lists, sets, facts = case
    judged = EvaluatedLists.of(lists_of(lists, 9).items, targets_of(sets), k)
    sparse = ItemFeatures.of_sparse(scipy.sparse.csr_matrix(facts.features.values.numpy()), facts.features.names)
    np.testing.assert_allclose(diversity(judged, sparse), diversity(judged, facts.features), atol=1e-6)


def test_diversity_of_more_lists_than_a_block(monkeypatch, targets_of):
    monkeypatch.setattr("zoo.evaluation.metrics.diversity.BLOCK", 3)
    rng = np.random.default_rng(0)
    items = torch.from_numpy(np.stack([rng.permutation(20)[:5] + 1 for _ in range(10)]))
    judged = EvaluatedLists.of(items, targets_of([{1}] * 10), 5)
    features = features_of(0, 20)
    whole = diversity(judged, features)
    assert torch.equal(
        whole, torch.cat([diversity(EvaluatedLists.of(row[None], targets_of([{1}]), 5), features) for row in items])
    )


def test_map_all_of_more_targets_than_slots_is_that_of_trec_eval(metric, targets_of, lists_of):
    """Two slots, four targets, both slots hit: trec_eval's `map_cut_2` is (1/1 + 2/2) / 4."""
    facts = Facts(torch.zeros(10, dtype=torch.int64), torch.ones(10, dtype=torch.bool))
    metrics = [metric("map", k=2), metric("map", k=2, normalise="all")]
    evaluation = Evaluator(metrics, facts).evaluate(lists_of([[1, 2]], 2), targets_of([{1, 2, 3, 4}]))
    assert evaluation.values == {"map@2": 1.0, "map-all@2": 0.5}


@pytest.mark.parametrize(("n", "wanted", "k"), [(5, 3, 2), (4, 2, 4), (6, 1, 3), (3, 3, 5)])
@pytest.mark.parametrize("normalise", ["min", "all"])
def test_the_floor_of_map_is_the_mean_over_all_orders(metric, n, wanted, k, normalise):
    facts = Facts(torch.zeros(n + 1, dtype=torch.int64), torch.ones(n + 1, dtype=torch.bool))
    measured = metric("map", k=k, normalise=normalise)
    reference = average_precision if normalise == "min" else average_precision_all
    orders = list(permutations(range(1, n + 1)))
    expected = sum(reference(list(order), set(range(1, wanted + 1)), k, facts) for order in orders) / len(orders)
    found = measured.chance(torch.tensor([float(n)]).double(), torch.tensor([float(wanted)]).double())
    np.testing.assert_allclose(found, [expected])


def test_names_say_the_cutoff_and_what_recall_and_map_are_divided_by(metric):
    assert metric("ndcg", k=20).name == "ndcg@20"
    assert metric("recall").name == "recall@10"
    assert metric("recall", normalise="min", k=5).name == "recall-min@5"
    assert metric("map").name == "map@10"
    assert metric("map", normalise="all", k=5).name == "map-all@5"


@pytest.mark.parametrize("name", sorted(SPECS))
def test_spec_leads_to_a_metric_of_its_name(metric, name):
    built = metric(name, **SPECS[name].tiny)
    assert built.name == f"{name}@3"
    assert isinstance(built, CatalogueMetric) == (name in ("coverage", "gini"))
