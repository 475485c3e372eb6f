"""Settings of every test run, and fixtures that `tests/` and `plugins/` share.

The number of threads is set before torch is imported, so that `make test`, `make slow` and a bare `pytest` compute alike;
subprocesses inherit it. One hypothesis profile serves all property tests: the same
examples in each run, or random ones with `ZOO_HYPOTHESIS=random`.
"""

import os

from hypothesis import HealthCheck, settings

# Tests run side by side, one a core, each with one thread: torch's own threads would compete for the cores.
THREADS = os.environ.get("ZOO_TEST_THREADS", "1")
os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), THREADS))

# A test on a slow machine is slow, not wrong: no property test is held to a time.
PATIENT = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("zoo", derandomize=True, **PATIENT)
settings.register_profile("zoo-random", print_blob=True, **PATIENT)
settings.load_profile("zoo-random" if os.environ.get("ZOO_HYPOTHESIS") == "random" else "zoo")
