"""The hooks that a plugin may implement; the whole door between the core and the plugins."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pluggy

from zoo.losses import LossSpec
from zoo.spec import ComponentSpec

hookspec = pluggy.HookspecMarker("shopzoo")
hookimpl = pluggy.HookimplMarker("shopzoo")


@dataclass(frozen=True)
class Training:
    """A training that is about to begin.

    Attributes:
        label: The name of the model in tables.
        component: What is trained: the name of its class, such as `SASRec`.
        seed: The seed of the run.
        phase: What it is for: `validated` finds the number of epochs, `rank` makes candidates for rankers to learn from,
            `refit` is the last of several, `fit` the only one; `pretraining` is what a ranker does
            before it learns from labels.
        epochs: The most epochs that it takes.
        settings: The keys of `[train]`, as the model has them.
        folder: Where callbacks may write, or None where nothing is kept; it may not be there yet.
    """

    label: str
    component: str
    seed: int
    phase: str
    epochs: int
    settings: Mapping[str, Any]
    folder: Path | None


@hookspec
def zoo_components() -> list[ComponentSpec]:  # type: ignore[empty-body]
    """Return the components that the plugin provides. Cheap and pure: import nothing heavy here."""


@hookspec
def zoo_losses() -> list[LossSpec]:  # type: ignore[empty-body]
    """Return losses that neural predictors may name in `loss`. Cheap and pure: import nothing heavy here."""


@hookspec
def zoo_callbacks(run: Training) -> list[Any]:  # type: ignore[empty-body]
    """Return Lightning callbacks to add to a training (trackers, profilers); called at the start of each."""
