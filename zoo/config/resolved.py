"""An experiment whose names have become components: what the rest of the zoo works with."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.config.experiment import Choice, Experiment
from zoo.errors import ComponentError, ConfigError
from zoo.params import Params
from zoo.registry.registry import Component, Registry
from zoo.spec import Capabilities, StageName


@dataclass(frozen=True)
class Chosen:
    """A component with its validated parameters."""

    component: Component
    params: Params

    @property
    def name(self) -> str:
        """Return the component's name."""
        return self.component.name

    @property
    def capabilities(self) -> Capabilities:
        """Return what it can do under its parameters."""
        return self.component.capabilities(self.params)

    def build(self) -> Any:
        """Return an instance, not fitted."""
        return self.component.build(self.params)

    def as_json(self) -> dict[str, Any]:
        """Return its name and all its parameters, defaults included."""
        return {"name": self.component.qualified_name, **self.params.model_dump(mode="json")}


@dataclass(frozen=True)
class ResolvedModel:
    """A pipeline: a component in each slot."""

    label: str
    predictor: Chosen
    featurizers: tuple[Chosen, ...] = ()
    filters: tuple[Chosen, ...] = ()
    rankers: tuple[Chosen, ...] = ()

    @property
    def parts(self) -> tuple[Chosen, ...]:
        """Return all components."""
        return (self.predictor, *self.featurizers, *self.filters, *self.rankers)

    @property
    def deterministic(self) -> bool:
        """Return whether its result does not depend on the seed."""
        return all(part.capabilities.deterministic for part in self.parts)

    def as_json(self) -> dict[str, Any]:
        """Return the model with every default filled in; its label is not part of it."""
        lists = {name: [c.as_json() for c in getattr(self, name)] for name in ("featurizers", "filters", "rankers")}
        return {"predictor": self.predictor.as_json(), **lists}


@dataclass(frozen=True)
class ResolvedExperiment:
    """An experiment with the components it names."""

    experiment: Experiment
    source: Chosen
    metrics: tuple[Chosen, ...]
    metric_features: tuple[Chosen, ...]
    models: tuple[ResolvedModel, ...]

    @property
    def has_rank_part(self) -> bool:
        """Return whether the split holds out a part for fitting rankers."""
        return len(getattr(self.experiment.split, "cuts", ())) == 3

    def as_json(self) -> dict[str, Any]:
        """Return the whole experiment with every default filled in."""
        plain = self.experiment.model_dump(mode="json")
        plain["data"]["source"] = self.source.as_json()
        plain["evaluate"]["metrics"] = [m.as_json() for m in self.metrics]
        plain["evaluate"]["features"] = [f.as_json() for f in self.metric_features]
        plain["model"] = [{"label": m.label, **m.as_json()} for m in self.models]
        return plain


def resolved(experiment: Experiment, registry: Registry, base: Path) -> ResolvedExperiment:
    """Look up every component of an experiment and validate its parameters.

    Args:
        experiment: What the file says.
        registry: Where names are looked up.
        base: The folder that relative paths start from.

    Raises:
        ConfigError: Each wrong name and parameter on a line of its own, with its path in the file; or components that
            do not fit together.
    """
    problems: list[str] = []

    def choose(stage: StageName, choice: Choice, where: str) -> Chosen | None:
        try:
            component = registry.find(stage, choice.name)
            return Chosen(component, component.params(dict(choice.params), where, {"base": base}))
        except ConfigError as error:  # its lines name their places already
            problems.append(str(error))
        except ComponentError as error:
            problems.append(f"{where}: {error}")
        return None

    source = choose("dataset", experiment.data.source, "data.source")
    metrics = [choose("metric", m, f"evaluate.metrics[{i}]") for i, m in enumerate(experiment.evaluate.metrics, 1)]
    features = [
        choose("featurizer", f, f"evaluate.features[{i}]") for i, f in enumerate(experiment.evaluate.features, 1)
    ]
    chosen = [
        [(stage, choose(stage, choice, f"model[{i}].{key}")) for stage, key, choice in model.choices()]
        for i, model in enumerate(experiment.model, 1)
    ]
    if problems or source is None:
        raise ConfigError("\n".join(problems))
    models = []
    for model, parts in zip(experiment.model, chosen, strict=True):
        of = {
            stage: tuple(c for s, c in parts if s == stage and c is not None)
            for stage in ("predictor", "featurizer", "filter", "ranker")
        }
        models.append(ResolvedModel(model.name, of["predictor"][0], of["featurizer"], of["filter"], of["ranker"]))
    found = [tuple(c for c in listed if c is not None) for listed in (metrics, features)]
    result = ResolvedExperiment(experiment, source, found[0], found[1], tuple(models))
    problems = [p for i, m in enumerate(models, 1) for p in _misfits(m, f"model[{i}]", result, registry)]
    problems += clock_misfits(result.models, experiment.data.time)
    if experiment.split.policy == "temporal" and experiment.data.time in ("position", "file-order"):
        problems.append(
            f"split.policy 'temporal' cuts at moments, and data.time is {experiment.data.time!r}, which is no clock. "
            'Use data with timestamps, or split.policy = "leave-last-out".'
        )
    if problems:
        raise ConfigError("\n".join(problems))
    return result


def _misfits(model: ResolvedModel, where: str, experiment: ResolvedExperiment, registry: Registry) -> list[str]:
    """Return what does not fit together within a model, a line each."""
    lines = []
    readers = [p for p in (model.predictor, *model.filters, *model.rankers) if p.capabilities.features != "none"]
    needs = [p.name for p in readers if p.capabilities.features == "required"]
    if needs and not model.featurizers:
        makers = ", ".join(sorted(c.name for c in registry.components("featurizer"))) or "none installed"
        lines.append(
            f"{where}: {' and '.join(needs)} needs item features and there is no `featurizer`. Choose one: {makers}."
        )
    if model.featurizers and not readers:
        names = ", ".join(f.name for f in model.featurizers)
        lines.append(
            f"{where}: nothing reads the features of {names}: {model.predictor.name} takes none. Remove `featurizer`, or choose a predictor or ranker that takes features."
        )
    lines += [
        f"{where}: ranker {r.name!r} learns from a `rank` part, and the split has none. "
        'Use `policy = "temporal"` with three `cuts`.'
        for r in model.rankers
        if r.capabilities.learns and not experiment.has_rank_part
    ]
    return lines


def clock_misfits(models: tuple[ResolvedModel, ...], clock: str) -> list[str]:
    """Return which components need a real clock where the data have an order only, a line each."""
    if clock not in ("position", "file-order"):
        return []
    return [
        f"model[{i}]: {part.name} needs a real clock, and the events are ordered by {clock} only. "
        "Use data with timestamps, or other parameters."
        for i, model in enumerate(models, 1)
        for part in model.parts
        if part.capabilities.needs_time
    ]


def digest(value: Any) -> str:
    """Return a short stable hash of a JSON value."""
    return hashlib.blake2b(json.dumps(value, sort_keys=True, default=str).encode(), digest_size=8).hexdigest()
