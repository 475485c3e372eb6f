"""A short seeded part of the fuzzers of experiment files and data files; `make fuzz` runs the long one."""

import pytest


@pytest.mark.parametrize(("fuzzer", "cases"), [("configs.py", 600), ("data_files.py", 200)])
def test_an_input_is_accepted_or_refused_with_a_sentence(run_fuzzer, fuzzer, cases):
    outcomes = run_fuzzer(fuzzer, cases)
    assert "accepted" in outcomes
    assert "refused" in outcomes
