"""The seconds of a fit, summed over interruptions."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from zoo.benchmark.fits.cache import FitCache


class FitClock:
    """Measures how long fits take.

    Added to the time of this process: featurizers and predictors that come from the cache count with the seconds that their
    fit took, and a training that resumes counts with the seconds of the processes before, up to the checkpoint. What was
    lost in an interruption is repeated, so it counts once.

    Attributes:
        seconds: The seconds measured so far.
    """

    def __init__(self, cache: FitCache) -> None:
        self.seconds, self._cache = 0.0, cache

    @contextmanager
    def measure(self) -> Iterator[None]:
        """Add the time of a block of code."""
        start = time.perf_counter() + self._cache.time_correction
        try:
            yield
        finally:
            self.seconds += time.perf_counter() + self._cache.time_correction - start

    def add_earlier(self, seconds: float) -> None:
        """Add the seconds of earlier processes; `TrainingEnvironment.resumed` takes this method."""
        self.seconds += seconds
