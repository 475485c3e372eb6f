"""A short seeded part of the fuzzers of experiment files, data files and folders of results; `make fuzz` runs the long one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ENVIRONMENT = {**os.environ, "PYTHONSAFEPATH": ""}
"""The fuzzers import the files beside them."""
TIMEOUT = "120"
"""Seconds that a case may take: far more than it needs on a busy machine."""


@pytest.mark.parametrize(
    ("fuzzer", "cases"), [("configs.py", "600"), ("data_files.py", "200"), ("run_folders.py", "20")]
)
def test_an_input_is_accepted_or_refused_with_a_sentence(fuzzer, cases):
    command = [sys.executable, str(Path(__file__).with_name(fuzzer)), "--count", cases, "--timeout", TIMEOUT]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    assert "accepted" in done.stdout
    assert "refused" in done.stdout
