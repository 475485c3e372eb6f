"""A short seeded part of the artifact fuzzer; `tests/fuzz/artifacts.py` on the command line is the long one."""

import pytest

CASES = 72
"""Two for each component."""


@pytest.mark.robust
def test_changed_artifacts_are_refused_or_served_and_nothing_else(run_fuzzer):
    outcomes = run_fuzzer("artifacts.py", CASES, seed=1000)
    assert "refused" in outcomes
    assert "served" in outcomes
