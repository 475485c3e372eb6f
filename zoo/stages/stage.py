"""What all stages share: built from parameters alone, fitted, saved as tensors and JSON."""

from __future__ import annotations

import hashlib
from abc import ABC
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor

from zoo.config.train import NetworkSettings
from zoo.data.catalogue import Catalogue
from zoo.data.interactions import Interactions
from zoo.errors import DataError, NotFittedError
from zoo.hookspecs import Training
from zoo.params import Params

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zoo.stages.featurizer import ItemFeatures
    from zoo.stages.predictor import Predictor

P = TypeVar("P", bound=Params)


@dataclass(frozen=True, eq=False)
class TrainingData:
    """What a stage may learn from.

    Attributes:
        interactions: The events before the cutoff; further columns lazily, `interactions.column("price")`.
        catalogue: The items with their columns; those that did not occur in training as well.
        features: What the featurizer made of the catalogue, or None where the model has no featurizer.
        known: Which items occur in training, `[I]`.
    """

    interactions: Interactions
    catalogue: Catalogue
    features: ItemFeatures | None
    known: NDArray[np.bool_]

    @classmethod
    def of(
        cls, interactions: Interactions, catalogue: Catalogue | None = None, features: ItemFeatures | None = None
    ) -> TrainingData:
        """Return training data of a log, by default with a catalogue that knows nothing of its items."""
        return cls(interactions, catalogue or Catalogue.bare(interactions.n_items), features, interactions.known)

    def texts(self, names: Sequence[str]) -> list[str]:
        """Return the catalogue's texts in the given columns as one an item, `[I]`, for those who learn from texts.

        Raises:
            DataError: There is no such column, it is not text, or no item that occurs in training has one.
        """
        texts = self.catalogue.texts(names)
        if not any(texts[item].strip() for item in np.flatnonzero(self.known)):
            raise DataError(
                f"the catalogue's {', '.join(map(repr, names))}: no text for any of the {int(self.known.sum()):,} items that "
                "occur in training. Choose other `columns`, or mend the items file."
            )
        return texts


class Tell(Protocol):
    """Takes how far something is."""

    def __call__(self, done: int, total: int, note: str = "", /) -> None:
        """Take how much is done of how much, and a few words."""


GOES_ON = "goes on after epoch"
"""How the words begin in which an interrupted training tells where it goes on."""


@dataclass(frozen=True)
class RunContext:
    """The surroundings of a run: randomness, device, folders, a way to validate.

    Attributes:
        seed: The seed of the run; every stream of random numbers descends from it and a label.
        device: Where tensors live.
        label: The name of the model in tables.
        phase: What the fit is for: `validated` finds the number of epochs, `rank` makes candidates for rankers to
            learn from, `refit` is the last of several, `fit` the only one, `pretraining` comes before labels.
        folder: Where a stage may write, or None; a training that finds its checkpoint there goes on from it.
        validate: Evaluates a predictor on the validation queries, or None where there are none.
        epochs: How many epochs to train, where that is settled; None to find out by `validate`.
        settings: How networks are trained.
        progress: Called with (done, total) and perhaps a few words by long fits.
        callbacks: Returns the Lightning callbacks that plugins add to a training.
    """

    seed: int = 0
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    label: str = ""
    phase: str = "fit"
    folder: Path | None = None
    validate: Callable[[Predictor[Any]], float] | None = None
    epochs: int | None = None
    settings: NetworkSettings = field(default_factory=NetworkSettings)
    progress: Tell = lambda done, total, note="": None
    callbacks: Callable[[Training], list[Any]] = lambda training: []

    def rng(self, label: str) -> np.random.Generator:
        """Return a numpy generator of the stream with this label: adding a stream shifts no other."""
        return np.random.default_rng(self._stream_seed(label))

    def generator(self, label: str) -> torch.Generator:
        """Return a torch generator of the stream with this label, on the context's device."""
        return torch.Generator(self.device).manual_seed(self._stream_seed(label))

    @contextmanager
    def seeded(self, label: str) -> Iterator[None]:
        """Seed torch's global generator for a block of code and restore it: initialisation and dropout take no other."""
        with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
            torch.manual_seed(self._stream_seed(label))
            yield

    def _stream_seed(self, label: str) -> int:
        """Return the seed of a stream."""
        return int.from_bytes(hashlib.blake2b(f"{self.seed}/{label}".encode(), digest_size=7).digest(), "big")


@dataclass(frozen=True)
class State:
    """A fitted stage as what may be written to disk: tensors, and values that JSON can hold."""

    tensors: dict[str, Tensor]
    values: dict[str, Any]


class Stage(ABC, Generic[P]):
    """A part of the pipeline: built from its `Params` alone, without data and without side effects.

    A subclass names in `fitted` the attributes that `fit` sets, each a tensor or a JSON value; the rest of
    saving and loading follows from that.
    """

    fitted: ClassVar[tuple[str, ...]] = ()

    def __init__(self, params: P) -> None:
        self.params = params

    def state(self) -> State:
        """Return what fitting learned.

        Raises:
            NotFittedError: The stage was not fitted.
        """
        values = {name: getattr(self, name) for name in self.fitted}
        tensors = {name: value for name, value in values.items() if isinstance(value, Tensor)}
        return State(tensors, {name: value for name, value in values.items() if name not in tensors})

    def load_state(self, state: State) -> None:
        """Take back what `state` returned."""
        for name, value in {**state.tensors, **state.values}.items():
            setattr(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute; with one that `fit` sets, what a `cached_property` made of an earlier fit is forgotten."""
        if name in type(self).fitted:
            for made in [n for n in self.__dict__ if isinstance(getattr(type(self), n, None), cached_property)]:
                del self.__dict__[made]
        super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        """Explain the one missing attribute that a user can cause: what `fit` would have set."""
        if name in type(self).fitted:
            raise NotFittedError(
                f"{type(self).__name__} is not fitted: call fit, or load a fitted state, before using it"
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
