"""What the kit makes of a component: ids, outcomes, and what is said of a failure."""

import importlib
import unittest
from dataclasses import replace

import pytest

from zoo.registry.component import Component
from zoo.testing import CheckFailedError, conformance
from zoo.testing.cases import cases


@pytest.fixture
def wrong(install):
    """Return the cases of the plugin with wrong components, by their ids."""
    install("wrong")
    return {str(case): case for case in conformance(importlib.import_module("fixture_wrong"))}


def expecting(case, failures):
    """Return a case of the same component and check, whose spec expects some failures."""
    component = case.subject.component
    spec = replace(component.spec, expected_failures=failures)
    (again,) = (c for c in cases([Component(spec, component.plugin)]) if c.check is case.check)
    return again


def test_an_id_names_component_stage_and_check(wrong):
    assert "good-together-predictor.batch-invariance" in wrong
    assert "good-frequent-filter.leaves-something" in wrong
    assert "good-frequent-filter.score-items" not in wrong
    assert len({str(case) for case in wrong.values()}) == len(wrong)


def test_capabilities_decide_what_applies(wrong):
    assert "good-together-predictor.checkerboard" in wrong
    assert "good-popular-predictor.checkerboard" not in wrong
    assert "good-network-predictor.gradients" in wrong
    assert "good-together-predictor.gradients" not in wrong
    assert "good-network-predictor.renaming" not in wrong


def test_what_passes_says_nothing(wrong):
    assert wrong["good-together-predictor.shape"]() is None


def test_a_failure_says_what_was_found_and_what_to_change(wrong):
    with pytest.raises(CheckFailedError) as failed:
        wrong["shape-predictor.shape"]()
    found, change = str(failed.value).splitlines()
    assert found == "shape-predictor.shape: the dtype of `score` is torch.int64, expected torch.float32"
    assert change.startswith("What to change: Return `[B, I]` float32 scores")


@pytest.mark.parametrize(
    ("case", "found"),
    [
        ("shape-without-padding-predictor", "the shape of `score` is (44, 30), expected (44, 31)"),
        ("shape-of-another-batch-filter", "the shape of `keep` is (2, 31), expected (44, 31) or (1, 31)"),
        ("shape-of-a-list-filter", "`keep` returned list, expected torch.Tensor"),
        ("shape-of-a-tensor-featurizer", "`transform` returned Tensor, expected zoo.api.ItemFeatures"),
        ("shape-of-one-list-ranker", "the shape of `score` is (8,), expected (1, 8)"),
    ],
)
def test_what_is_wrong_in_a_shape_is_told_with_what_was_expected(wrong, case, found):
    assert wrong[f"{case}.shape"].result().detail == found


def test_a_shape_that_is_expected_to_be_wrong_stops_no_other_check(wrong):
    case = expecting(wrong["shape-predictor.repeatable"], {"predictor.shape": "whole numbers are its point"})
    assert case.result().outcome == "passed"


def test_what_has_nothing_to_learn_is_not_asked_to_have_learned(wrong):
    fitted = {"not-fitted", "same-seed", "deterministic", "refit", "above-chance", "checkerboard", "cycle"}
    for stage in ("predictor", "filter"):
        applied = {case.check.name for case in wrong.values() if str(case).startswith(f"good-untaught-{stage}.")}
        assert not applied & fitted
        assert {"shape", "state", "fresh-process", "repeatable"} <= applied
    assert "untaught-predictor.not-fitted" in wrong  # it says so, and names what a fit sets


def test_what_a_predictor_and_a_ranker_do_not_learn_is_told_with_the_bar(wrong):
    assert wrong["above-chance-predictor.above-chance"].result().detail == (
        "7.7% of the items that users take next are among its top five, expected 30.0% or more: 1.5 times the share for random lists"
    )
    assert wrong["upside-down-ranker.upside-down"].result().detail == (
        "0.0% of the upper halves of its lists is relevant, expected 77.0% or more: 1.5 times the share for a random "
        "order. "
        "In the kit's lists the candidates with the lowest predictor scores are the relevant ones"
    )


def test_an_error_of_the_component_is_a_failure_that_names_its_line(wrong):
    with pytest.raises(CheckFailedError, match=r"RuntimeError: not today \(.*building\.py:\d+\)"):
        wrong["fits-predictor.fits"]()


@pytest.mark.parametrize(
    ("case", "first"),
    [
        ("tiny-valid-predictor.shape", "tiny-valid"),
        ("target-predictor.state", "target"),
        ("fits-predictor.shape", "fits"),
        ("shape-without-padding-predictor.finite", "shape"),
        ("shape-without-padding-predictor.fresh-process", "shape"),
    ],
)
def test_what_cannot_be_checked_yet_is_skipped(wrong, case, first):
    with pytest.raises(unittest.SkipTest, match=f"not applicable: fix predictor.{first} first"):
        wrong[case]()


def test_an_expected_failure_is_skipped_with_its_reason(wrong):
    with pytest.raises(unittest.SkipTest, match="failed as expected: whole numbers are its point"):
        expecting(wrong["shape-predictor.shape"], {"predictor.shape": "whole numbers are its point"})()


def test_an_expected_failure_that_passes_is_a_failure(wrong):
    with pytest.raises(
        CheckFailedError, match=r"it passes, but the spec expects it to fail \(so it was\): remove the entry"
    ):
        expecting(wrong["good-together-predictor.shape"], {"predictor.shape": "so it was"})()


def test_what_a_component_prints_is_not_seen(wrong, capsys):
    assert wrong["side-effects-predictor.keeps-params"].result().outcome == "passed"
    assert capsys.readouterr().out == ""
