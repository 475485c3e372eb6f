"""What the kit makes of a component: ids, outcomes, and what is said of a failure."""

import importlib
import unittest
from dataclasses import replace

import pytest

from zoo.registry.registry import Component
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
    assert found == "shape-predictor.shape: the type is torch.float64, expected torch.float32"
    assert change.startswith("What to change: Return `[B, I]` float32 scores")


def test_an_error_of_the_component_is_a_failure_that_names_its_line(wrong):
    with pytest.raises(CheckFailedError, match=r"RuntimeError: not today \(.*building\.py:\d+\)"):
        wrong["fits-predictor.fits"]()


@pytest.mark.parametrize(
    ("case", "first"),
    [
        ("tiny-valid-predictor.shape", "tiny-valid"),
        ("target-predictor.state", "target"),
        ("fits-predictor.shape", "fits"),
    ],
)
def test_what_cannot_be_checked_yet_is_skipped(wrong, case, first):
    with pytest.raises(unittest.SkipTest, match=f"not applicable: predictor.{first} comes first"):
        wrong[case]()


def test_an_expected_failure_is_skipped_with_its_reason(wrong):
    with pytest.raises(unittest.SkipTest, match="failed as expected: doubles are its point"):
        expecting(wrong["shape-predictor.shape"], {"predictor.shape": "doubles are its point"})()


def test_an_expected_failure_that_passes_is_a_failure(wrong):
    with pytest.raises(
        CheckFailedError, match=r"it passes, and the spec expects it to fail \(so it was\): take it out"
    ):
        expecting(wrong["good-together-predictor.shape"], {"predictor.shape": "so it was"})()


def test_what_a_component_prints_is_not_seen(wrong, capsys):
    assert wrong["side-effects-predictor.keeps-params"].result().outcome == "passed"
    assert capsys.readouterr().out == ""
