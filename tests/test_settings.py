"""All ways to start the tests compute alike."""

import os
import subprocess
import sys

import torch
from hypothesis import HealthCheck, settings

THREADS = int(os.environ.get("ZOO_TEST_THREADS", "1"))


def test_torch_has_the_threads_that_the_run_asks_for():
    assert torch.get_num_threads() == THREADS


def test_a_subprocess_has_the_same_threads():
    code = "import torch; print(torch.get_num_threads())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) == THREADS


def test_no_property_test_is_held_to_a_time():
    assert settings.default.deadline is None
    assert HealthCheck.too_slow in settings.default.suppress_health_check
    assert settings.default.derandomize == (os.environ.get("ZOO_HYPOTHESIS") != "random")
