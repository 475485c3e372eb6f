"""Several processes that train one network."""

from threading import Thread

import numpy as np
import pytest
import pytorch_lightning as pl
import torch

from zoo.benchmark.runner import bench
from zoo.config.train import NetworkSettings
from zoo.data.queries import Queries
from zoo.errors import ConfigError, ScoreError, TrainingError
from zoo.registry.registry import default_registry
from zoo.stages.context import RunContext, TrainingEnvironment
from zoo.stages.stage import TrainingData
from zoo.training.processes import Line, LongLine, Share


def sasrec(**params):
    component = default_registry().find("predictor", "sasrec")
    defaults = {"dim": 16, "length": 8, "dropout": 0.1, "negatives": 8, "blocks": 1, "heads": 1}
    return component.build(component.params({**defaults, **params}))


def fitted(log, params=None, validate=None, folder=None, tell=None, callbacks=(), **settings):
    predictor = sasrec(**(params or {}))
    told = []
    context = RunContext(
        1,
        validate=validate,
        progress=tell or (lambda done, total, note="": told.append((done, total, note))),
        training=TrainingEnvironment(
            folder=folder,
            settings=NetworkSettings(
                **{"max_epochs": 20, "batch_size": 16, "learning_rate": 0.01, "devices": 2, **settings}
            ),
            callbacks=lambda training: list(callbacks),
        ),
    )
    predictor.fit(TrainingData.of(log), context)
    predictor.told = told
    return predictor


def right(log):
    """Return a metric: the share of the histories whose next item on the circle comes first."""
    wanted = log.items[log.offsets[1:] - 1] % 12 + 1

    def share(predictor):
        with torch.inference_mode():
            return float((predictor.score(Queries.of_histories(log)).argmax(1).numpy() == wanted).mean())

    return share


@pytest.mark.parametrize("n", [7, 8])
def test_each_process_gets_its_own_batches_and_as_many(monkeypatch, n):
    rng = np.random.default_rng(0)
    order = []

    class Batches:
        def __len__(self):
            return n

        def __iter__(self):
            order.append(rng.permutation(n).tolist())
            yield from order[-1]
            order.append("end")

    shares = []
    for rank in range(3):
        monkeypatch.setattr(torch.distributed, "get_rank", lambda rank=rank: rank)
        share = Share(Batches(), 3)
        got = iter(share)
        shares.append([next(got) for _ in range(len(share))])
        assert order.pop() == "end"  # also where nobody asks once more
        rng = np.random.default_rng(0)
    for rank, share in enumerate(shares):
        mine = order[0][rank::3]
        assert share == (mine if len(mine) == 3 else [*mine, mine[0]])


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["ddp_spawn", "ddp_fork"])
@pytest.mark.parametrize("params", [{}, {"loss": "sampled-softmax"}])
def test_two_processes_learn_what_one_does(cycle, strategy, params, assert_learned):
    one = fitted(cycle, params, right(cycle), devices=1, max_epochs=60)
    two = fitted(cycle, params, right(cycle), strategy=strategy, max_epochs=60)
    for predictor in (one, two):
        assert_learned(right(cycle)(predictor), above=0.95)
        best = max(found["value"] for found in predictor.history)
        assert right(cycle)(predictor) == best  # the best weights came back
        assert next(f["epoch"] for f in predictor.history if f["value"] == best) == predictor.epochs
    assert [told[0] for told in two.told] == list(range(1, len(two.history) + 1))
    assert "loss" in two.told[-1][2]
    assert not two.network.training
    first = [predictor.history[0]["loss"] for predictor in (one, two)]
    assert first[0] == pytest.approx(first[1], rel=0.2)


@pytest.mark.slow
def test_two_processes_reach_on_the_shop_what_one_does(tmp_path):
    """Through a whole benchmark: validation on the real metric, then a refit."""

    def row(devices):
        experiment = {
            "data": {"source": {"name": "synthetic-shop", "customers": 800, "items": 100}},
            "split": {"policy": "temporal", "cuts": [0.7, 0.8]},
            "evaluate": {"metrics": ["ndcg@10"]},
            "train": {
                "max_epochs": 12,
                "devices": devices,
                "strategy": "ddp_spawn",
                "learning_rate": 0.003,
                "batch_size": 64,
            },
            "model": [{"predictor": {"name": "sasrec", "dim": 32, "length": 20, "blocks": 1, "heads": 1}}],
        }
        (found,) = bench(experiment, tmp_path / str(devices)).rows()
        assert found.error is None
        return found

    one, two = row(1), row(2)
    value, low, high = one.metrics["ndcg@10"]
    assert low < two.metrics["ndcg@10"][0] < high
    assert value > 0.02
    losses = [[found["loss"] for found in row.training["history"][:8]] for row in (one, two)]
    np.testing.assert_allclose(*losses, rtol=0.03)


class StopAfter(pl.Callback):
    """Interrupts in the middle of an epoch, counted from 1; defined here, so that it can be sent."""

    def __init__(self, epochs):
        self.epochs = epochs

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        if trainer.current_epoch == self.epochs:
            raise ValueError("interrupted")


class Poison(pl.Callback):
    """Makes a weight of one process useless."""

    def on_train_epoch_start(self, trainer, module):
        if trainer.current_epoch == 1 and trainer.global_rank == 1:
            with torch.no_grad():
                module.network.network.items.weight.fill_(torch.nan)


@pytest.mark.slow
def test_processes_that_were_interrupted_go_on(cycle, tmp_path, monkeypatch):
    monkeypatch.setattr("zoo.training.callbacks.CHECKPOINT_SHARE", float("inf"))  # of forked processes as well
    options = {"strategy": "ddp_fork", "max_epochs": 5, "params": {"loss": "sampled-softmax", "dropout": 0.3}}
    whole = fitted(cycle, validate=right(cycle), **options)
    with pytest.raises(TrainingError, match="SASRec: a process of the training failed: ValueError: interrupted"):
        fitted(cycle, validate=right(cycle), folder=tmp_path, callbacks=[StopAfter(3)], **options)
    again = fitted(cycle, validate=right(cycle), folder=tmp_path, **options)
    assert again.told[0] == (3, 5, "goes on after epoch 3")
    assert [f["loss"] for f in again.history] == [f["loss"] for f in whole.history]
    one, other = whole.state().tensors, again.state().tensors
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["ddp_spawn", "ddp_fork"])
def test_an_error_of_a_process_or_of_a_validation_arrives_as_it_is(cycle, strategy):
    with pytest.raises(TrainingError, match=r"SASRec: the loss is nan in epoch 2, step \d+ of it\. Lower"):
        fitted(cycle, callbacks=[Poison()], strategy=strategy)

    def broken(predictor):
        raise ScoreError("a NaN score")

    with pytest.raises(ScoreError, match="a NaN score"):
        fitted(cycle, validate=broken, strategy=strategy)


def test_an_error_of_who_watches_leaves_no_process_waiting():
    def broken(done, total, note=""):
        raise OSError("nobody listens")

    network, failed = torch.nn.Linear(2, 2), []
    line, here = LongLine(network), Line(lambda: 0.5, broken)
    service = Thread(target=lambda: failed.append(line.serve(here, network)), daemon=True)
    service.start()
    line.tell(1, 2)
    with pytest.raises(TrainingError, match="the validation failed"):
        line.validate(network)
    line.close()
    service.join(10)
    assert [str(error) for error in failed] == ["nobody listens"]


def test_what_cannot_be_sent_to_a_process_is_named(cycle):
    class Local(pl.Callback):
        pass

    with pytest.raises(
        ConfigError, match=r'picklable under strategy = "ddp_spawn": .*Local.*use strategy = "ddp_fork"'
    ):
        fitted(cycle, callbacks=[Local()])


def test_sparse_gradients_are_not_exchanged(cycle):
    with pytest.raises(ConfigError, match="expected `sparse_updates` or several `devices`, found both"):
        fitted(cycle, {"loss": "bpr", "sparse_updates": True})


def test_too_many_devices_are_an_error(cycle):
    with pytest.raises(TrainingError, match=r"SASRec: an epoch has too few batches \(1\) for 2 devices\. Use fewer\."):
        fitted(cycle, batch_size=1000)
