"""The processes of one command that torchrun or SLURM started: how many there are, and which of them this one is."""

from __future__ import annotations

import os
import platform

import torch
from lightning_fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment

from zoo.errors import ConfigError


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
            f"{command} runs in one process, and {starter_of(environment)} started {environment.world_size()}. Start one, with "
            "train.devices = n: each training then starts its own processes. `zoo fit` runs in several."
        )


def starter_of(environment: ClusterEnvironment) -> str:
    """Return what started the processes."""
    return "torchrun" if isinstance(environment, TorchElasticEnvironment) else "SLURM"


def nodes_of(environment: ClusterEnvironment, name: str, asked: int | None) -> int:
    """Return the number of machines with processes of a training.

    Args:
        environment: The environment of a process.
        name: The name of what is trained.
        asked: `nodes` of the settings.

    Raises:
        ConfigError: The processes are spread unevenly, or over another number of machines than is asked for.
    """
    if isinstance(environment, LightningEnvironment):
        return 1
    there = environment.world_size()
    if isinstance(environment, SLURMEnvironment):
        nodes = int(os.environ.get("SLURM_NNODES", "1"))
    else:
        here = int(os.environ["LOCAL_WORLD_SIZE"])
        if there % here:
            raise ConfigError(
                f"{name}: {here} of {there} processes are on the machine {platform.node()}, and every machine needs as many. "
                "Start as many on each, or on one machine."
            )
        nodes = there // here
    if asked not in (None, nodes):
        raise ConfigError(
            f"{name}: `nodes` is {asked}, and the {there} processes were started on {nodes} machine{'' if nodes == 1 else 's'}. "
            f"Set train.nodes = {nodes}, or leave it out."
        )
    return nodes
