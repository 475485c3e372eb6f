"""Settings of every test run, and fixtures that `tests/` and `plugins/` share.

One hypothesis profile serves all property tests: the same examples in each run, or random ones with `ZOO_HYPOTHESIS=random`.
"""

import os

from hypothesis import HealthCheck, settings

# A test on a slow machine is slow, not wrong: no property test is held to a time.
PATIENT = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("zoo", derandomize=True, **PATIENT)
settings.register_profile("zoo-random", print_blob=True, **PATIENT)
settings.load_profile("zoo-random" if os.environ.get("ZOO_HYPOTHESIS") == "random" else "zoo")
