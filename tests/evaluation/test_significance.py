"""What is told apart: tests against scipy's, and trials in which there is nothing to tell apart."""

from itertools import product

import numpy as np
import pytest
import scipy.stats

from zoo.evaluation.significance import compare_values, holm, paired_p, verdicts, welch_p


def hits(rng, taste, shift=0.0):
    """Return what a model with a taste gets over the queries: 0 or a discount, as a metric would."""
    chance = 1 / (1 + np.exp(2 - taste - shift))
    return (rng.random(len(taste)) < chance) / np.log2(rng.integers(2, 12, len(taste)))


def test_paired_p_equals_the_full_enumeration_of_signs():
    d = np.array([0.5, -0.1, 0.3, 0.0, 0.25, 1.0, 0.3, -0.2, 0.5])
    nonzero = d[d != 0]
    sums = [abs(np.dot(signs, nonzero)) for signs in product([-1, 1], repeat=len(nonzero))]
    exact = np.mean(np.array(sums) >= abs(nonzero.sum()) - 1e-9)
    assert paired_p(d, np.zeros(9), flips=200_000) == pytest.approx(exact, abs=0.004)


def test_paired_p_agrees_with_the_t_test_on_many_queries():
    rng = np.random.default_rng(0)
    for shift in (0.0, 0.05, 0.12):
        a, b = rng.normal(shift, 1, 1500), rng.normal(0, 1, 1500)
        assert paired_p(a, b) == pytest.approx(scipy.stats.ttest_rel(a, b).pvalue, abs=0.015)


def test_paired_p_leaves_out_queries_without_a_value():
    rng = np.random.default_rng(0)
    a, b = rng.random(300) + 0.03, rng.random(300)
    gaps = np.full(50, np.nan)
    expected = paired_p(a, b)
    assert paired_p(np.concatenate([a, gaps, [9.0]]), np.concatenate([b, np.ones(50), [np.nan]])) == expected


def test_equal_models_are_not_told_apart():
    values = np.random.default_rng(0).random(100)
    assert paired_p(values, values) == 1.0
    assert verdicts({"a": [values], "b": [values]}, set()) == {"a": "best", "b": "same"}


def test_welch_p_equals_scipys():
    a, b = [0.1, 0.12, 0.11, 0.13], [0.14, 0.13, 0.17]
    assert welch_p(a, b) == pytest.approx(scipy.stats.ttest_ind(a, b, equal_var=False).pvalue)
    assert welch_p(a, [0.14]) == pytest.approx(scipy.stats.ttest_1samp(a, 0.14).pvalue)
    assert welch_p([0.1, 0.1, 0.1], [0.1]) == 1.0
    assert welch_p([0.1, 0.1, 0.1], [0.2]) == 0.0


def test_holm_by_hand():
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm([0.01, 0.5], n_tests=6), [0.06, 1.0])
    assert len(holm([])) == 0


def test_difference_has_an_interval_and_a_p():
    rng = np.random.default_rng(0)
    base = rng.random(2000)
    found = compare_values(base + rng.normal(0.02, 0.1, 2000), base)
    error = 0.1 / np.sqrt(2000)
    assert found.mean == pytest.approx(0.02, abs=3 * error)
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.15)
    assert found.p < 0.001


@pytest.mark.parametrize("spread", [0.0, 0.05, 0.3], ids=lambda s: f"seeds spread by {s}")
def test_two_copies_with_other_seeds_are_seldom_called_different(spread):
    """The seed moves a model as a whole and, beside that, each query; three seeds of each copy."""
    rng = np.random.default_rng(7)
    different = 0
    for _ in range(200):
        taste = rng.normal(size=400)
        copies = {name: [hits(rng, taste, rng.normal(0, spread)) for _ in range(3)] for name in "ab"}
        different += "worse" in verdicts(copies, {"a", "b"}).values()
    assert different <= 0.05 * 200


def test_a_copy_beside_a_model_without_a_seed_is_seldom_called_different():
    rng = np.random.default_rng(8)
    different = 0
    for _ in range(200):
        taste = rng.normal(size=400)
        runs = {"a": [hits(rng, taste)], "b": [hits(rng, taste, rng.normal(0, 0.1)) for _ in range(3)]}
        different += "worse" in verdicts(runs, {"b"}).values()
    assert different <= 0.05 * 200


def test_the_best_of_many_equal_models_is_not_called_better():
    """The best is chosen by its luck; a correction for the comparisons with it alone would err in an eighth of trials."""
    rng = np.random.default_rng(9)
    different = 0
    for _ in range(100):
        taste = rng.normal(size=300)
        different += "worse" in verdicts({str(i): [hits(rng, taste)] for i in range(8)}, set()).values()
    assert different <= 0.05 * 100


def test_true_differences_are_found():
    rng = np.random.default_rng(1)
    taste = rng.normal(size=3000)
    runs = {
        "good": [hits(rng, taste, 0.6 + s) for s in (0, 0.03, -0.02)],
        "also": [hits(rng, taste, 0.6 + s) for s in (0.01, -0.03, 0.02)],
        "plain": [hits(rng, taste)],
        "poor": [hits(rng, taste, -0.5 + s) for s in (0, 0.03, -0.02)],
    }
    found = verdicts(runs, {"good", "also", "poor"})
    assert sorted([found["good"], found["also"]]) == ["best", "same"]
    assert found["plain"] == found["poor"] == "worse"
    lowest = verdicts(runs, {"good", "also", "poor"}, higher_is_better=False)
    assert lowest["poor"] == "best"
    assert lowest["good"] == lowest["plain"] == "worse"


def test_fewer_than_three_seeds_are_not_tested():
    rng = np.random.default_rng(2)
    taste = rng.normal(size=1000)
    high, low = [hits(rng, taste, 2.0) for _ in range(3)], [hits(rng, taste, -2.0) for _ in range(3)]
    plain = [hits(rng, taste)]
    seeded = {"high", "low"}
    assert verdicts({"high": high, "low": low[:2], "plain": plain}, seeded) == {
        "high": "best",
        "low": "not tested",
        "plain": "worse",
    }
    assert verdicts({"high": high[:2], "low": low, "plain": plain}, seeded) == {
        "high": "best",
        "low": "not tested",
        "plain": "not tested",
    }


def test_one_model_is_the_best():
    assert verdicts({"only": [np.ones(3)]}, {"only"}) == {"only": "best"}


def test_a_model_without_any_value_is_not_tested():
    nothing, some = np.full(4, np.nan), np.array([0.1, np.nan, 0.3, 0.2])
    assert verdicts({"a": [nothing], "b": [some]}, set()) == {"a": "not tested", "b": "best"}
    assert verdicts({"a": [nothing], "b": [nothing]}, set()) == {"a": "not tested", "b": "not tested"}
