"""Processes that torchrun or SLURM started: which of them prints, and what does not fit them."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

import zoo
from zoo.cli.main import main
from zoo.config.train import NetworkSettings
from zoo.errors import ConfigError
from zoo.stages.context import RunContext, TrainingEnvironment
from zoo.stages.stage import TrainingData
from zoo.training.environments import is_first_process, own_device

TORCHRUN = {
    "TORCHELASTIC_RUN_ID": "test", "RANK": "1", "LOCAL_RANK": "1", "GROUP_RANK": "0", "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2",
}  # fmt: skip
SLURM = {
    "SLURM_NTASKS": "4", "SLURM_NTASKS_PER_NODE": "2", "SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NNODES": "2",
    "SLURM_JOB_NAME": "fit",
}  # fmt: skip
EXPERIMENT = """
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
[[model]]
predictor = { name = "sasrec", dim = 8, length = 10, blocks = 1, heads = 1 }
"""


@pytest.fixture
def started(monkeypatch):
    """Return a function that sets the variables which torchrun or SLURM would set."""

    def set_all(variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return set_all


def test_alone_a_process_is_the_first():
    assert is_first_process()
    assert own_device(torch.device("cuda")) == torch.device("cuda")


@pytest.mark.parametrize(
    ("variables", "first"), [(TORCHRUN, False), ({**TORCHRUN, "RANK": "0"}, True), (SLURM, True)], ids=str
)
def test_the_first_of_several_is_known(started, variables, first):
    started(variables)
    assert is_first_process() == first


def test_each_process_of_a_machine_has_its_own_gpu(started):
    started(TORCHRUN)
    assert own_device(torch.device("cuda")) == torch.device("cuda", 1)
    assert own_device(torch.device("cpu")) == torch.device("cpu")


def test_variables_of_slurm_that_lightning_refuses_are_an_error_of_ours(started, monkeypatch):
    started({**SLURM})
    monkeypatch.delenv("SLURM_NTASKS_PER_NODE")
    with pytest.raises(ConfigError, match=r"SLURM: .*--ntasks-per-node"):
        is_first_process()


def test_one_task_of_slurm_is_a_process_like_any_other(started):
    started({**SLURM, "SLURM_NTASKS": "1"})
    assert is_first_process()


@pytest.mark.parametrize(
    ("variables", "settings", "message"),
    [
        (
            TORCHRUN,
            {},
            r"Small: `devices` is 1, and torchrun started 2 processes\. Set train\.devices = 2, or start 1\.",
        ),
        (
            SLURM,
            {"devices": 2},
            r"`devices` is 2, and SLURM started 4 processes\. Set train\.devices = 4, or start 2\.",
        ),
        (
            TORCHRUN,
            {"devices": 2, "strategy": "ddp_fork"},
            r"strategy = 'ddp_fork' starts processes, and torchrun has started them already\. Leave `strategy` out\.",
        ),
    ],
)
def test_settings_that_do_not_fit_the_processes_are_an_error(started, cycle, make, variables, settings, message):
    started(variables)
    context = RunContext(training=TrainingEnvironment(settings=NetworkSettings(batch_size=16, **settings)))
    with pytest.raises(ConfigError, match=message):
        make().fit(TrainingData.of(cycle), context)


def test_a_benchmark_refuses_to_run_in_several_processes(started, tmp_path):
    started(TORCHRUN)
    found = CliRunner().invoke(main, ["bench", str(tmp_path / "no.toml")])
    assert found.exit_code == 2
    assert "zoo bench runs in one process, and torchrun started 2. Start one, with train.devices = n" in found.output


def torchrun(folder, *arguments):
    """Run the command of the page in a folder, with further arguments."""
    page = Path(__file__).parents[2] / "docs/explanation/training.md"
    (command,) = re.findall(r"^\$ torchrun (.*)$", page.read_text(), re.MULTILINE)
    (folder / "shop.toml").write_text(EXPERIMENT)
    return subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", *shlex.split(command), *arguments],
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_zoo_fit_joins_the_processes_of_torchrun(tmp_path):
    found = torchrun(tmp_path)
    assert found.returncode == 0, found.stderr
    assert found.stdout.count("zoo recommend shop-model") == 1
    assert found.stderr.count("reading data") == 1
    assert zoo.load_artifact(tmp_path / "shop-model").recommend("c000001", k=3) is not None
    assert not (tmp_path / "shop-model.training").exists()


@pytest.mark.slow
def test_an_error_in_processes_of_torchrun_is_told(tmp_path):
    found = torchrun(tmp_path, "--set", "train.learning_rate=1e30")
    assert found.returncode != 0
    assert "zoo: SASRec: the loss is nan in epoch" in found.stderr
    assert not (tmp_path / "shop-model").exists()
