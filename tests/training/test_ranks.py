"""Ranks: the same steps, weights and metrics whatever starts the processes and wherever they are, and resumes with others."""

import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from safetensors.torch import load_file
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

import zoo
from zoo.config.train import NetworkSettings
from zoo.data.interactions import Interactions
from zoo.data.queries import Queries
from zoo.errors import ConfigError, PluginError, ScoreError
from zoo.registry.registry import default_registry
from zoo.stages.context import RunContext, TrainingEnvironment
from zoo.stages.ranks import RankMean, own_share
from zoo.stages.stage import TrainingData
from zoo.training.checkpoint import ENDING, SafeCheckpointIO
from zoo.training.launcher import launching_by

TOML = """
[data]
source = { name = "synthetic-shop", customers = 300, items = 60 }
[split]
policy = "temporal"
cuts = [0.7, 0.85]
[evaluate]
metrics = ["ndcg@10"]
[train]
max_epochs = 2
batch_size = 64
devices = 2
threads = 1
[[model]]
predictor = { name = "sasrec", dim = 8, length = 10, blocks = 1, heads = 1 }
"""


@dataclass
class Right:
    """A metric over the shares of all ranks, which notes what each rank sees of it."""

    log: Interactions
    place: Path

    def __call__(self, predictor):
        wanted, mean = torch.from_numpy(self.log.items[self.log.offsets[1:] - 1] % 12 + 1), RankMean()
        with torch.inference_mode():
            right = predictor.score(Queries.of_histories(self.log)).argmax(1) == wanted
        mean.update(float(right[own_share()].sum()), len(right[own_share()]))
        value = float(mean.compute())
        rank = torch.distributed.get_rank() if torch.distributed.is_initialized() else 0
        with (self.place / f"{rank}.txt").open("a") as file:
            file.write(f"{value}\n")
        return value


def fail_on_one_rank(predictor):
    """Fail on the second rank."""
    if torch.distributed.get_rank() == 1:
        raise ScoreError("a NaN score")
    torch.distributed.barrier()


@dataclass
class Callbacks:
    """What plugins add to a training."""

    found: tuple

    def __call__(self, training):
        return list(self.found)


class StopAfter(pl.Callback):
    """Interrupts in the middle of an epoch, counted from 1."""

    def __init__(self, epochs):
        self.epochs = epochs

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        if trainer.current_epoch == self.epochs:
            raise ValueError("interrupted")


class Elastic:
    """Starts processes with the library of torchrun."""

    def __init__(self, folder):
        self.folder = folder

    def launch(self, rank, devices, nodes):
        config = LaunchConfig(
            1, 1, devices, run_id="test", rdzv_backend="c10d", rdzv_endpoint="localhost:0", max_restarts=0
        )
        elastic_launch(config, call)(rank)


def call(rank):
    """Call a rank: the library wants a function with a name."""
    rank()


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    """Let processes that are spawned import this module."""
    monkeypatch.syspath_prepend(Path(__file__).parents[2])


def fitted(log, validate=None, folder=None, callbacks=(), told=None, **settings):
    component = default_registry().find("predictor", "sasrec")
    params = {
        "dim": 16,
        "length": 8,
        "dropout": 0.1,
        "negatives": 8,
        "blocks": 1,
        "heads": 1,
        "loss": "sampled-softmax",
    }
    predictor = component.build(component.params(params))
    given = {"max_epochs": 5, "batch_size": 16, "learning_rate": 0.01, "strategy": "ddp_fork", **settings}
    context = RunContext(
        1,
        validate=validate,
        progress=lambda done, total, note="", **_: None if told is None else told.append(note),
        training=TrainingEnvironment(folder=folder, settings=NetworkSettings(**given), callbacks=Callbacks(callbacks)),
    )
    predictor.fit(TrainingData.of(log), context)
    return predictor


def steps(folder):
    """Return the number of steps of a training."""
    return SafeCheckpointIO().load_checkpoint(folder / f"SASRec{ENDING}")["global_step"]


def weights(artifact):
    """Return the tensors of the predictor of a saved artifact."""
    (file,) = [path for path in artifact.rglob("*.safetensors") if "predictor" in path.name]
    return load_file(file)


def differ(one, other):
    """Return by how much the largest difference of two states exceeds 1e-6; at most 0 if they are the same."""
    assert one.keys() == other.keys()
    return max(float((one[name].double() - other[name].double()).abs().max()) for name in one) - 1e-6


@pytest.mark.slow  # four trainings in seven processes
def test_steps_are_those_of_one_rank_and_all_ranks_see_the_same_metric(cycle, tmp_path):
    found = {}
    for n in (1, 2, 4):
        place = tmp_path / str(n)
        place.mkdir()
        predictor = fitted(cycle, Right(cycle, place), place, devices=n, max_epochs=3)
        seen = [(place / f"{rank}.txt").read_text().split() for rank in range(n)]
        assert all(values == seen[0] for values in seen)
        assert [float(value) for value in seen[0]] == [at["value"] for at in predictor.trained.history]
        found[n] = steps(place), predictor.trained.history[0]["loss"]
    assert {at[0] for at in found.values()} == {3 * 5}  # three epochs of five batches
    np.testing.assert_allclose([at[1] for at in found.values()], found[1][1], rtol=0.1)


@pytest.mark.slow  # nine trainings of a shop
def test_several_ranks_are_within_the_noise_of_the_seed(tmp_path):
    values = {}
    for n in (1, 2, 4):
        train = {"max_epochs": 8, "refit": False, "devices": n, "strategy": "ddp_fork", "learning_rate": 0.01, "batch_size": 128, "seeds": [0, 1, 2], "threads": 1}  # fmt: skip
        experiment = {
            "data": {"source": {"name": "synthetic-shop", "customers": 600, "items": 60}},
            "split": {"policy": "temporal", "cuts": [0.7, 0.8]},
            "evaluate": {"metrics": ["ndcg@10"]},
            "train": train,
            "references": False,
            "model": [{"predictor": {"name": "sasrec", "dim": 32, "length": 20, "blocks": 1, "heads": 1}}],
        }
        rows = zoo.bench(experiment, tmp_path / str(n)).rows()
        assert [row.error for row in rows] == [None] * 3
        values[n] = [row.metrics["ndcg@10"][0] for row in rows]
    print({n: [round(value, 4) for value in found] for n, found in values.items()})
    noise = np.std(values[1], ddof=1) * (2 / 3) ** 0.5  # of the difference of two means of three
    for n in (2, 4):
        assert abs(np.mean(values[n]) - np.mean(values[1])) < 3 * noise


@pytest.mark.slow  # three interrupted trainings
@pytest.mark.parametrize(("before", "after"), [(2, 1), (1, 2), (2, 4)])
def test_a_training_resumes_with_another_number_of_ranks(cycle, tmp_path, monkeypatch, before, after):
    monkeypatch.setattr("zoo.training.epoch_checkpoint.CHECKPOINT_SHARE", float("inf"))
    told, place = [], tmp_path / "seen"
    place.mkdir()
    with pytest.raises(PluginError, match="interrupted"):
        fitted(cycle, Right(cycle, place), tmp_path, (StopAfter(3),), devices=before)
    predictor = fitted(cycle, Right(cycle, place), tmp_path, devices=after, told=told)
    assert told[0] == "resumes after epoch 3"
    assert [at["epoch"] for at in predictor.trained.history] == [1, 2, 3, 4, 5]
    assert steps(tmp_path) == 5 * 5
    losses = [at["loss"] for at in predictor.trained.history]
    assert losses[4] < losses[2] < losses[0]  # it goes on from where it was


@pytest.mark.slow  # two processes that import everything anew
def test_a_launcher_starts_the_ranks_and_their_errors_arrive(cycle, tmp_path):
    here = fitted(cycle, devices=2, strategy="ddp_spawn", max_epochs=2)
    with launching_by(Elastic(tmp_path)):
        there = fitted(cycle, devices=2, strategy="auto", max_epochs=2)
        with pytest.raises(ScoreError, match=r"^a NaN score$"):
            fitted(cycle, fail_on_one_rank, devices=2, strategy="auto")
    assert differ(here.state().tensors, there.state().tensors) <= 0
    assert list(tmp_path.iterdir()) == []


def command(folder, name):
    """Return the command that fits to a folder."""
    return ["-m", "zoo", "fit", str(folder / "shop.toml"), "--out", str(folder / name)]


def all_of(*processes):
    """Wait for processes, which must succeed."""
    for process in processes:
        _, errors = process.communicate()
        assert process.returncode == 0, errors


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


def started(arguments, **env):
    """Start a process of Python."""
    return subprocess.Popen([sys.executable, *map(str, arguments)], env={**os.environ, "OMP_NUM_THREADS": "1", **env}, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip


@pytest.mark.slow  # eight processes that import everything anew
def test_torchrun_on_one_and_two_nodes_slurm_and_spawned_processes_give_the_same_weights(tmp_path):
    (tmp_path / "shop.toml").write_text(TOML)
    zoo.fit(tmp_path / "shop.toml", out=tmp_path / "spawn")
    run = ["-m", "torch.distributed.run"]
    all_of(started([*run, "--standalone", "--nproc-per-node", 2, *command(tmp_path, "torchrun")]))
    port = free_port()
    nodes = [[*run, "--nnodes", 2, "--node-rank", at, "--nproc-per-node", 1, "--master-addr", "127.0.0.1", "--master-port", port, *command(tmp_path, "nodes"), "--set", "train.nodes=2"] for at in range(2)]  # fmt: skip
    all_of(*map(started, nodes))
    slurm = {"SLURM_NTASKS": "2", "SLURM_NTASKS_PER_NODE": "1", "SLURM_NNODES": "2", "SLURM_JOB_NAME": "fit", "SLURM_NODELIST": "127.0.0.1", "SLURM_LOCALID": "0", "MASTER_PORT": str(free_port())}  # fmt: skip
    all_of(
        *[started(command(tmp_path, "slurm"), **slurm, SLURM_PROCID=str(at), SLURM_NODEID=str(at)) for at in range(2)]
    )
    first = weights(tmp_path / "spawn")
    assert all(differ(first, weights(tmp_path / name)) <= 0 for name in ("torchrun", "nodes", "slurm"))


def test_nodes_that_cannot_be_are_an_error(cycle, monkeypatch):
    with pytest.raises(
        ConfigError, match=r"SASRec: `devices` is 3 and `nodes` is 2: .* Set train\.devices, .* to a multiple"
    ):
        fitted(cycle, devices=3, nodes=2)
    with pytest.raises(
        ConfigError, match=r"`nodes` is 2, and the processes .* on this machine alone\. Start `zoo fit` on each"
    ):
        fitted(cycle, devices=4, nodes=2)
    torchrun = {
        "TORCHELASTIC_RUN_ID": "test",
        "RANK": "1",
        "LOCAL_RANK": "1",
        "WORLD_SIZE": "4",
        "LOCAL_WORLD_SIZE": "4",
    }
    for name, value in torchrun.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(
        ConfigError, match=r"`nodes` is 2, and the 4 processes were started on 1 machine\. Set train\.nodes = 1"
    ):
        fitted(cycle, devices=4, nodes=2, strategy="auto")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "3")
    with pytest.raises(
        ConfigError, match=r"SASRec: 3 of 4 processes are on the machine .*, and every machine needs as many"
    ):
        fitted(cycle, devices=4, strategy="auto")
