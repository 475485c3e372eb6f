"""One training as each rank runs it, alone or with the others of a process group."""

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

from zoo.config.train import NetworkSettings
from zoo.errors import ConfigError
from zoo.hookspecs import Training
from zoo.stages.context import Tell
from zoo.trained import Trained
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
    """A training, the same on every rank; it can be pickled if its parts can.

    Attributes:
        plugins: Returns the Lightning callbacks of plugins; called on rank 0 only. The first field, because a pickled
            job is restored in this order: plugins that are files are loaded before the classes they define.
        training: What plugins and loggers are told.
        settings: How networks are trained.
        device: Where tensors live.
        network: Has `loss(batch)`; trained in place.
        batches: The batches of an epoch, of all ranks.
        streams: The random numbers that batches and loss draw from.
        validate: Returns the metric to watch, the same number on every rank; None to train to the end.
        rule: When to validate and when to stop.
        checkpoint: The file of the last epoch, if it is kept; a training that finds it resumes from it.
        identity: What must be the same where a training resumes.
    """

    plugins: Callable[[Training], list[Any]]
    training: Training
    settings: NetworkSettings
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
        """Return what is trained, for messages."""
        return self.training.component

    def run(self, tell: Tell, environment: ClusterEnvironment | None = None, nodes: int = 1) -> Trained:
        """Train as one rank.

        Args:
            tell: Told the progress; on rank 0 only.
            environment: Knows rank and number of the processes that train together; None where there is only this one.
            nodes: The number of machines they are on.
        """
        s, ranks = self.settings, self.settings.devices
        batches: Batches = Share(self.batches, ranks) if ranks > 1 else self.batches
        # The rate falls over `max_epochs` also where fewer are trained: so a refit repeats what was validated.
        module = TrainingModule(self.network, s, s.max_epochs * math.ceil(len(batches) / s.accumulate))
        is_first = environment is None or environment.global_rank() == 0
        begun = self.checkpoint if self.checkpoint is not None and self.checkpoint.exists() else None
        timer = EpochTimer(self.name)
        keep = None if self.validate is None else EarlyStopping(self.validate, self.rule, timer)
        callbacks = [
            Streams(self.streams),
            timer,
            *([keep] if keep else []),
            ProgressReport(tell, timer, keep),
            *(self._of_plugins() if is_first else []),
            *([StopTogether()] if ranks > 1 else []),
            *([EpochCheckpoint(self.checkpoint, self.identity)] if self.checkpoint else []),
        ]
        logger = logger_of(s.logger, self.training, epoch_of(begun) if begun else 0) if is_first else None
        trainer = self._trainer(callbacks, logger, environment, nodes)
        _fit(trainer, module, batches, begun)
        epochs, history = (keep.best_epoch, keep.history) if keep else (timer.epochs, [])
        return Trained(epochs, history, reason(trainer, keep))

    def _of_plugins(self) -> list[pl.Callback]:
        """Return the callbacks of plugins.

        Raises:
            ConfigError: One waits for other ranks, where it would wait for ever.
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
    """DDP in a process that was started for it already; so it can be used in a notebook's forks too."""

    def _configure_launcher(self) -> None:
        """Start no process."""


def _fit(trainer: pl.Trainer, module: TrainingModule, batches: Batches, begun: Path | None) -> None:
    """Train, or go on with what is begun.

    Raises:
        KeyboardInterrupt: Somebody wants the process to end. Lightning makes an exit of it, which a benchmark would take
            for the failure of this one run.
    """
    handler = signal.getsignal(signal.SIGINT)
    try:
        trainer.fit(module, batches, ckpt_path=begun)
    except SystemExit as end:
        if isinstance(end, SIGTERMException) or isinstance(end.__context__, KeyboardInterrupt):
            signal.signal(signal.SIGINT, handler)  # Lightning has it ignored from here on
            raise KeyboardInterrupt from end
        raise
