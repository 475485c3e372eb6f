"""The context of a fit: random streams, device, progress and validation, and the training environment of the core."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from zoo.config.train import RANKER_DEFAULTS, NetworkSettings
from zoo.hookspecs import Training
from zoo.loss_specs import LOSSES, LossSpec
from zoo.sampler_specs import SAMPLERS, SamplerSpec
from zoo.stages.random_streams import TorchStream


class Tell(Protocol):
    """Receives progress."""

    def __call__(
        self,
        done: int,
        total: int,
        note: str = "",
        /,
        *,
        resumed: bool = False,
        seconds_left: float | None = None,
    ) -> None:
        """Report that `done` of `total` steps are complete, with an optional short note.

        `resumed` marks the first report after resuming from a checkpoint; the first `done` steps ran earlier.
        `seconds_left` is passed only if a time limit ends the training: the seconds until then.
        """


def _no_progress(
    done: int, total: int, note: str = "", /, *, resumed: bool = False, seconds_left: float | None = None
) -> None:
    """Ignore progress."""


def _ignore_earlier(seconds: float) -> None:
    """Ignore the seconds of earlier processes."""


def _no_callbacks(training: Training) -> list[Any]:
    return []


@dataclass(frozen=True)
class TrainingEnvironment:
    """Settings, names, files and callbacks that only the core's training of networks reads.

    Attributes:
        settings: The settings of network training.
        label: The name of the model in tables.
        phase: The purpose of the fit: `validated` finds the number of epochs, `rank` generates the candidates that rankers
            are trained on, `refit` is the last of several fits, `fit` the only one, `pretraining` uses no labels.
        folder: Where checkpoints and logs are written, or None to write none. If the folder has a checkpoint of this
            training, the training resumes from it.
        callbacks: Returns the Lightning callbacks that plugins add to a training; called on rank 0 only.
        losses: The losses that neural predictors can name.
        samplers: The negative samplers that they can name.
        resumed: Receives, after each training, the seconds that earlier processes spent on it before an interruption.
        chosen: The dropout rates and settings that an earlier fit of the model chose by its data; this fit uses the same.
        prune: Returns whether to end the validated training of the predictor, given the values of its validations so far;
            None to train on. It depends on these values alone, so that a resumed training ends where it would have, and it
            can be pickled.
    """

    settings: NetworkSettings = field(default_factory=NetworkSettings)
    label: str = ""
    phase: str = "fit"
    folder: Path | None = None
    callbacks: Callable[[Training], list[Any]] = _no_callbacks
    losses: Mapping[str, LossSpec] = field(default_factory=lambda: LOSSES)
    samplers: Mapping[str, SamplerSpec] = field(default_factory=lambda: SAMPLERS)
    resumed: Callable[[float], None] = _ignore_earlier
    chosen: Mapping[str, Any] = field(default_factory=dict)
    prune: Callable[[Sequence[float]], bool] | None = None


@dataclass(frozen=True)
class RunContext:
    """Everything that a stage's `fit` needs besides the data.

    Attributes:
        seed: The seed of the run; every random stream is derived from it and a label.
        device: The device for tensors.
        validate: Returns the metric of a `Predictor` on the validation queries; None without a validation split.
        epochs: The number of epochs to train, or None to choose it with `validate`.
        progress: Long fits call it with (done, total) and an optional note.
        training: Used by the core's training loop only.
    """

    seed: int = 0
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    validate: Callable[[Any], float] | None = None
    epochs: int | None = None
    progress: Tell = _no_progress
    training: TrainingEnvironment = field(default_factory=TrainingEnvironment)

    def rng(self, label: str) -> np.random.Generator:
        """Return a numpy generator of the stream with this label; streams are independent of each other."""
        return np.random.default_rng(self._stream_seed(label))

    def generator(self, label: str) -> torch.Generator:
        """Return a torch generator of the stream with this label, on the context's device."""
        return TorchStream(self.device).manual_seed(self._stream_seed(label))

    @contextmanager
    def seeded(self, label: str) -> Iterator[None]:
        """Seed torch's global generator, used by initialisation and dropout, and restore it afterwards."""
        with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
            torch.manual_seed(self._stream_seed(label))
            yield

    def for_training(self, **changes: Any) -> RunContext:
        """Return a copy with some fields of `training` replaced."""
        return replace(self, training=replace(self.training, **changes))

    def for_ranker(self, **settings: Any) -> RunContext:
        """Return a copy with the default training settings of neural rankers, overridden by those given."""
        return self.for_training(settings=NetworkSettings(**{**RANKER_DEFAULTS, **settings}))

    def below(self, name: str) -> RunContext:
        """Return a copy whose training writes to a subfolder, or this context if it writes no files."""
        folder = self.training.folder
        return self if folder is None else self.for_training(folder=folder / name)

    def _stream_seed(self, label: str) -> int:
        """Return the seed of a stream."""
        return int.from_bytes(hashlib.blake2b(f"{self.seed}/{label}".encode(), digest_size=7).digest(), "big")

    # Attributes for stages written for plugin API 1.

    @property
    def settings(self) -> NetworkSettings:
        """Return `training.settings` with a value for each key that is not set; for plugins of API 1."""
        return self.training.settings.filled()

    @property
    def callbacks(self) -> Callable[[Training], list[Any]]:
        """Return `training.callbacks`; for plugins of API 1."""
        return self.training.callbacks

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
