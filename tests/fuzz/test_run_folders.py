"""A short seeded part of the fuzzer of folders of results; `make fuzz` runs the long one."""

import pytest


@pytest.mark.robust
def test_a_changed_folder_is_accepted_or_refused_with_a_sentence(run_fuzzer):
    outcomes = run_fuzzer("run_folders.py", 20)
    assert "accepted" in outcomes
    assert "refused" in outcomes
