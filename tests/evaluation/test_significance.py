"""Which models are called worse: tests against scipy's, and trials in which no model is worse."""

from itertools import product

import numpy as np
import pytest
import scipy.stats

from zoo.evaluation.significance import compare_models, difference_of
from zoo.evaluation.variance import Spread


def hits(rng, taste, shift=0.0):
    """Return what a model with a taste gets over the queries: 0 or a discount, as a metric would."""
    chance = 1 / (1 + np.exp(2 - taste - shift))
    return (rng.random(len(taste)) < chance) / np.log2(rng.integers(2, 12, len(taste)))


def verdicts(values, seeded, **more):
    return compare_models(values, seeded, **more).verdicts


def smallest_level(values, seeded):
    """Return the corrected p-value of a pair of models, by bisection over the level."""
    low, high = 0.0, 1.0
    for _ in range(14):
        level = (low + high) / 2
        low, high = (low, level) if "worse" in verdicts(values, seeded, level=level).values() else (level, high)
    return high


def test_the_p_value_of_a_pair_without_seeds_is_that_of_all_signs():
    d = np.array([0.5, -0.1, 0.3, 0.0, 0.25, 1.0, 0.3, -0.2, 0.5])
    nonzero = d[d != 0]
    sums = [abs(np.dot(signs, nonzero)) for signs in product([-1, 1], repeat=len(nonzero))]
    exact = np.mean(np.array(sums) >= abs(nonzero.sum()) - 1e-9)
    assert smallest_level({"a": [d], "b": [np.zeros(9)]}, set()) == pytest.approx(exact, abs=0.012)


@pytest.mark.parametrize("shift", [0.0, 0.05, 0.12])
def test_the_p_value_of_a_pair_without_seeds_agrees_with_the_t_test_on_many_queries(shift):
    rng = np.random.default_rng(0)
    a, b = rng.normal(shift, 1, 1500), rng.normal(0, 1, 1500)
    assert smallest_level({"a": [a], "b": [b]}, set()) == pytest.approx(scipy.stats.ttest_rel(a, b).pvalue, abs=0.025)


def test_the_p_value_of_a_pair_agrees_with_welch_where_only_seeds_vary():
    """Each seed moves all queries alike, so the queries add no variance."""
    seeds = {"a": [0.1, 0.12, 0.11, 0.13], "b": [0.115, 0.135, 0.14, 0.15]}
    values = {name: [np.full(50, v) for v in runs] for name, runs in seeds.items()}
    expected = scipy.stats.ttest_ind(*seeds.values(), equal_var=False).pvalue
    assert smallest_level(values, {"a", "b"}) == pytest.approx(expected, abs=0.03)


def test_queries_without_a_value_are_left_out():
    rng = np.random.default_rng(0)
    a, b = rng.random(300) + 0.03, rng.random(300)
    expected = compare_models({"a": [a], "b": [b]}, set())
    gaps = np.full(50, np.nan)
    assert compare_models({"a": [np.concatenate([a, gaps])], "b": [np.concatenate([b, gaps])]}, set()) == expected


def test_models_with_values_on_different_queries_are_compared_by_their_own_means():
    """The first 40 queries have a value for one model only. The standard error is checked against resamples of the queries."""
    rng = np.random.default_rng(0)
    taste = rng.random(400)
    a, b = taste + rng.normal(0.3, 0.2, 400), taste + rng.normal(0, 0.2, 400)
    a[:40], b[60:100] = np.nan, np.nan
    spread = Spread.of([[a], [b]], [False, False])
    assert spread.means == pytest.approx([np.nanmean(a), np.nanmean(b)])
    draws = rng.integers(400, size=(4000, 400))
    resampled = np.nanmean(a[draws], axis=1) - np.nanmean(b[draws], axis=1)
    sums = spread.deviations[:, 0].sum() - spread.deviations[:, 1].sum()
    assert spread.over_queries(sums, spread.squares[0, 1]) == pytest.approx(resampled.var(), rel=0.08)
    assert verdicts({"a": [a], "b": [b]}, set()) == {"a": "best", "b": "worse"}


def test_the_variance_of_a_difference_is_that_of_models_drawn_anew():
    """mean + seed + query + rest, with much rest: the estimate is a little above the true variance, and not below."""
    rng = np.random.default_rng(3)
    means, estimates = [], []
    for _ in range(600):
        query = rng.normal(size=200)
        runs = [0.05 * rng.normal() + query + 0.6 * rng.normal(size=200) for _ in range(3)]
        spread = Spread.of([runs, [query]], [True, False])
        means.append(spread.means[0] - spread.means[1])
        of_queries = spread.over_queries(np.subtract(*spread.deviations.sum(0)), spread.squares[0, 1])
        estimates.append(of_queries + spread.moderate(spread.between)[0] / 3)
        assert spread.between[1] == spread.moderate(spread.between)[1] == 0
    assert np.mean(estimates) == pytest.approx(np.var(means) + 0.6**2 / 200 / 3, rel=0.12)


def test_a_variance_of_few_seeds_is_moved_towards_that_of_the_other_models():
    values = [[np.array([v, v]) for v in run] for run in ([0.0, 2.0, 4.0], [0.0, 0.0, 0.0], [1.0])]
    spread = Spread.of(values, [True, True, False])
    assert spread.between.tolist() == [4.0, 0.0, 0.0]
    assert spread.moderate(spread.between).tolist() == [(2 * 4 + 2 * 2) / 4, (2 * 0 + 2 * 2) / 4, 0.0]
    alone = Spread.of([values[0], values[2]], [True, False])
    assert alone.moderate(alone.between).tolist() == [4.0, 0.0]


def test_equal_models_are_not_told_apart():
    values = np.random.default_rng(0).random(100)
    assert verdicts({"a": [values], "b": [values]}, set()) == {"a": "best", "b": "same"}


@pytest.mark.parametrize("spread", [0.0, 0.05, 0.3], ids=lambda s: f"seeds spread by {s}")
def test_two_copies_with_other_seeds_are_seldom_called_different(spread):
    """The seed moves a model as a whole and, beside that, each query; three seeds of each copy."""
    rng = np.random.default_rng(7)
    different = 0
    for _ in range(200):
        taste = rng.normal(size=400)
        copies = {name: [hits(rng, taste, rng.normal(0, spread)) for _ in range(3)] for name in "ab"}
        different += "worse" in verdicts(copies, {"a", "b"}, resamples=500).values()
    assert different <= 18  # 10 are expected at most


def test_a_copy_beside_a_model_without_a_seed_is_seldom_called_different():
    rng = np.random.default_rng(8)
    different = 0
    for _ in range(200):
        taste = rng.normal(size=400)
        runs = {"a": [hits(rng, taste)], "b": [hits(rng, taste, rng.normal(0, 0.1)) for _ in range(3)]}
        different += "worse" in verdicts(runs, {"b"}, resamples=500).values()
    assert different <= 18  # 10 are expected at most


def test_the_best_of_many_equal_models_is_not_called_better():
    """The best is chosen by its luck; a correction for the comparisons with it alone would err in an eighth of trials."""
    rng = np.random.default_rng(9)
    different = 0
    for _ in range(100):
        taste = rng.normal(size=300)
        different += "worse" in verdicts({str(i): [hits(rng, taste)] for i in range(8)}, set(), resamples=500).values()
    assert different <= 11  # 5 are expected


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


@pytest.mark.parametrize("seeds", [1, 2])
@pytest.mark.parametrize("shift", [-4.0, 2.0], ids=["lowest", "highest"])
def test_fewer_than_three_seeds_are_not_tested_and_do_not_change_the_other_verdicts(seeds, shift):
    rng = np.random.default_rng(2)
    taste = rng.normal(size=1000)
    low, plain = [hits(rng, taste, -2.0) for _ in range(3)], [hits(rng, taste)]
    expected = compare_models({"low": low, "plain": plain}, {"low"})
    assert expected.verdicts == {"low": "worse", "plain": "best"}
    few = [hits(rng, taste, shift) for _ in range(seeds)]
    found = compare_models({"few": few, "low": low, "plain": plain}, {"few", "low"})
    assert found.verdicts == {"few": "not tested", **expected.verdicts}
    assert found.detectable_share == expected.detectable_share


def test_three_seeds_are_tested():
    rng = np.random.default_rng(2)
    taste = rng.normal(size=3000)
    runs = {"high": [hits(rng, taste, 2.0 + s) for s in (0, 0.01, 0.02)], "low": [hits(rng, taste, -2.0)]}
    assert verdicts(runs, {"high"}) == {"high": "best", "low": "worse"}


def test_a_model_with_three_seeds_that_differ_much_does_not_hide_the_differences_of_the_others():
    """Its differences have two degrees of freedom; a common critical value would be several times larger."""
    rng = np.random.default_rng(5)
    taste = rng.normal(size=3000)
    runs = {"good": [hits(rng, taste, 0.6)], "poor": [hits(rng, taste)]}
    assert verdicts({**runs, "wild": [hits(rng, taste, s) for s in (-0.6, 0.0, 0.6)]}, {"wild"})["poor"] == "worse"


def test_the_detectable_difference_is_found_in_80_percent_of_tables():
    rng = np.random.default_rng(6)

    def table(lift):
        query = rng.normal(1, 1, 500)
        runs = {str(i): [query + 0.5 * rng.normal(size=500) + 0.01 * rng.normal() for _ in range(4)] for i in range(4)}
        runs["0"] = [run + lift for run in runs["0"]]
        return compare_models(runs, set(runs), resamples=1000)

    share = np.mean([table(0.0).detectable_share for _ in range(20)])
    found = [list(table(share).verdicts.values())[1:].count("worse") / 3 for _ in range(150)]
    assert (
        0.75 <= np.mean(found) <= 0.97
    )  # the variance over seeds is not underestimated, so it is found somewhat more often


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("n_queries", [1, 2])
@pytest.mark.parametrize("n_seeds", [1, 3])
def test_where_queries_are_too_few_to_find_any_difference_none_is_stated(n_queries, n_seeds):
    values = {name: [np.full(n_queries, v)] * n_seeds for name, v in {"a": 0.5, "b": 0.2}.items()}
    found = compare_models(values, set(values) if n_seeds > 1 else set())
    assert found.verdicts == {"a": "best", "b": "same"}
    assert found.detectable_share is None


def test_one_model_is_the_best():
    assert verdicts({"only": [np.ones(3)]}, set()) == {"only": "best"}
    assert verdicts({"only": [np.ones(3)]}, {"only"}) == {"only": "not tested"}


def test_the_same_values_give_the_same_comparison():
    rng = np.random.default_rng(0)
    values = {name: [rng.random(300)] for name in "abc"}
    assert compare_models(values, set()) == compare_models(values, set())


def test_sums_of_many_queries_vary_as_those_with_random_signs(monkeypatch):
    rng = np.random.default_rng(0)
    values = {name: [rng.random(2000) + at / 40] for at, name in enumerate("abcd")}
    flipped = compare_models(values, set())
    monkeypatch.setattr("zoo.evaluation.significance._MOST_FLIPPED", 100)
    drawn = compare_models(values, set())
    assert drawn.verdicts == flipped.verdicts
    assert drawn.detectable_share == pytest.approx(flipped.detectable_share, rel=0.02)


def test_a_model_without_any_value_is_not_tested():
    nothing, some = np.full(4, np.nan), np.array([0.1, np.nan, 0.3, 0.2])
    assert verdicts({"a": [nothing], "b": [some]}, set()) == {"a": "not tested", "b": "best"}
    assert verdicts({"a": [nothing], "b": [nothing]}, set()) == {"a": "not tested", "b": "not tested"}


def test_the_interval_of_a_difference_without_seeds_is_that_of_the_paired_t_test_on_many_queries():
    rng = np.random.default_rng(3)
    a = rng.normal(0, 1, 2000)
    b = a + rng.normal(0.1, 0.5, 2000)
    found = difference_of([a], [b], seeded=(False, False))
    expected = scipy.stats.ttest_rel(b, a).confidence_interval(0.95)
    assert found.value == pytest.approx((b - a).mean())
    assert [found.low, found.high] == pytest.approx([expected.low, expected.high], rel=0.05)
    assert (found.significant, found.over_seeds) == (True, True)


def test_the_interval_of_a_difference_is_that_of_welch_where_only_seeds_vary():
    seeds = {"a": [0.1, 0.12, 0.11, 0.13], "b": [0.115, 0.135, 0.14, 0.15]}
    a, b = ([np.full(50, v) for v in runs] for runs in seeds.values())
    found = difference_of(a, b, seeded=(True, True))
    expected = scipy.stats.ttest_ind(seeds["b"], seeds["a"], equal_var=False).confidence_interval(0.95)
    assert found.value == pytest.approx(0.02)
    # the variance between the seeds of one model borrows from the other, so the interval is narrower than that of Welch
    assert found.high - found.low == pytest.approx(expected.high - expected.low, rel=0.25)


def test_a_difference_is_significant_where_the_verdict_says_so_and_its_interval_excludes_zero():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        a = [rng.random(300) for _ in range(3)]
        b = [run + rng.normal(0.01 + 0.03 * (seed % 3), 0.4, 300) for run in a]
        found = difference_of(a, b, seeded=(True, True))
        assert found.significant == ("worse" in verdicts({"a": a, "b": b}, {"a", "b"}).values())
        if abs(found.value) > 0 and not np.isclose(min(abs(found.low), abs(found.high)), 0, atol=1e-3):
            assert found.significant == (not found.low <= 0 <= found.high)


def test_a_difference_of_a_model_with_one_seed_is_about_its_run():
    rng = np.random.default_rng(0)
    a, b = rng.random(300), rng.random(300)
    found = difference_of([a], [b], seeded=(True, False))
    assert not found.over_seeds
    fixed = difference_of([a], [b], seeded=(False, False))
    assert (found.low, found.high) == (fixed.low, fixed.high)


def test_equal_models_differ_by_nothing_and_few_queries_have_no_interval():
    a = np.random.default_rng(0).random(50)
    same = difference_of([a], [a.copy()], seeded=(False, False))
    assert (same.value, same.low, same.high, same.significant) == (0, 0, 0, False)
    b = a.copy()
    b[:9] += 0.1
    few = difference_of([a], [b], seeded=(False, False))
    assert few.value == pytest.approx(0.9 / 50)
    assert np.isnan([few.low, few.high]).all()


def test_an_interval_at_a_smaller_level_is_wider():
    rng = np.random.default_rng(1)
    a, b = rng.random(200), rng.random(200)
    usual, wide = (difference_of([a], [b], seeded=(False, False), level=level) for level in (0.05, 0.005))
    assert wide.low < usual.low < usual.high < wide.high
