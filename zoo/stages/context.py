"""The surroundings of a fit: random streams, device, progress and validation for everybody; names and files for the core."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from zoo.config.train import RANKER_DEFAULTS, NetworkSettings
from zoo.hookspecs import Training
from zoo.losses import LOSSES, LossSpec
from zoo.stages.random_streams import TorchStream


class Tell(Protocol):
    """Receives progress."""

    def __call__(self, done: int, total: int, note: str = "", /, *, resumed: bool = False) -> None:
        """Report that `done` of `total` steps are complete, with an optional short note.

        `resumed` marks the first report of a training that resumes from a checkpoint: its first `done` steps took no time now.
        """


def _no_callbacks(training: Training) -> list[Any]:
    return []


@dataclass(frozen=True)
class TrainingEnvironment:
    """What only the core's training of networks reads: settings, names, files and callbacks.

    Attributes:
        settings: How networks are trained.
        label: The name of the model in tables.
        phase: What the fit is for: `validated` finds the number of epochs, `rank` makes candidates for rankers to
            learn from, `refit` is the last of several, `fit` the only one, `pretraining` comes before labels.
        folder: Where checkpoints and logs are written, or None to write none; a training that finds its checkpoint
            there resumes from it.
        callbacks: Returns the Lightning callbacks that plugins add to a training; called on rank 0 only.
        losses: The losses that neural predictors may name.
    """

    settings: NetworkSettings = field(default_factory=NetworkSettings)
    label: str = ""
    phase: str = "fit"
    folder: Path | None = None
    callbacks: Callable[[Training], list[Any]] = _no_callbacks
    losses: Mapping[str, LossSpec] = field(default_factory=lambda: LOSSES)


@dataclass(frozen=True)
class RunContext:
    """What a stage needs while it is fitted, beside its data.

    Attributes:
        seed: The seed of the run; every random stream is derived from it and a label.
        device: Where tensors live.
        validate: Evaluates a `Predictor` on the validation queries, or None where there are none.
        epochs: The number of epochs to train, where it is known; None to find it by `validate`.
        progress: Called with (done, total) and an optional note by long fits.
        training: For the core's training loop.
    """

    seed: int = 0
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    validate: Callable[[Any], float] | None = None
    epochs: int | None = None
    progress: Tell = lambda done, total, note="", /, *, resumed=False: None
    training: TrainingEnvironment = field(default_factory=TrainingEnvironment)

    def rng(self, label: str) -> np.random.Generator:
        """Return a numpy generator of the stream with this label; adding a stream changes no other."""
        return np.random.default_rng(self._stream_seed(label))

    def generator(self, label: str) -> torch.Generator:
        """Return a torch generator of the stream with this label, on the context's device."""
        return TorchStream(self.device).manual_seed(self._stream_seed(label))

    @contextmanager
    def seeded(self, label: str) -> Iterator[None]:
        """Seed torch's global generator, which initialisation and dropout draw from, and restore it afterwards."""
        with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
            torch.manual_seed(self._stream_seed(label))
            yield

    def for_training(self, **changes: Any) -> RunContext:
        """Return a copy with some fields of `training` replaced."""
        return replace(self, training=replace(self.training, **changes))

    def for_ranker(self, **settings: Any) -> RunContext:
        """Return a copy with the settings of training that neural rankers have by default, and those given."""
        return self.for_training(settings=NetworkSettings(**{**RANKER_DEFAULTS, **settings}))

    def below(self, name: str) -> RunContext:
        """Return a copy whose training writes to a subfolder; unchanged where nothing is written."""
        folder = self.training.folder
        return self if folder is None else self.for_training(folder=folder / name)

    def _stream_seed(self, label: str) -> int:
        """Return the seed of a stream."""
        return int.from_bytes(hashlib.blake2b(f"{self.seed}/{label}".encode(), digest_size=7).digest(), "big")

    # What a stage written for plugin API 1 may read.

    @property
    def settings(self) -> NetworkSettings:
        """Return `training.settings`; for plugins of API 1."""
        return self.training.settings

    @property
    def label(self) -> str:
        """Return `training.label`; for plugins of API 1."""
        return self.training.label

    @property
    def phase(self) -> str:
        """Return `training.phase`; for plugins of API 1."""
        return self.training.phase

    @property
    def folder(self) -> Path | None:
        """Return `training.folder`; for plugins of API 1."""
        return self.training.folder
