"""Start the ranks of a training: this process alone, the processes of torchrun or SLURM, or processes that are started for it."""

from __future__ import annotations

import torch
from lightning_fabric.plugins.environments.cluster_environment import ClusterEnvironment

from zoo.errors import ConfigError, TrainingError
from zoo.stages.context import Tell
from zoo.trained import Trained
from zoo.training.environments import external_environment, nodes_of, starter_of
from zoo.training.job import TrainingJob
from zoo.training.launcher import launcher_of_this_run
from zoo.training.quiet import quiet
from zoo.training.started_ranks import launch_by, launch_here


def run(job: TrainingJob, tell: Tell) -> Trained:
    """Run a training on the number of ranks in its settings; afterwards its network has the trained weights.

    Raises:
        ConfigError: The settings do not fit the processes that are there, or a part of the training cannot be pickled.
        TrainingError: A rank failed; an error of the zoo on any rank is raised as it is.
    """
    s, environment = job.settings, external_environment()
    if s.devices % (s.nodes or 1):
        raise ConfigError(
            f"{job.name}: `devices` is {s.devices} and `nodes` is {s.nodes}: as many processes run on each machine. Set "
            "train.devices, the number of all processes, to a multiple of train.nodes."
        )
    if environment is not None:
        _check_started(job, environment)
        with quiet():
            return _join(job, environment, tell)
    launcher = launcher_of_this_run()
    if s.devices > 1 and s.strategy == "auto" and launcher is not None:
        return launch_by(launcher, job, tell)
    if s.nodes not in (None, 1):
        raise ConfigError(
            f"{job.name}: `nodes` is {s.nodes}, and the processes of a training would be started on this machine alone. Start "
            "`zoo fit` on each machine with torchrun or SLURM, use `zoo bench --executor ray` without `strategy`, or leave `nodes` out."
        )
    if s.devices == 1:
        with quiet():
            return job.run(tell)
    return launch_here(job, "ddp_spawn" if s.strategy == "auto" else s.strategy, tell)


def _check_started(job: TrainingJob, environment: ClusterEnvironment) -> None:
    """Refuse settings that do not match the processes that torchrun or SLURM started.

    Raises:
        ConfigError: Their number is not `devices`, or `strategy` starts processes as well.
    """
    s, there, by = job.settings, environment.world_size(), starter_of(environment)
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


def _join(job: TrainingJob, environment: ClusterEnvironment, tell: Tell) -> Trained:
    """Be a rank in a process that torchrun or SLURM started.

    Raises:
        ConfigError: The processes are not spread over the machines as the settings say.
        TrainingError: The connection to another rank is lost, which has told its own error.
    """
    nodes = nodes_of(environment, job.name, job.settings.nodes)
    try:
        return job.run(tell, environment, nodes)
    except RuntimeError as error:
        if torch.distributed.is_initialized() and "onnection" in str(error):
            raise TrainingError(
                f"{job.name}: another process of the training failed, and its message says why."
            ) from error
        raise
