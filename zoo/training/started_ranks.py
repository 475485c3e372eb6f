"""Ranks in processes that a training starts: by Lightning on this machine, or by a launcher on a cluster."""

from __future__ import annotations

import json
import os
import pickle
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytorch_lightning as pl
import torch
from lightning_fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from torch import nn

from zoo import errors
from zoo.atomic import write_atomically
from zoo.errors import ConfigError, TrainingError, ZooError
from zoo.stages.context import Tell
from zoo.trained import Trained
from zoo.training.checkpoint import SafeCheckpointIO
from zoo.training.environments import nodes_of
from zoo.training.job import TrainingJob
from zoo.training.launcher import Launcher
from zoo.training.module import restore, weights
from zoo.training.quiet import quiet

RESULT = "result.safetensors"
"""The file in which rank 0 of the started processes writes weights and history."""


@dataclass(frozen=True, eq=False)
class StartedRank:
    """A training as a rank in a process that was started for it.

    Rank 0 writes the result to the folder; any rank writes its error there.

    Attributes:
        job: The training.
        folder: The folder; all processes see it.
        threads: The number of threads of each process.
        seed: The seed of torch's global generator.
        environment: The kind of environment in which the processes find each other.
    """

    job: TrainingJob
    folder: Path
    threads: int
    seed: int
    environment: type[ClusterEnvironment]

    def __call__(self) -> None:
        """Train."""
        torch.set_num_threads(self.threads)
        torch.manual_seed(self.seed)
        environment, reports = self.environment(), list[tuple[int, int, str, bool]]()

        def tell(
            done: int, total: int, note: str = "", /, *, resumed: bool = False, seconds_left: float | None = None
        ) -> None:
            reports.append((done, total, note, resumed))

        if isinstance(environment, LightningEnvironment):  # all its processes are on one machine
            environment.set_global_rank(environment.local_rank())
        rank = environment.global_rank()
        try:
            _copy_weights(self.job.network)
            with quiet():
                trained = self.job.run(tell, environment, nodes_of(environment, self.job.name, self.job.settings.nodes))
        except Exception as error:
            _write_error(self.folder / f"{rank}.json", error)
            raise
        if rank == 0:
            result = {"weights": weights(self.job.network), "trained": vars(trained), "reports": reports}
            SafeCheckpointIO().save_checkpoint(result, self.folder / RESULT)


def launch_here(job: TrainingJob, strategy: str, tell: Tell) -> Trained:
    """Run a training in processes that Lightning starts on this machine.

    Raises:
        ConfigError: A part of the training cannot be pickled.
        TrainingError: A process failed.
    """
    with quiet():
        launcher = pl.Trainer(
            accelerator=job.device.type,
            devices=job.settings.devices,
            strategy=strategy,
            plugins=LightningEnvironment(),
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
        ).strategy.launcher
    assert launcher is not None

    def start(rank: StartedRank) -> None:
        try:
            launcher.launch(rank)
        except BaseException:
            # After Ctrl-C too: a checkpoint is whole or not there. Windows has SIGTERM alone, which ends a process at once there.
            launcher.kill(signal.SIGTERM if os.name == "nt" else signal.SIGKILL)
            raise

    return _run_started(job, start, LightningEnvironment, None, tell)


def launch_by(launcher: Launcher, job: TrainingJob, tell: Tell) -> Trained:
    """Run a training in processes that a launcher starts on a cluster.

    Raises:
        ZooError: A part of the training cannot be pickled, a process failed, or there is no room for the processes.
    """
    s = job.settings
    return _run_started(
        job,
        lambda rank: launcher.launch(rank, s.devices, s.nodes),
        TorchElasticEnvironment,
        launcher.folder,
        tell,
    )


def _run_started(
    job: TrainingJob,
    start: Callable[[StartedRank], None],
    environment: type[ClusterEnvironment],
    place: Path | None,
    tell: Tell,
) -> Trained:
    """Run a training in started processes, and read the result of rank 0 from a folder.

    Args:
        job: The training.
        start: Starts the processes, and returns when they have ended.
        environment: The kind of environment in which they find each other.
        place: Where the folder is made; None for the place of temporary files.
        tell: Receives the progress.
    """
    threads = torch.get_num_threads()
    with TemporaryDirectory(prefix=".zoo-", dir=place) as name:
        folder = Path(name)
        share = max(1, threads // job.settings.devices)
        try:
            start(StartedRank(job, folder, share, torch.initial_seed(), environment))
        except ZooError:  # of a launcher: it says what to do
            raise
        except (pickle.PicklingError, AttributeError, TypeError) as error:  # raised before a process is started
            raise ConfigError(
                f'{job.name}: `devices` needs every part of a training to be picklable under strategy = "ddp_spawn": {error}. '
                'Define it in a module, use strategy = "ddp_fork", or devices = 1.'
            ) from error
        except Exception as error:
            raise _original(folder, job.name, str(error)) from error
        finally:
            torch.set_num_threads(threads)  # Lightning sets a number of its own
        result = SafeCheckpointIO().load_checkpoint(folder / RESULT)
    restore(job.network, result["weights"])
    for done, total, note, resumed in result["reports"]:
        tell(done, total, note, resumed=resumed)
    return Trained(**result["trained"])


def _copy_weights(network: nn.Module) -> None:
    """Give a network weights of its own: torch sends tensors to spawned processes in shared memory."""
    for tensor in (*network.parameters(), *network.buffers()):
        tensor.data = tensor.data.clone()


def _write_error(path: Path, error: Exception) -> None:
    """Write an error as JSON; an error of a plugin's own class is written as the class of the zoo that it derives from."""
    kind = next((c.__name__ for c in type(error).__mro__ if vars(errors).get(c.__name__) is c), None)
    message = str(error) if kind else f"{type(error).__name__}: {error}"
    with write_atomically(path) as file:
        file.write_text(json.dumps({"seconds": time.time(), "kind": kind, "message": message}), encoding="utf-8")


def _original(folder: Path, name: str, last: str) -> ZooError:
    """Return the first error: the others follow from it, because a lost rank breaks the group."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")]
    if not found:  # a process was killed
        return TrainingError(f"{name}: a process of the training failed: {last.strip().splitlines()[-1]}")
    first = min(found, key=lambda error: float(error["seconds"]))
    if first["kind"] is None:
        return TrainingError(f"{name}: a process of the training failed: {first['message']}")
    kind: type[ZooError] = vars(errors)[first["kind"]]
    return kind(first["message"])
