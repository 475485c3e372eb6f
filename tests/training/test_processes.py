"""Several ranks that train one network."""

import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch

from zoo import bench
from zoo.config.train import NetworkSettings
from zoo.data.interactions import Interactions
from zoo.data.queries import Queries
from zoo.errors import ConfigError, PluginError, ScoreError, TrainingError
from zoo.registry.registry import Registry, default_registry
from zoo.stages.context import RunContext, TrainingEnvironment
from zoo.stages.stage import TrainingData
from zoo.training.share import Share

# What is sent to processes is defined here, at the top level of a module.


@dataclass
class Right:
    """A metric: the share of the histories whose next item on the circle comes first."""

    log: Interactions

    def __call__(self, predictor):
        wanted = self.log.items[self.log.offsets[1:] - 1] % 12 + 1
        with torch.inference_mode():
            return float((predictor.score(Queries.of_histories(self.log)).argmax(1).numpy() == wanted).mean())


@dataclass
class Callbacks:
    """What plugins add to a training."""

    found: tuple[Any, ...]

    def __call__(self, training):
        return [kind(*arguments) for kind, *arguments in self.found]


class StopAfter(pl.Callback):
    """Interrupts in the middle of an epoch, counted from 1."""

    def __init__(self, epochs):
        self.epochs = epochs

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        if trainer.current_epoch == self.epochs:
            raise ValueError("interrupted")


def poison(predictor):
    """Make a weight of one rank useless."""
    if torch.distributed.get_rank() == 1:
        predictor.network.items.weight.data.fill_(torch.nan)
    return 0.5


def fail_on_one_rank(predictor):
    """Fail, as a model does that scores NaN for a query of this rank."""
    if torch.distributed.get_rank() == 1:
        raise ScoreError("a NaN score")
    torch.distributed.barrier()


def count_threads(predictor):
    """Return the number of threads of this rank, in place of a metric."""
    return float(torch.get_num_threads())


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    """Let processes that are spawned import this module."""
    monkeypatch.syspath_prepend(Path(__file__).parents[2])


def sasrec(**params):
    component = default_registry().find("predictor", "sasrec")
    defaults = {"dim": 16, "length": 8, "dropout": 0.1, "negatives": 8, "blocks": 1, "heads": 1}
    return component.build(component.params({**defaults, **params}))


def fitted(log, params=None, validate=None, folder=None, tell=None, callbacks=None, make=sasrec, **settings):
    predictor = make(**(params or {}))
    told = []
    context = RunContext(
        1,
        validate=validate,
        progress=tell or (lambda done, total, note="", **_: told.append((done, total, note))),
        training=TrainingEnvironment(
            folder=folder,
            settings=NetworkSettings(
                **{"max_epochs": 20, "batch_size": 16, "learning_rate": 0.01, "devices": 2, **settings}
            ),
            callbacks=callbacks or Callbacks(()),
        ),
    )
    predictor.fit(TrainingData.of(log), context)
    predictor.told = told
    return predictor


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
    one = fitted(cycle, params, Right(cycle), devices=1, max_epochs=60)
    two = fitted(cycle, params, Right(cycle), strategy=strategy, max_epochs=60)
    for predictor in (one, two):
        assert_learned(Right(cycle)(predictor), above=0.95)
        best = max(found["value"] for found in predictor.trained.history)
        assert Right(cycle)(predictor) == best  # the best weights came back
        assert next(f["epoch"] for f in predictor.trained.history if f["value"] == best) == predictor.trained.epochs
    assert [told[0] for told in two.told] == list(range(1, len(two.trained.history) + 1))
    assert "loss" in two.told[-1][2]
    assert not two.network.training
    first = [predictor.trained.history[0]["loss"] for predictor in (one, two)]
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


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["ddp_spawn", "ddp_fork"])
def test_ranks_that_were_interrupted_resume_bit_for_bit(cycle, tmp_path, monkeypatch, strategy):
    if strategy == "ddp_fork":  # in spawned processes the constant is as it was: they write the first epoch alone
        monkeypatch.setattr("zoo.training.epoch_checkpoint.CHECKPOINT_SHARE", float("inf"))
    options = {"strategy": strategy, "max_epochs": 5, "params": {"loss": "sampled-softmax", "dropout": 0.3}}
    whole = fitted(cycle, validate=Right(cycle), **options)
    interrupted = Callbacks(((StopAfter, 3),))
    with pytest.raises(
        PluginError, match=r"the callback StopAfter .* failed in on_train_batch_end .*: ValueError: interrupted"
    ):
        fitted(cycle, validate=Right(cycle), folder=tmp_path, callbacks=interrupted, **options)
    again = fitted(cycle, validate=Right(cycle), folder=tmp_path, **options)
    done, _, note = again.told[0]
    assert note == f"resumes after epoch {done}"
    assert done == 3 or strategy == "ddp_spawn"
    assert [f["loss"] for f in again.trained.history] == [f["loss"] for f in whole.trained.history]
    assert [f["value"] for f in again.trained.history] == [f["value"] for f in whole.trained.history]
    one, other = whole.state().tensors, again.state().tensors
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.robust
def test_ranks_share_the_threads_of_the_run(cycle):
    before = torch.get_num_threads()
    torch.set_num_threads(6)
    try:
        predictor = fitted(cycle, validate=count_threads, max_epochs=1)
        assert torch.get_num_threads() == 6
    finally:
        torch.set_num_threads(before)
    assert [at["value"] for at in predictor.trained.history] == [3.0]


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["ddp_spawn", "ddp_fork"])
def test_an_error_of_one_rank_ends_all_and_arrives_as_it_is(cycle, strategy):
    with pytest.raises(TrainingError, match=r"^SASRec: the loss is nan in epoch 2, step \d+ of it\. Lower"):
        fitted(cycle, validate=poison, strategy=strategy)
    with pytest.raises(ScoreError, match=r"^a NaN score$"):
        fitted(cycle, validate=fail_on_one_rank, strategy=strategy)


PLUGIN = """
    import pytorch_lightning as pl
    from shopzoo_transformer.sasrec import SASRec
    from zoo.api import hookimpl

    class Mine(SASRec):
        pass

    class Stop(pl.Callback):
        def __init__(self, folder):
            self.folder = folder

        def __reduce__(self):
            raise AssertionError("it is never pickled")

        def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
            if batch_idx == 0:
                with (self.folder / "ranks.txt").open("a") as file:
                    file.write(str(trainer.global_rank))
            trainer.should_stop = trainer.should_stop or trainer.current_epoch == 2

    @hookimpl
    def zoo_callbacks(run):
        return [Stop(run.folder)]
"""


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["ddp_spawn", "ddp_fork"])
def test_a_plugin_that_is_a_file_is_found_by_each_process_and_its_callbacks_run_in_the_first(
    cycle, tmp_path, monkeypatch, strategy
):
    monkeypatch.delitem(sys.modules, "stop_early", raising=False)
    file = tmp_path / "stop_early.py"
    file.write_text(textwrap.dedent(PLUGIN))
    registry = Registry.discover([file])

    def mine(**params):
        return sys.modules["stop_early"].Mine(sasrec(**params).params)

    found = fitted(
        cycle, validate=Right(cycle), folder=tmp_path, callbacks=registry.callbacks, make=mine, strategy=strategy
    )
    assert (tmp_path / "ranks.txt").read_text() == "000"
    assert found.trained.stopped == "callback"
    assert len(found.trained.history) == 3


def test_what_cannot_be_pickled_is_named(cycle):
    class Local:
        def __call__(self, predictor):
            return 0.5

    with pytest.raises(
        ConfigError, match=r'picklable under strategy = "ddp_spawn": .*Local.*use strategy = "ddp_fork"'
    ):
        fitted(cycle, validate=Local())


@pytest.mark.slow
def test_a_callback_that_waits_for_other_ranks_is_refused(cycle):
    waits = Callbacks(((pl.callbacks.EarlyStopping, "ndcg@10"),))
    with pytest.raises(
        ConfigError, match=r"SASRec: the callback EarlyStopping of a plugin exchanges data .* devices = 1"
    ):
        fitted(cycle, callbacks=waits, strategy="ddp_fork")


def test_sparse_gradients_are_not_exchanged(cycle):
    with pytest.raises(ConfigError, match="expected `sparse_updates` or several `devices`, found both"):
        fitted(cycle, {"loss": "bpr", "sparse_updates": True})


def test_too_many_devices_are_an_error(cycle):
    with pytest.raises(TrainingError, match=r"SASRec: an epoch has too few batches \(1\) for 2 devices\. Use fewer\."):
        fitted(cycle, batch_size=1000)
