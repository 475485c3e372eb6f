"""The loop: when it stops, what it keeps, and that a seed decides it."""

import random

import numpy as np
import pytest
import torch

from zoo.config.train import NetworkSettings
from zoo.data.queries import Queries
from zoo.errors import TrainingError
from zoo.stages.context import RunContext, TrainingEnvironment
from zoo.stages.stage import TrainingData
from zoo.training.loop import train
from zoo.training.module import TrainingModule


class Line(torch.nn.Module):
    """A parameter that follows its batches: the loss is their product, and so their gradient."""

    def __init__(self):
        super().__init__()
        self.w = torch.nn.Parameter(torch.zeros(()))
        self.steps = 0

    def loss(self, batch):
        self.steps += 1
        return self.w * batch


class Ones:
    """Batches that are all one."""

    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n

    def __iter__(self):
        return iter(torch.ones(self.n))


def trained(batches, validate=None, tell=lambda done, total, note="", **_: None, epochs=None, **settings):
    network = Line()
    context = RunContext(
        progress=tell, epochs=epochs, training=TrainingEnvironment(settings=NetworkSettings(**settings))
    )
    return network, train(network, batches, context, "line", validate)


def test_the_best_weights_come_back_and_training_stops_after_patience():
    network, seen, values = Line(), [], iter([0.1, 0.4, 0.3, 0.2, 0.1, 0.9])

    def validate():
        assert not network.training
        seen.append(float(network.w.detach()))
        return next(values)

    context = RunContext(training=TrainingEnvironment(settings=NetworkSettings(max_epochs=50, patience=3)))
    result = train(network, Ones(4), context, "line", validate)
    assert [found["value"] for found in result.history] == [0.1, 0.4, 0.3, 0.2, 0.1]
    assert [found["epoch"] for found in result.history] == [1, 2, 3, 4, 5]
    seconds = [found["seconds"] for found in result.history]
    assert seconds == sorted(seconds)
    assert seconds[0] > 0
    assert (result.epochs, network.steps) == (2, 20)
    assert float(network.w.detach()) == seen[1] != seen[-1]
    assert not network.training


def test_a_first_validation_without_a_value_ends_the_run_by_the_name_of_the_metric():
    with pytest.raises(
        TrainingError,
        match=r"^line: the metric hit@3, .* is NaN in the first validation \(epoch 2\)\. No validation query .* Monitor another",
    ):
        trained(Ones(2), lambda: float("nan"), max_epochs=9, validate_every=2, monitor="hit@3")


def test_a_later_validation_without_a_value_is_no_improvement():
    values = iter([0.1, float("nan"), 0.3, 0.2, 0.2])
    _, result = trained(Ones(2), lambda: next(values), max_epochs=9, patience=2)
    assert (result.epochs, len(result.history), result.stopped) == (3, 5, "patience")


@pytest.mark.parametrize(("every", "epochs", "validations"), [(1, 5, 5), (2, 4, 2), (2, 5, 3), (9, 5, 1)])
def test_validates_every_so_many_epochs_and_after_the_last(every, epochs, validations):
    values = iter(range(100))
    _, result = trained(Ones(1), lambda: float(next(values)), max_epochs=epochs, validate_every=every, patience=50)
    assert len(result.history) == validations
    assert result.epochs == epochs


def test_epochs_that_are_settled_are_trained_without_a_look():
    told = []
    network, result = trained(
        Ones(3), lambda: pytest.fail("validated"), lambda *p: told.append(p), epochs=4, max_epochs=50
    )
    assert (network.steps, result.epochs, result.history) == (12, 4, [])
    assert [p[:2] for p in told] == [(1, 4), (2, 4), (3, 4), (4, 4)]


@pytest.mark.parametrize(("bad", "value", "step"), [(2, "nan", 3), (104, "inf", 105)])
def test_a_loss_that_is_no_number_ends_the_run_by_name_epoch_and_step(bad, value, step):
    class Third:
        epoch = 0

        def __len__(self):
            return 130

        def __iter__(self):
            self.epoch += 1
            yield from (torch.tensor(float(value) if (self.epoch, i) == (2, bad) else 1.0) for i in range(130))

    validations = []
    with pytest.raises(TrainingError, match=rf"line: the loss is .*(nan|inf) in epoch 2, step {step} of it\. Lower"):
        trained(Third(), lambda: validations.append(1) or 1.0, max_epochs=5)
    assert len(validations) == 1


def test_a_time_limit_ends_a_training_with_what_it_has():
    network, result = trained(Ones(10), lambda: 0.5, max_epochs=10**6, patience=10**6, time_limit=0.005)
    assert 0 < network.steps < 10**7
    assert result.epochs >= 1
    assert result.stopped == "time_limit"
    assert float(network.w.detach()) != 0


def test_a_time_limit_that_cuts_settled_epochs_short_is_warned_of():
    with pytest.warns(
        UserWarning, match=r"line: `time_limit` ended this fit in epoch \d+ of the 1000000 that were settled"
    ):
        _, result = trained(Ones(10), max_epochs=10**6, epochs=10**6, time_limit=0.005)
    assert result.stopped == "time_limit"


def test_an_epoch_has_at_most_epoch_batches():
    network, _ = trained(Ones(10), epochs=3, epoch_batches=4)
    assert network.steps == 12
    network, _ = trained(Ones(3), epochs=3, epoch_batches=4)
    assert network.steps == 9


def test_what_ended_a_training_is_told():
    worse = iter([0.5, 0.4, 0.3])
    assert trained(Ones(2), lambda: next(worse), max_epochs=9, patience=2)[1].stopped == "patience"
    assert trained(Ones(2), lambda: 0.5, max_epochs=2, patience=5, time_limit=60.0)[1].stopped == "max_epochs"
    assert trained(Ones(2), max_epochs=9, epochs=3)[1].stopped == "max_epochs"


def test_gradients_of_several_batches_may_make_one_step():
    def steps(accumulate):
        network, _ = trained(Ones(6), max_epochs=1, accumulate=accumulate, learning_rate=0.5)
        return float(network.w.detach())

    assert steps(1) == pytest.approx(-3.0, abs=1e-3)  # AdamW moves by the rate where the gradient is constant
    assert steps(3) == pytest.approx(-1.0, abs=1e-3)


def test_the_rate_rises_and_falls_over_max_epochs():
    def rates(steps=10, **settings):
        module = TrainingModule(Line(), NetworkSettings(**settings).filled(), steps)
        return [module.share_of_rate(i) for i in range(steps)]

    assert rates() == [1.0] * 10
    np.testing.assert_allclose(rates(schedule="linear"), np.linspace(1, 0.1, 10))
    np.testing.assert_allclose(rates(schedule="cosine"), (1 + np.cos(np.pi * np.arange(10) / 10)) / 2)
    np.testing.assert_allclose(rates(schedule="linear", warmup_steps=4)[:6], [0.25, 0.5, 0.75, 1.0, 1.0, 5 / 6])


def test_weight_decay_spares_biases_and_norms():
    network = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.LayerNorm(2))
    optimizer = TrainingModule(network, NetworkSettings(weight_decay=0.1).filled(), 1).configure_optimizers()
    decays = {id(p): group["weight_decay"] for group in optimizer.param_groups for p in group["params"]}
    assert [decays[id(p)] for p in network.parameters()] == [0.1, 0, 0, 0]


@pytest.mark.parametrize("loss", ["softmax", "sampled-softmax"])
def test_a_seed_decides_a_training_and_leaves_the_global_streams_alone(cycle, fit, loss):
    def scores(seed):
        before = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state())  # noqa: NPY002
        predictor = fit(cycle, {"loss": loss, "dropout": 0.3}, seed=seed)
        after = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state())  # noqa: NPY002
        assert before[:2] == after[:2]
        assert torch.equal(before[2], after[2])
        return predictor.score(Queries.of_histories(cycle))

    torch.manual_seed(1)
    first = scores(0)
    torch.manual_seed(2)
    assert torch.equal(first, scores(0))
    assert not torch.equal(first, scores(1))


def test_fewer_epochs_are_the_beginning_of_more(cycle, fit):
    """So a refit with the epochs that validation chose repeats what was validated, the schedule included."""
    seen = []

    def validate(predictor):
        seen.append(predictor.score(Queries.of_histories(cycle)))
        return -float(len(seen))  # never better than after the first epoch

    stopped = fit(cycle, validate=validate, max_epochs=4, schedule="cosine")
    assert stopped.trained.epochs == 1
    again = fit(cycle, epochs=1, max_epochs=4, schedule="cosine")
    assert torch.equal(again.score(Queries.of_histories(cycle)), seen[0])
    assert torch.equal(stopped.score(Queries.of_histories(cycle)), seen[0])


def test_bf16_trains_as_well(cycle, fit):
    predictor = fit(cycle, precision="bf16", clip_norm=1.0)
    assert predictor.score(Queries.of_histories(cycle)).dtype == torch.float32


def test_training_needs_a_user_with_two_events(cycle, make):
    first = np.zeros(len(cycle), np.bool_)
    first[cycle.offsets[:-1]] = True
    with pytest.raises(
        TrainingError, match=r"Small: no user has two events in training, at different times, so there is"
    ):
        make().fit(TrainingData.of(cycle.where(first)), RunContext())
