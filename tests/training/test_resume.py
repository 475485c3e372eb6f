"""A training that was interrupted goes on, and ends as if nothing had happened."""

import os
import signal
import subprocess
import sys
import textwrap
from itertools import pairwise

import pytest
import pytorch_lightning as pl
import torch
from torch import nn

from zoo.config.train import NetworkSettings
from zoo.data.queries import Queries
from zoo.errors import TrainingError
from zoo.neural_params import NeuralParams
from zoo.nn.layers import dropout
from zoo.stages.context import RunContext, TrainingEnvironment
from zoo.stages.stage import TrainingData
from zoo.training import epoch_checkpoint
from zoo.training.checkpoint import ENDING
from zoo.training.neural_predictor import NeuralPredictor
from zoo.training.objectives import MaskedItem


class Stopped(BaseException):
    """What a test interrupts a training with."""


class StopAfter(pl.Callback):
    """Interrupts in the middle of an epoch, counted from 1."""

    def __init__(self, epochs):
        self.epochs = epochs

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        if trainer.current_epoch == self.epochs and batch_idx == 1:
            raise Stopped


class Watcher:
    """Metrics that a training cannot foresee, and what it told."""

    def __init__(self, values):
        self.values, self.told = values, []

    def validate(self, predictor):
        with torch.inference_mode():
            shown = predictor.score(Queries.of_histories(self.log))
        assert shown.isfinite().any()
        return self.values[self.told[-1][0] if self.told else 0]

    def tell(self, done, total, note="", **_):
        self.told.append((done, total, note))


@pytest.fixture(autouse=True)
def every_epoch(monkeypatch):
    """Write each epoch, however long that takes beside an epoch of a test."""
    monkeypatch.setattr(epoch_checkpoint, "CHECKPOINT_SHARE", float("inf"))


@pytest.fixture
def go(cycle, make, tmp_path):
    """Return a function that trains in a folder, and stops after so many epochs if it is to."""

    def trained(folder, params=None, values=(), stop=None, maker=make, epochs=None, **settings):
        watcher = Watcher(list(values))
        watcher.log = cycle
        context = RunContext(
            3,
            validate=watcher.validate if values else None,
            epochs=epochs,
            progress=watcher.tell,
            training=TrainingEnvironment(
                folder=None if folder is None else tmp_path / folder,
                settings=NetworkSettings(**{"max_epochs": 6, "batch_size": 16, "learning_rate": 0.01, **settings}),
                callbacks=lambda training: [StopAfter(stop)] if stop is not None else [],
            ),
        )
        predictor = maker(**(params or {}))
        try:
            predictor.fit(TrainingData.of(cycle), context)
        except Stopped:
            assert stop is not None
        predictor.told = watcher.told
        return predictor

    return trained


def same(one, other):
    """Return whether two predictors are the same in every bit."""
    a, b = one.state(), other.state()
    assert {n: v for n, v in a.values.items() if n != "history"} == {
        n: v for n, v in b.values.items() if n != "history"
    }
    untimed = [
        [{k: v for k, v in found.items() if k != "seconds"} for found in p.trained.history] for p in (one, other)
    ]
    assert untimed[0] == untimed[1]
    return a.tensors.keys() == b.tensors.keys() and all(torch.equal(a.tensors[n], b.tensors[n]) for n in a.tensors)


VALUES = [0.1, 0.3, 0.2, 0.5, 0.4, 0.45, 0.2]


@pytest.mark.parametrize("stop", [1, 2, 5])
@pytest.mark.parametrize(
    ("params", "settings"),
    [
        ({"dropout": 0.5}, {"schedule": "cosine", "warmup_steps": 3, "weight_decay": 0.1}),
        ({"loss": "sampled-softmax", "dropout": 0.3}, {"accumulate": 2, "clip_norm": 1.0}),
        ({"loss": "bpr", "sparse_updates": True}, {}),
        ({"loss": "gbce", "negative_sampling": "popularity"}, {"precision": "bf16"}),
        ({"dropout": 0.5}, {"averaging": 0.9}),
        ({"dropout": None}, {"epoch_batches": 2}),
    ],
)
def test_an_interrupted_training_ends_as_an_undisturbed_one(go, params, settings, stop):
    undisturbed = go(None, params, VALUES, **settings)
    go("run", params, VALUES, stop=stop, **settings)
    resumed = go("run", params, VALUES, **settings)
    assert same(undisturbed, resumed)
    assert resumed.told[0] == (stop, 6, f"resumes after epoch {stop}")
    assert [t[0] for t in resumed.told[1:]] == list(range(stop + 1, 7))
    assert resumed.told[1:] == undisturbed.told[stop:]


def test_the_hidden_items_of_a_resumed_training_are_those_it_would_have_had(go):
    class Bag(nn.Module):
        def __init__(self, items, dim):
            super().__init__()
            self.items, self.mix = items, nn.Linear(dim, dim)

        def forward(self, batch):
            items = dropout(self.items.embed_inputs(batch.items), 0.2, self.training)
            return self.mix(items.mean(1, keepdim=True).expand_as(items))

    class Masked(NeuralPredictor):
        @property
        def objective(self):
            return MaskedItem(self.params.length, 0.3)

        def build(self, sizes, items):
            return Bag(items, self.params.dim)

    def maker(**params):
        return Masked(NeuralParams(dim=8, length=8))

    undisturbed = go(None, maker=maker)
    go("run", stop=2, maker=maker)
    assert same(undisturbed, go("run", maker=maker))


def test_a_training_may_be_interrupted_again_and_again(go):
    undisturbed = go(None, values=VALUES)
    for stop in (1, 1, 2, 4):
        go("run", values=VALUES, stop=stop)
    assert same(undisturbed, go("run", values=VALUES))


@pytest.mark.parametrize("settings", [{"patience": 2}, {"patience": 50}, {"patience": 1, "validate_every": 2}])
def test_a_finished_training_is_not_trained_again(go, settings):
    first = go("run", values=VALUES, **settings)
    again = go("run", values=VALUES, **settings)
    assert same(first, again)
    assert again.trained.history == first.trained.history
    assert again.told == []


def test_settled_epochs_go_on_as_well(go):
    undisturbed = go(None, epochs=4, schedule="linear")
    go("run", epochs=4, schedule="linear", stop=3)
    resumed = go("run", epochs=4, schedule="linear")
    assert same(undisturbed, resumed)
    assert resumed.trained.epochs == 4
    assert go("run", epochs=4, schedule="linear").trained.epochs == 4


def test_seconds_of_training_add_up(go):
    go("run", values=VALUES, stop=3)
    seconds = [found["seconds"] for found in go("run", values=VALUES).trained.history]
    assert all(a < b for a, b in pairwise(seconds))


def test_a_time_limit_counts_what_was_trained_before(go):
    first = go("run", values=[0.5] * 10**5, max_epochs=10**5, patience=10**5, time_limit=0.002)
    again = go("run", values=[0.5] * 10**5, max_epochs=10**5, patience=10**5, time_limit=0.002)
    assert same(first, again)
    assert again.told == []


def test_one_checkpoint_is_kept_and_a_kill_while_it_is_written_loses_nothing(go, tmp_path, monkeypatch):
    undisturbed = go(None)
    go("run", stop=3)
    folder = tmp_path / "run"
    assert [p.name for p in folder.iterdir()] == [f"Small{ENDING}"]

    def half(path, tensors, header):
        path.write_bytes(b"half")
        raise Stopped

    with monkeypatch.context() as patch:
        patch.setattr("zoo.training.checkpoint.write_tensors", half)
        go("run", stop=9)
    assert same(undisturbed, go("run"))
    assert [p.name for p in folder.iterdir()] == [f"Small{ENDING}"]


def test_a_damaged_checkpoint_is_an_error_that_says_what_to_do(go, tmp_path):
    go("run", stop=1)
    (tmp_path / "run" / f"Small{ENDING}").write_bytes(b"nonsense")
    with pytest.raises(TrainingError, match=r"Small.checkpoint.safetensors is not a training checkpoint: .*Remove it"):
        go("run")


@pytest.mark.parametrize(
    ("changed", "named"),
    [({"learning_rate": 0.1, "schedule": "cosine"}, "learning_rate, schedule"), ({"epochs": 2}, "epochs")],
)
def test_the_checkpoint_of_another_training_is_refused(go, changed, named):
    go("run")
    with pytest.raises(TrainingError, match=rf"belongs to another training: {named} differ\. Remove it, or choose"):
        go("run", **changed)


def test_so_is_that_of_a_training_with_other_parameters_though_the_shapes_be_the_same(go):
    go("run")
    with pytest.raises(TrainingError, match="belongs to another training: dropout, loss differ"):
        go("run", {"dropout": 0.7, "loss": "bpr"})


def test_without_a_folder_nothing_is_written(go, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    go(None, values=VALUES)
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_ends_more_than_this_training(go, cycle, make):
    """Lightning makes an exit of it and ignores the next ones; a benchmark would take that for a failed run."""

    class CtrlC(pl.Callback):
        def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
            raise KeyboardInterrupt

    handler = signal.getsignal(signal.SIGINT)
    context = RunContext(
        training=TrainingEnvironment(settings=NetworkSettings(max_epochs=2), callbacks=lambda training: [CtrlC()])
    )
    with pytest.raises(KeyboardInterrupt):
        make().fit(TrainingData.of(cycle), context)
    assert signal.getsignal(signal.SIGINT) is handler


SCRIPT = """
import os, signal, sys, time
import numpy as np, torch
from pathlib import Path
from zoo.config.train import NetworkSettings
from zoo.data.interactions import Interactions
from zoo.stages.context import RunContext, TrainingEnvironment
from zoo.stages.stage import TrainingData
from zoo.training import epoch_checkpoint
sys.path.insert(0, {here!r})
from conftest import Small
from zoo.neural_params import NeuralParams

epoch_checkpoint.CHECKPOINT_SHARE = float("inf")
rng = np.random.default_rng(0)
log = Interactions.from_arrays(np.repeat(np.arange(40), 6), rng.integers(1, 20, 240), np.arange(240), n_items=20)
stop, signum = int(sys.argv[2]), int(sys.argv[3])

def tell(done, total, note="", *, resumed=False):
    print(done, note, flush=True)
    if done == stop and signum:
        os.kill(os.getpid(), signum)
        time.sleep(5 if signum == signal.SIGKILL else 0)

predictor = Small(NeuralParams(dim=8, length=6, loss="bpr", dropout=0.4))
environment = TrainingEnvironment(NetworkSettings(max_epochs=5, batch_size=16), folder=Path(sys.argv[1]))
context = RunContext(1, progress=tell, training=environment)
try:
    predictor.fit(TrainingData.of(log), context)
except KeyboardInterrupt:
    print("interrupted", signal.getsignal(signal.SIGINT) is signal.default_int_handler)
    sys.exit(130)
torch.save(predictor.state().tensors, sys.argv[4])
"""


@pytest.mark.slow
@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_process_loses_nothing(tmp_path, signum):
    script = tmp_path / "training.py"
    script.write_text(textwrap.dedent(SCRIPT.format(here=os.path.dirname(__file__))))

    def run(folder, stop, signum):
        arguments = [str(tmp_path / folder), str(stop), str(int(signum)), str(tmp_path / f"{folder}.pt")]
        return subprocess.run(
            [sys.executable, script, *arguments],
            capture_output=True,
            text=True,
            check=False,
        )

    assert run("whole", 0, 0).returncode == 0
    killed = run("killed", 3, signum)
    assert killed.returncode == (-signal.SIGKILL if signum == signal.SIGKILL else 130), killed.stderr
    if signum != signal.SIGKILL:
        assert killed.stdout.splitlines()[-1] == "interrupted True"
    again = run("killed", 0, 0)
    assert again.returncode == 0, again.stderr
    assert "resumes after epoch" in again.stdout
    whole, resumed = (torch.load(tmp_path / f"{name}.pt", weights_only=True) for name in ("whole", "killed"))
    assert all(torch.equal(whole[n], resumed[n]) for n in whole)
