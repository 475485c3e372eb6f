"""Run a short seeded part of a fuzzer. Each has a file of its own: `make test` gives a process whole files, and these take longest."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ENVIRONMENT = {**os.environ, "PYTHONSAFEPATH": ""}
"""The fuzzers import the files beside them."""
TIMEOUT = 120
"""Seconds that a case may take: far more than it needs on a busy machine."""


@pytest.fixture(scope="session")
def run_fuzzer():
    """Return a function that runs cases of a fuzzer, asserts that none fails, and returns how many had each outcome."""

    def run(fuzzer, cases, seed=0):
        options = ["--count", str(cases), "--seed", str(seed), "--timeout", str(TIMEOUT)]
        command = [sys.executable, str(Path(__file__).with_name(fuzzer)), *options]
        done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
        return done.stdout

    return run
