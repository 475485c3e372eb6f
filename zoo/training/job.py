"""One training as each rank runs it, alone or in a process group."""

from __future__ import annotations

import math
import signal
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from lightning_fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from pytorch_lightning.callbacks import Checkpoint
from pytorch_lightning.callbacks import EarlyStopping as LightningEarlyStopping
from pytorch_lightning.loggers import Logger
from pytorch_lightning.strategies import DDPStrategy
from pytorch_lightning.utilities.exceptions import SIGTERMException
from torch import nn

from zoo.config.train import FilledSettings
from zoo.errors import ConfigError
from zoo.hookspecs import Training
from zoo.stages.context import Tell
from zoo.trained import Trained
from zoo.training.averaging import WeightAverage
from zoo.training.callback_errors import name_callback
from zoo.training.checkpoint import SafeCheckpointIO, epoch_of
from zoo.training.early_stopping import EarlyStopping, StoppingRule, StopTogether, reason
from zoo.training.epoch_checkpoint import EpochCheckpoint
from zoo.training.epoch_timer import EpochTimer
from zoo.training.loggers import logger_of
from zoo.training.module import TrainingModule
from zoo.training.progress_report import ProgressReport
from zoo.training.share import Batches, Share
from zoo.training.streams import Stream, Streams


@dataclass(frozen=True, eq=False)
class TrainingJob:
    """A training, identical on every rank; it can be pickled if its parts can.

    Attributes:
        plugins: Returns the Lightning callbacks of plugins; called on rank 0 only. The first field, because a pickled
            job is restored in this order: plugins that are files are loaded before the classes they define.
        training: Names and numbers of the training, for plugins and loggers.
        settings: How networks are trained.
        device: Where tensors live.
        network: Has `loss(batch)`; trained in place.
        batches: The batches of an epoch, of all ranks.
        streams: The random streams of the batches and the loss.
        validate: Returns the metric to monitor, the same number on every rank; None to train to the end.
        rule: When to validate and when to stop.
        checkpoint: The file of the last epoch, or None; a training resumes from a file that exists.
        identity: Settings that must be equal when a training resumes.
    """

    plugins: Callable[[Training], list[Any]]
    training: Training
    settings: FilledSettings
    device: torch.device
    network: nn.Module
    batches: Batches
    streams: tuple[Stream, ...]
    validate: Callable[[], float] | None
    rule: StoppingRule
    checkpoint: Path | None
    identity: dict[str, Any]

    @property
    def name(self) -> str:
        """The name of the trained component, for messages."""
        return self.training.component

    def run(self, tell: Tell, environment: ClusterEnvironment | None = None, nodes: int = 1) -> Trained:
        """Train as one rank.

        Args:
            tell: Receives the progress; on rank 0 only.
            environment: Rank and number of the processes that train together; None for a single process.
            nodes: The number of machines.
        """
        s, ranks = self.settings, self.settings.devices
        batches: Batches = Share(self.batches, ranks) if ranks > 1 else self.batches
        # The learning rate schedule spans `max_epochs` even if fewer are trained, so that a refit repeats the validated training.
        module = TrainingModule(self.network, s, s.max_epochs * math.ceil(len(batches) / s.accumulate))
        is_first = environment is None or environment.global_rank() == 0
        begun = self.checkpoint if self.checkpoint is not None and self.checkpoint.exists() else None
        timer = EpochTimer(self.name)
        average = WeightAverage(s.averaging) if s.averaging else None
        keep = None if self.validate is None else EarlyStopping(self.validate, self.rule, timer, average)
        callbacks = [
            Streams(self.streams),
            timer,
            *([average] if average else []),
            *([keep] if keep else []),
            ProgressReport(tell, timer, keep),
            *(own := self._of_plugins() if is_first else []),
            *([StopTogether()] if ranks > 1 else []),
            *([EpochCheckpoint(self.checkpoint, self.identity)] if self.checkpoint else []),
        ]
        logger = logger_of(s.logger, self.training, epoch_of(begun) if begun else 0) if is_first else None
        trainer = self._trainer(callbacks, logger, environment, nodes)
        _fit(trainer, module, batches, begun, own)
        epochs, history = (keep.best_epoch, keep.history) if keep else (timer.epochs, [])
        return Trained(epochs, history, reason(trainer, keep), timer.earlier)

    def _of_plugins(self) -> list[pl.Callback]:
        """Return the callbacks of plugins.

        Raises:
            ConfigError: A callback communicates with other ranks, and would wait forever.
        """
        found = self.plugins(self.training)
        if self.settings.devices > 1 and (
            waits := [c for c in found if isinstance(c, Checkpoint | LightningEarlyStopping)]
        ):
            raise ConfigError(
                f"{self.name}: the callback {type(waits[0]).__name__} of a plugin exchanges data with the other processes "
                f"of a training, and callbacks of plugins run in the first only. Use devices = 1, or leave it out."
            )
        return found

    def _trainer(
        self, callbacks: list[pl.Callback], logger: Logger | None, environment: ClusterEnvironment | None, nodes: int
    ) -> pl.Trainer:
        """Return Lightning's trainer for the settings of `[train]`."""
        s = self.settings
        started = isinstance(environment, LightningEnvironment)
        return pl.Trainer(
            max_epochs=self.training.epochs,
            max_time=None if s.time_limit is None else timedelta(minutes=s.time_limit),
            accelerator=self.device.type,
            devices=s.devices // nodes,
            num_nodes=nodes,
            strategy=_StartedStrategy() if started else "auto" if s.devices == 1 else "ddp",
            precision="bf16-mixed" if s.precision == "bf16" else "32-true",
            accumulate_grad_batches=s.accumulate,
            gradient_clip_val=s.clip_norm,
            callbacks=callbacks,
            plugins=[SafeCheckpointIO(), *([environment] if environment else [])],
            default_root_dir=self.training.folder,
            logger=logger or False,
            enable_checkpointing=any(isinstance(callback, Checkpoint) for callback in callbacks),
            enable_progress_bar=False,
            enable_model_summary=False,
        )


class _StartedStrategy(DDPStrategy):
    """DDP in a process that is already started; it also works in the forks of a notebook."""

    def _configure_launcher(self) -> None:
        """Set no launcher: the process is already running."""


def _fit(
    trainer: pl.Trainer, module: TrainingModule, batches: Batches, begun: Path | None, of_plugins: list[pl.Callback]
) -> None:
    """Train, or resume from a checkpoint.

    Raises:
        PluginError: A callback of a plugin failed.
        KeyboardInterrupt: The user or the system stops the process. Lightning turns the interrupt into `SystemExit`, which a
            benchmark would record as a failure of one run.
    """
    handler = signal.getsignal(signal.SIGINT)
    try:
        trainer.fit(module, batches, ckpt_path=begun)
    except SystemExit as end:
        if isinstance(end, SIGTERMException) or isinstance(end.__context__, KeyboardInterrupt):
            signal.signal(signal.SIGINT, handler)  # Lightning has it ignored from here on
            raise KeyboardInterrupt from end
        if named := name_callback(end, of_plugins):
            raise named from end
        raise
    except Exception as error:
        if named := name_callback(error, of_plugins):
            raise named from error
        raise
