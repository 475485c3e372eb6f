"""The hooks that a plugin can implement: the complete interface between the core and plugins."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pluggy

from zoo.command_specs import CommandSpec
from zoo.executor_specs import ExecutorSpec
from zoo.extension_specs import CandidateFeatureSpec, SplitSpec
from zoo.loss_specs import LossSpec
from zoo.sampler_specs import SamplerSpec
from zoo.spec import ComponentSpec

hookspec = pluggy.HookspecMarker("shopzoo")
hookimpl = pluggy.HookimplMarker("shopzoo")


@dataclass(frozen=True)
class Training:
    """Description of a training that is about to start.

    Attributes:
        label: The name of the model in tables.
        component: The class name of the trained component, such as `SASRec`.
        seed: The seed of the run.
        phase: The purpose of the training: `validated` finds the number of epochs, `rank` generates the candidates that
            rankers are trained on, `refit` is the last of several, `fit` the only one, `pretraining` uses no labels.
        epochs: The maximum number of epochs.
        settings: The keys of `[train]` for this model.
        folder: Where callbacks can write, or None if nothing is saved; it may not exist yet.
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
    """Return the components that the plugin provides. Must be fast and free of side effects: import nothing heavy."""


@hookspec
def zoo_losses() -> list[LossSpec]:  # type: ignore[empty-body]
    """Return losses that neural predictors can select with `loss`. Must be fast and free of side effects: import nothing heavy."""


@hookspec
def zoo_samplers() -> list[SamplerSpec]:  # type: ignore[empty-body]
    """Return negative samplers that neural predictors can select with `negative_sampling`. Must import nothing heavy."""


@hookspec
def zoo_splits() -> list[SplitSpec]:  # type: ignore[empty-body]
    """Return policies that experiments can select with `policy` in `[split]`. Must import nothing heavy."""


@hookspec
def zoo_candidate_features() -> list[CandidateFeatureSpec]:  # type: ignore[empty-body]
    """Return groups of ranking features that `[model.candidate_features]` can list in `groups`. Must import nothing heavy."""


@hookspec
def zoo_executors() -> list[ExecutorSpec]:  # type: ignore[empty-body]
    """Return executors that `zoo bench --executor` can select. Must import nothing heavy."""


@hookspec
def zoo_commands() -> list[CommandSpec]:  # type: ignore[empty-body]
    """Return subcommands of `zoo`. Must import nothing heavy: `zoo --help` calls it for their names and summaries."""


@hookspec
def zoo_callbacks(run: Training) -> list[Any]:  # type: ignore[empty-body]
    """Return Lightning callbacks to add to a training (trackers, profilers); called at the start of each."""


@hookspec
def zoo_results(row: Mapping[str, Any]) -> None:
    """Receive the row of a run that a benchmark has just stored, as it stands in `results.jsonl`, for example to log it in a tracker.

    Called once for each run, also for one that failed, and for every kind of model. An exception is printed and ends nothing.
    """
