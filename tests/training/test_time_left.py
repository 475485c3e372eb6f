"""A training with a time limit tells how long it can still take."""

import pytest

from zoo.config.train import NetworkSettings
from zoo.stages.context import RunContext, TrainingEnvironment
from zoo.stages.stage import TrainingData


@pytest.mark.parametrize(("limit", "expected"), [(10.0, 3), (None, 0)])
def test_seconds_left_are_told_with_a_limit_only(cycle, make, limit, expected):
    told = []

    def tell(done, total, note="", /, *, resumed=False, seconds_left=None):
        told.extend([] if seconds_left is None else [seconds_left])

    settings = NetworkSettings(max_epochs=3, batch_size=16, time_limit=limit)
    make().fit(TrainingData.of(cycle), RunContext(progress=tell, training=TrainingEnvironment(settings)))
    assert len(told) == expected
    assert told == sorted(told, reverse=True)
    assert all(0 <= seconds < 600 for seconds in told)
