"""Averaged weights: they are the exponential moving average, and they are what is validated and kept."""

import numpy as np
import pytest
import torch

from zoo.config.train import NetworkSettings
from zoo.stages.context import RunContext, TrainingEnvironment
from zoo.training.averaging import WARMUP
from zoo.training.loop import train


class Line(torch.nn.Module):
    """A weight whose gradient is constant: AdamW moves it by the rate at each step."""

    def __init__(self):
        super().__init__()
        self.w = torch.nn.Parameter(torch.zeros(()))

    def loss(self, batch):
        return self.w * batch


class Ones:
    def __len__(self):
        return 7

    def __iter__(self):
        return iter(torch.ones(7))


def trained(validate=None, **settings):
    network = Line()
    chosen = NetworkSettings(**{"max_epochs": 3, "learning_rate": 0.1, **settings})
    if validate is not None:
        validate = validate(network)
    result = train(network, Ones(), RunContext(training=TrainingEnvironment(settings=chosen)), "line", validate)
    return float(network.w.detach()), result


def expected(steps, decay):
    """Return the average after some steps, by its definition."""
    mean = -0.1
    for step in range(2, steps + 1):
        rate = min(decay, (1 + step) / (WARMUP + step))
        mean = rate * mean + (1 - rate) * (-0.1 * step)
    return mean


@pytest.mark.parametrize("decay", [0.5, 0.999])
def test_a_training_without_validation_ends_with_the_average(decay):
    assert trained(averaging=decay)[0] == pytest.approx(expected(21, decay), rel=1e-3)


def test_several_batches_of_a_step_count_once():
    assert trained(averaging=0.5, accumulate=7)[0] == pytest.approx(expected(3, 0.5), rel=1e-3)


def test_the_average_is_validated_and_kept_and_training_goes_on_with_the_weights():
    seen = []

    def watch(network):
        def validate():
            seen.append(float(network.w.detach()))
            return [0.1, 0.3, 0.2][len(seen) - 1]

        return validate

    kept, result = trained(watch, averaging=0.5)
    np.testing.assert_allclose(seen, [expected(steps, 0.5) for steps in (7, 14, 21)], rtol=1e-3)
    assert result.epochs == 2
    assert kept == seen[1]


def test_without_averaging_the_last_weights_stay():
    assert trained()[0] == pytest.approx(-2.1, rel=1e-3)
