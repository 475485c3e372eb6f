"""The seconds of a fit, summed over interruptions."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from zoo.benchmark.feature_cache import FeatureCache


class FitClock:
    """Measures how long fits take.

    Added to the time of this process: item features that come from the cache count with the seconds that they took to
    compute, and a training that resumes counts with the seconds of the processes before, up to the checkpoint. What was
    lost in an interruption is repeated, so it counts once.

    Attributes:
        seconds: The seconds measured so far.
    """

    def __init__(self, features: FeatureCache) -> None:
        self.seconds, self._features = 0.0, features

    @contextmanager
    def measure(self) -> Iterator[None]:
        """Add the time of a block of code."""
        start = time.perf_counter() + self._features.time_correction
        try:
            yield
        finally:
            self.seconds += time.perf_counter() + self._features.time_correction - start

    def add_earlier(self, seconds: float) -> None:
        """Add the seconds of earlier processes; `TrainingEnvironment.resumed` takes this method."""
        self.seconds += seconds
