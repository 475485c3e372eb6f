"""The metrics that read histories, categories or propensities, against loops in plain Python and by hand."""

import math
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from zoo.data.catalogue import Catalogue
from zoo.data.interactions import Interactions
from zoo.data.queries import Queries
from zoo.evaluation.evaluator import Evaluator
from zoo.evaluation.metric import Facts
from zoo.evaluation.metrics.ips_ndcg import propensity_weights
from zoo.stages.item_columns import ItemColumns

CATEGORIES = [None, ["tea"], ["coffee"], ["tea", "cake"], [], ["cake", "cake"]]


def facts_of(counts, categories):
    """Return facts with the counts and a column of category lists of items 1, 2, ..."""
    n = len(counts)
    ids = Catalogue.bare(n).ids
    table = pa.table({"category": pa.array([None, *categories], pa.list_(pa.string()))})
    eligible = torch.tensor([False] + [True] * n)
    return Facts(torch.tensor([0, *counts]), eligible, item_columns=ItemColumns(Catalogue(ids, table)))


def queries_of(histories, n_items):
    """Return a query for each history of item numbers."""
    users = np.repeat(np.arange(len(histories)), [len(h) for h in histories])
    items = np.array([i for h in histories for i in h], np.int64)
    return Queries.of_histories(Interactions.from_arrays(users, items, n_items=n_items, n_users=len(histories)))


@st.composite
def cases(draw):
    """Draw lists, targets, histories and facts."""
    n_items = draw(st.integers(1, 7))
    numbers = st.lists(st.integers(1, n_items), unique=True, max_size=n_items)
    n = draw(st.integers(1, 5))
    lists = [draw(numbers) for _ in range(n)]
    sets = [set(draw(numbers.filter(lambda s: len(s) >= 1))) for _ in range(n)]
    histories = [draw(st.lists(st.integers(1, n_items), max_size=6)) for _ in range(n)]
    counts = draw(st.lists(st.integers(0, 9), min_size=n_items, max_size=n_items))
    categories = draw(st.lists(st.sampled_from(CATEGORIES), min_size=n_items, max_size=n_items))
    return lists, sets, histories, counts, categories


def spread(items, categories):
    """Return the share of each category; each item counts once, in equal parts to its values."""
    shares = Counter()
    for item in items:
        values = categories[item - 1] or []
        for value in values:
            shares[value] += 1 / len(values)
    total = sum(shares.values())
    return {value: share / total for value, share in shares.items()}


def calibration(found, wanted, history, counts, categories, k):
    p, q = spread(history, categories), spread(found[:k], categories)
    if not p or not q:
        return math.nan
    return sum(v * math.log(v / (0.99 * q.get(c, 0.0) + 0.01 * v)) for c, v in p.items())


def entropy(found, wanted, history, counts, categories, k):
    q = spread(found[:k], categories)
    return -sum(v * math.log2(v) for v in q.values()) if q else math.nan


def popularity_lift(found, wanted, history, counts, categories, k):
    before = [counts[i - 1] for i in history]
    shown = [counts[i - 1] for i in found[:k]]
    if not sum(before) or not shown:
        return math.nan
    return (sum(shown) / len(shown)) / (sum(before) / len(before)) - 1


def serendipity(found, wanted, history, counts, categories, k):
    n = len(counts)
    by_popularity = sorted(range(1, n + 1), key=lambda i: (-counts[i - 1], i))
    total = 0.0
    for rank, item in enumerate(found[:k], 1):
        if item in wanted:
            total += max((n + 1 - rank) / n - (n - by_popularity.index(item)) / n, 0)
    return total / k


def ips_ndcg(found, wanted, history, counts, categories, k):
    inverse = [max(c, 1) ** -0.5 for c in counts]
    events = sum(counts)
    mean = sum(w * c for w, c in zip(inverse, counts, strict=True)) / events if events else 1.0
    reached = sum(inverse[i - 1] / mean / math.log2(r + 1) for r, i in enumerate(found[:k], 1) if i in wanted)
    return reached / sum(1 / math.log2(r + 1) for r in range(1, min(k, len(wanted)) + 1))


REFERENCES = {
    "calibration": calibration,
    "entropy": entropy,
    "popularity-lift": popularity_lift,
    "serendipity": serendipity,
    "ips-ndcg": ips_ndcg,
}


@given(case=cases(), k=st.integers(1, 8))
def test_each_query_has_the_value_of_a_plain_loop(metric, targets_of, lists_of, case, k):
    lists, sets, histories, counts, categories = case
    metrics = [metric(name, k=k) for name in REFERENCES]
    evaluator = Evaluator(metrics, facts_of(counts, categories))
    found = evaluator.evaluate(lists_of(lists, 8), targets_of(sets), queries_of(histories, len(counts)))
    assert not found.failed
    for name, reference in REFERENCES.items():
        expected = [
            reference(shown, wanted, history, counts, categories, k)
            for shown, wanted, history in zip(lists, sets, histories, strict=True)
        ]
        np.testing.assert_allclose(found.per_query[f"{name}@{k}"], expected, atol=1e-6, err_msg=name)


def test_values_of_the_examples(metric, targets_of, lists_of):
    """The examples of the docstrings."""
    categories = [["tea"], ["coffee"], ["tea"], ["coffee"], ["cake"]]

    def value(name, shown, wanted, history, counts, k):
        evaluator = Evaluator([metric(name, k=k)], facts_of(counts, categories))
        return evaluator.evaluate(lists_of([shown], k), targets_of([wanted]), queries_of([history], 5)).values[
            f"{name}@{k}"
        ]

    assert value("calibration", [3], {1}, [1, 2], [1] * 5, 1) == pytest.approx(1.9585, abs=1e-4)
    assert value("entropy", [1, 3, 2, 5], {1}, [], [1] * 5, 4) == pytest.approx(1.5)
    assert value("popularity-lift", [3, 4], {1}, [1, 2], [10, 30, 50, 70, 1], 2) == pytest.approx(2.0)


@given(case=cases(), k=st.integers(1, 8))
def test_ips_ndcg_with_power_0_is_ndcg(metric, targets_of, lists_of, case, k):
    lists, sets, _, counts, categories = case
    evaluator = Evaluator([metric("ips-ndcg", k=k, power=0), metric("ndcg", k=k)], facts_of(counts, categories))
    found = evaluator.evaluate(lists_of(lists, 8), targets_of(sets)).per_query
    np.testing.assert_allclose(found[f"ips-ndcg@{k}"], found[f"ndcg@{k}"])


def test_ips_ndcg_undoes_a_known_bias():
    """Two groups of items, equally relevant; one is logged nine times as often. Its hits alone decide the plain mean."""
    counts = torch.tensor([0] + [81] * 5 + [1] * 5)
    weights = propensity_weights(counts, 1.0)
    logged = counts.double()
    for good, bad in ((slice(1, 6), slice(6, 11)), (slice(6, 11), slice(1, 6))):
        value = torch.zeros(11, dtype=torch.float64)
        value[good], value[bad] = 1.0, 0.2
        assert float((logged * weights * value).sum() / logged.sum()) == pytest.approx(0.6)


@given(case=cases(), k=st.integers(1, 8), at=st.integers(0, 5))
def test_gap_is_the_difference_of_two_means(metric, targets_of, lists_of, case, k, at):
    lists, sets, histories, counts, categories = case
    metrics = [
        metric("gap", k=k, at=at),
        metric("gap", k=k, at=at, metric="hit"),
        metric("ndcg", k=k),
        metric("hit", k=k),
    ]
    evaluator = Evaluator(metrics, facts_of(counts, categories))
    found = evaluator.evaluate(lists_of(lists, 8), targets_of(sets), queries_of(histories, len(counts)))
    long = np.array([len(h) > at for h in histories])
    for name, of in ((f"gap@{k}", f"ndcg@{k}"), (f"gap-hit@{k}", f"hit@{k}")):
        values = found.per_query[of]
        expected = values[long].mean() - values[~long].mean() if 0 < long.sum() < len(long) else math.nan
        np.testing.assert_allclose(found.values[name], expected, atol=1e-12)
        assert all(map(math.isnan, found.intervals[name]))  # too few queries


def test_the_interval_of_a_gap_is_that_of_welch(metric, targets_of, lists_of):
    rng = np.random.default_rng(0)
    n = 400
    lists = [[int(i)] for i in rng.integers(1, 4, n)]
    histories = [[1] * (8 if i % 4 == 0 else 2) for i in range(n)]
    evaluator = Evaluator([metric("gap", metric="hit"), metric("hit")], facts_of([1, 1, 1], [["tea"]] * 3))
    found = evaluator.evaluate(lists_of(lists, 10), targets_of([{1}] * n), queries_of(histories, 3))
    hits = found.per_query["hit@10"]
    long, short = hits[::4], np.delete(hits, np.arange(0, n, 4))
    error = math.sqrt(long.var(ddof=1) / len(long) + short.var(ddof=1) / len(short))
    low, high = found.intervals["gap-hit@10"]
    assert high - low == pytest.approx(2 * 1.96 * error, rel=1e-4)
    assert (low + high) / 2 == pytest.approx(long.mean() - short.mean())


def test_titles_name_another_column(metric):
    assert metric("calibration", column="brand").name == "calibration-brand@10"
    assert metric("entropy", column="brand", k=5).name == "entropy-brand@5"
    assert metric("gap", metric="recall").name == "gap-recall@10"
