"""Columns are compared once: the same values have the same verdicts, whatever the models are called."""

import numpy as np
import pytest

from zoo.benchmark import compared_columns
from zoo.benchmark.compared_columns import compare_values
from zoo.evaluation.significance import compare_models


@pytest.fixture
def values():
    rng = np.random.default_rng(0)
    base = rng.random(300)
    return {"a": [base], "b": [base - 0.2], "c": [base + rng.normal(0, 0.05, 300) for _ in range(3)]}


def test_verdicts_are_those_of_the_test(values):
    found = compare_values(values, ["c"], higher_is_better=True)
    assert found == compare_models(values, {"c"}, higher_is_better=True)


def test_the_same_values_under_other_names_are_not_tested_again(values, monkeypatch):
    first = compare_values(values, ["c"], higher_is_better=True)
    monkeypatch.setattr(compared_columns, "compare_models", None)
    renamed = {f"\\{name}": runs for name, runs in values.items()}
    found = compare_values(renamed, ["\\c"], higher_is_better=True)
    assert found.verdicts == {f"\\{name}": verdict for name, verdict in first.verdicts.items()}
    assert found.detectable_share == first.detectable_share


def test_what_a_verdict_depends_on_is_tested_anew(values):
    first = compare_values(values, ["c"], higher_is_better=True)
    assert compare_values(values, ["c"], higher_is_better=False).verdicts != first.verdicts
    changed = {**values, "b": [values["b"][0] + 0.4]}
    assert compare_values(changed, ["c"], higher_is_better=True).verdicts["b"] == "best"
