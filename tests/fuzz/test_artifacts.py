"""A short seeded part of the artifact fuzzer; `tests/fuzz/artifacts.py` on the command line is the long one."""

import os
import subprocess
import sys
from pathlib import Path

FUZZER = Path(__file__).with_name("artifacts.py")
ENVIRONMENT = {**os.environ, "PYTHONSAFEPATH": ""}
"""The fuzzer imports the files beside it."""
CASES = 72
"""Two for each component."""
TIMEOUT = 120
"""Seconds that a case may take: far more than it needs on a busy machine."""


def test_changed_artifacts_are_refused_or_served_and_nothing_else():
    command = [sys.executable, str(FUZZER), "--count", str(CASES), "--seed", "1000", "--timeout", str(TIMEOUT)]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "refused" in done.stdout
    assert "served" in done.stdout
