"""Start the ranks of a training: this process alone, the processes of torchrun or SLURM, or processes that Lightning starts."""

from __future__ import annotations

import json
import logging
import os
import pickle
import signal
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytorch_lightning as pl
import torch
from lightning_fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from torch import nn
from torch.multiprocessing.spawn import ProcessException

from zoo import errors
from zoo.atomic import write_atomically
from zoo.errors import ConfigError, TrainingError, ZooError
from zoo.stages.context import Tell
from zoo.trained import Trained
from zoo.training.checkpoint import SafeCheckpointIO
from zoo.training.job import TrainingJob
from zoo.training.module import restore, weights

RESULT = "result.safetensors"
"""The file in which rank 0 of the started processes writes weights and history."""


def external_environment() -> ClusterEnvironment | None:
    """Return the environment of torchrun or SLURM if one of them started several processes of this command, otherwise None.

    Raises:
        ConfigError: Lightning refuses the variables of a SLURM job.
    """
    for kind in (TorchElasticEnvironment, SLURMEnvironment):
        if kind.detect():
            try:
                environment: ClusterEnvironment = kind()
            except RuntimeError as error:
                raise ConfigError(f"SLURM: {error}") from error
            return environment if environment.world_size() > 1 else None
    return None


def is_first_process() -> bool:
    """Return whether this process prints and writes: only the first of those that torchrun or SLURM started does."""
    environment = external_environment()
    return environment is None or environment.global_rank() == 0


def own_device(device: torch.device) -> torch.device:
    """Return the device of this process: each process that torchrun or SLURM started on a machine has its own GPU."""
    environment = external_environment()
    return (
        device if environment is None or device.type == "cpu" else torch.device(device.type, environment.local_rank())
    )


def refuse_several_processes(command: str) -> None:
    """Refuse to run a command in several processes that would all write the same results.

    Raises:
        ConfigError: torchrun or SLURM started several.
    """
    if (environment := external_environment()) is not None:
        raise ConfigError(
            f"{command} runs in one process, and {_name_of(environment)} started {environment.world_size()}. Start one, with "
            "train.devices = n: each training then starts its own processes. `zoo fit` runs in several."
        )


def run(job: TrainingJob, tell: Tell) -> Trained:
    """Run a training on the number of ranks in its settings; afterwards its network has the trained weights.

    Raises:
        ConfigError: The settings do not fit the processes that are there, or a part of the training cannot be pickled.
        TrainingError: A rank failed; an error of the zoo on any rank is raised as it is.
    """
    s, environment = job.settings, external_environment()
    if environment is not None:
        _check_started(job, environment)
        with quiet():
            return _join(job, environment, tell)
    if s.devices == 1:
        with quiet():
            return job.run(tell)
    return _launch(job, "ddp_spawn" if s.strategy == "auto" else s.strategy, tell)


def _check_started(job: TrainingJob, environment: ClusterEnvironment) -> None:
    """Refuse settings that do not match the processes that torchrun or SLURM started.

    Raises:
        ConfigError: Their number is not `devices`, or `strategy` starts processes as well.
    """
    s, there, by = job.settings, environment.world_size(), _name_of(environment)
    if s.devices != there:
        raise ConfigError(
            f"{job.name}: `devices` is {s.devices}, and {by} started {there} processes. Set train.devices = {there}, or "
            f"start {s.devices}."
        )
    if s.strategy != "auto":
        raise ConfigError(
            f"{job.name}: strategy = {s.strategy!r} starts processes, and {by} has started them already. Leave "
            "`strategy` out."
        )


def _name_of(environment: ClusterEnvironment) -> str:
    return "torchrun" if isinstance(environment, TorchElasticEnvironment) else "SLURM"


def _join(job: TrainingJob, environment: ClusterEnvironment, tell: Tell) -> Trained:
    """Be a rank in a process that torchrun or SLURM started.

    Raises:
        TrainingError: The connection to another rank is lost, which has told its own error.
    """
    try:
        return job.run(tell, environment, _nodes(environment))
    except RuntimeError as error:
        if torch.distributed.is_initialized() and "onnection" in str(error):
            raise TrainingError(
                f"{job.name}: another process of the training failed, and its message says why."
            ) from error
        raise


def _nodes(environment: ClusterEnvironment) -> int:
    """Return the number of machines."""
    if isinstance(environment, SLURMEnvironment):
        return int(os.environ.get("SLURM_NNODES", "1"))
    return environment.world_size() // int(os.environ["LOCAL_WORLD_SIZE"])


def _launch(job: TrainingJob, strategy: str, tell: Tell) -> Trained:
    """Run a training in processes that Lightning's launcher starts, and read the result of rank 0 from a folder.

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
    threads = torch.get_num_threads()
    with TemporaryDirectory(prefix="zoo-") as name:
        folder = Path(name)
        try:
            launcher.launch(partial(_run_rank, job, folder, max(1, threads // job.settings.devices)))
        except ProcessException as error:
            raise _original(folder, job.name, str(error)) from error
        except (pickle.PicklingError, AttributeError, TypeError) as error:  # raised before a process is started
            raise ConfigError(
                f'{job.name}: `devices` needs every part of a training to be picklable under strategy = "ddp_spawn": {error}. '
                'Define it in a module, use strategy = "ddp_fork", or devices = 1.'
            ) from error
        except BaseException:
            # After Ctrl-C too: a checkpoint is whole or not there. Windows has SIGTERM alone, which ends a process at once there.
            launcher.kill(signal.SIGTERM if os.name == "nt" else signal.SIGKILL)
            raise
        finally:
            torch.set_num_threads(threads)  # the launcher sets a number of its own
        result = SafeCheckpointIO().load_checkpoint(folder / RESULT)
    restore(job.network, result["weights"])
    for done, total, note, resumed in result["reports"]:
        tell(done, total, note, resumed=resumed)
    return Trained(**result["trained"])


def _run_rank(job: TrainingJob, folder: Path, threads: int) -> None:
    """Run as one rank in a started process, with its share of the threads.

    Rank 0 writes the result to the folder; any rank writes its error there.
    """
    torch.set_num_threads(threads)
    environment, reports = LightningEnvironment(), list[tuple[int, int, str, bool]]()

    def tell(
        done: int, total: int, note: str = "", /, *, resumed: bool = False, seconds_left: float | None = None
    ) -> None:
        reports.append((done, total, note, resumed))

    rank = environment.local_rank()
    environment.set_global_rank(rank)
    try:
        _copy_weights(job.network)
        with quiet():
            trained = job.run(tell, environment)
    except Exception as error:
        _write_error(folder / f"{rank}.json", error)
        raise
    if rank == 0:
        result = {"weights": weights(job.network), "trained": vars(trained), "reports": reports}
        SafeCheckpointIO().save_checkpoint(result, folder / RESULT)


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


@contextmanager
def quiet() -> Iterator[None]:
    """Silence Lightning's messages on devices, processes and tips."""
    levels = {name: logging.getLogger(name).level for name in ("pytorch_lightning", "lightning_fabric")}
    for name in levels:
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="pytorch_lightning")
            # A word on speed, of broadcast gradients.
            warnings.filterwarnings("ignore", message="Grad strides do not match")
            yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
