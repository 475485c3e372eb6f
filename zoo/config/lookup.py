"""Look up the components that an experiment file names, and collect all problems to report them together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from zoo.config.chosen import Chosen
from zoo.config.experiment_file import Choice, MetricChoice
from zoo.config.resolved_base import BaseResolvedModel
from zoo.config.train import RANKER_DEFAULTS, NetworkSettings, TrainSettings, ranker_settings
from zoo.errors import ComponentError, ConfigError
from zoo.registry.registry import Registry
from zoo.spec import Capabilities, StageName


class Lookup:
    """Looks up components and collects error messages in `problems`."""

    def __init__(self, registry: Registry, base: Path) -> None:
        self.registry, self.base = registry, base
        self.problems: list[str] = []

    def one(self, stage: StageName, choice: Choice, where: str) -> Chosen | None:
        """Return a component with its parameters, or None after recording a problem."""
        try:
            component = self.registry.find(stage, choice.name)
            return Chosen(component, component.params(dict(choice.params), where, {"base": self.base}))
        except ConfigError as error:  # its lines already name their places
            self.problems.append(str(error))
        except ComponentError as error:
            self.problems.append(f"{where}: {error}")
        return None

    def many(self, stage: StageName, choices: Sequence[Choice], where: str) -> tuple[Chosen, ...]:
        """Return the components of a list, without those that have a problem."""
        found = [self.one(stage, choice, f"{where}[{i}]") for i, choice in enumerate(choices, 1)]
        return tuple(c for c in found if c is not None)

    def monitor(self, settings: NetworkSettings, where: str) -> Chosen | None:
        """Return the metric that early stopping watches, or None after recording a problem."""
        return self.one("metric", MetricChoice.model_validate(settings.monitor), f"{where}.monitor")

    def settings(self, own: dict[str, Any], where: str, train: TrainSettings) -> NetworkSettings:
        """Return the training settings of a model's networks; the shared settings if its own have a problem."""
        try:
            return train.network(own, f"{where}.train")
        except ConfigError as error:
            self.problems.append(str(error))
            return train

    def ranker_settings(self, own: dict[str, Any], where: str, network: NetworkSettings) -> NetworkSettings:
        """Return the training settings of a model's neural rankers; the defaults if its own have a problem."""
        try:
            return ranker_settings(network, own, f"{where}.ranker_train")
        except ConfigError as error:
            self.problems.append(str(error))
            return NetworkSettings()

    def refuse_idle_settings(
        self, model: BaseResolvedModel, train: dict[str, Any], ranker_train: dict[str, Any], where: str
    ) -> None:
        """Record a problem if a model has training settings that nothing in it uses."""
        networks = model.network_rankers
        if ranker_train and not networks:
            self.problems.append(
                f"{where}.ranker_train: {model.label} has no neural ranker of the core. Remove [model.ranker_train]."
            )
        if not train:
            return
        if not model.trains_in_epochs:
            self.problems.append(f"{where}.train: nothing in {model.label} trains in epochs. Remove [model.train].")
            return
        trained = [part for part in model.parts if part.capabilities.trains_in_epochs]
        rankers = [part for part in trained if part.component.spec.stage == "ranker"]
        rankers_own = ", ".join(key for key in train if key in RANKER_DEFAULTS)
        if rankers_own and len(rankers) == len(trained):
            names = " and ".join(part.name for part in networks or rankers)
            place = (
                "in [model.ranker_train]. Move them there." if networks else "in the ranker's table. Write them there."
            )
            self.problems.append(
                f"{where}.train: only rankers of {model.label} train in epochs, and {rankers_own} of {names} are set {place}"
            )


def clock_misfits(models: Sequence[BaseResolvedModel | None], clock: str) -> list[str]:
    """Return an error line for each component that needs timestamps when the data only have an order."""
    if clock not in ("position", "file-order"):
        return []
    return [
        f"model[{i}]: {part.name} needs timestamps, and the events are ordered by {clock} only. "
        f"Use data with timestamps, or {suggest_flag(part, lambda c: not c.needs_time) or 'other parameters'}."
        for i, model in enumerate(models, 1)
        for part in (model.parts if model else ())
        if part.capabilities.needs_time
    ]


def rank_misfits(models: Sequence[BaseResolvedModel], held_out: Sequence[str]) -> list[str]:
    """Return an error line for each ranker that learns when the data have no `rank` part, as a `given` split may turn out."""
    if "rank" in held_out:
        return []
    return [
        f"model[{i}]: ranker {part.name!r} is fitted on the `rank` part, and no event of the data is in it (parts: train, "
        f"{', '.join(held_out)}). Give some rows of the split column a value of split.rank, or use another policy."
        for i, model in enumerate(models, 1)
        for part in model.parts
        if part.component.spec.stage == "ranker" and part.capabilities.trainable
    ]


def suggest_flag(part: Chosen, wanted: Callable[[Capabilities], bool]) -> str:
    """Return advice on the flag that gives a component the wanted capabilities; empty if there is none."""
    for name, value in part.params:
        if isinstance(value, bool):
            turned = replace(part, params=part.params.model_copy(update={name: not value}))
            if wanted(turned.capabilities):
                return f"set {name} = {str(not value).lower()}"
    return ""
