"""An experiment whose names have become components: what the rest of the zoo works with."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from zoo.config.candidates import CandidateFeatureSettings
from zoo.config.experiment import Experiment
from zoo.config.ranking import RankExperiment
from zoo.config.splits import Split
from zoo.config.train import RANKER_DEFAULTS, NetworkSettings
from zoo.neural_params import NeuralRankerParams
from zoo.params import Params
from zoo.registry.plugin import Plugin
from zoo.registry.registry import Component, Registry
from zoo.spec import Capabilities


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

    @property
    def plugins(self) -> list[Plugin]:
        """Return the plugins that it needs."""
        return self.component.plugins(self.params)

    def build(self) -> Any:
        """Return an instance, not fitted."""
        return self.component.build(self.params)

    def as_json(self) -> dict[str, Any]:
        """Return its name and all its parameters, defaults included."""
        return {"name": self.component.qualified_name, **self.params.model_dump(mode="json")}


def _ranker_defaults() -> NetworkSettings:
    """Return how the networks among rankers are trained by default."""
    return NetworkSettings(**RANKER_DEFAULTS)


@dataclass(frozen=True)
class ResolvedModel:
    """A pipeline: a component in each slot.

    Attributes:
        label: Its name in tables.
        predictor: Retrieves.
        featurizers: Make item features.
        filters: Act before the top K is taken.
        rankers: Act in turn on the candidates.
        candidate_features: What rankers are told of each candidate.
        train: How its networks are trained.
        monitor: The metric by which they stop early; None to train for `max_epochs`.
        ranker_train: How the networks among its rankers are trained.
    """

    label: str
    predictor: Chosen
    featurizers: tuple[Chosen, ...] = ()
    filters: tuple[Chosen, ...] = ()
    rankers: tuple[Chosen, ...] = ()
    candidate_features: CandidateFeatureSettings = field(default_factory=CandidateFeatureSettings)
    train: NetworkSettings = field(default_factory=NetworkSettings)
    monitor: Chosen | None = None
    ranker_train: NetworkSettings = field(default_factory=_ranker_defaults)

    @property
    def parts(self) -> tuple[Chosen, ...]:
        """Return all components."""
        return (self.predictor, *self.featurizers, *self.filters, *self.rankers)

    @property
    def trains_in_epochs(self) -> bool:
        """Return whether a part of it trains in epochs, so that the settings of networks concern it."""
        return any(part.capabilities.trains_in_epochs for part in self.parts)

    @property
    def monitors(self) -> tuple[Chosen, ...]:
        """Return the metric that its training watches, if any is."""
        return (self.monitor,) if self.monitor and self.trains_in_epochs else ()

    @property
    def deterministic(self) -> bool:
        """Return whether its result does not depend on the seed."""
        return all(part.capabilities.deterministic for part in self.parts)

    def scores_cold(self, part: Chosen) -> bool:
        """Return whether a part of it scores items that did not occur in training."""
        declared = part.capabilities.cold_items
        return bool(self.featurizers) if declared == "by features" else declared

    def as_json(self) -> dict[str, Any]:
        """Return the model with every default filled in; its label is no part of it, nor are settings that it has no use for."""
        lists = {name: [c.as_json() for c in getattr(self, name)] for name in ("featurizers", "filters", "rankers")}
        train = {"train": self.train.model_dump(mode="json")} if self.trains_in_epochs else {}
        told = {"candidate_features": self.candidate_features.model_dump(mode="json")} if self.rankers else {}
        return {"predictor": self.predictor.as_json(), **lists, **told, **train, **_ranker_train(self)}


@dataclass(frozen=True)
class ResolvedRankModel:
    """Rankers to be compared on judged lists.

    Attributes:
        label: Their name in tables.
        rankers: Applied in turn.
        featurizers: Compare the query's text with the documents'.
        train: How networks are trained.
        monitors: Metrics that trainings watch: none, rankers watch their own.
        ranker_train: How the networks among the rankers are trained.
    """

    label: str
    rankers: tuple[Chosen, ...]
    featurizers: tuple[Chosen, ...] = ()
    train: NetworkSettings = field(default_factory=NetworkSettings)
    monitors: tuple[Chosen, ...] = ()
    ranker_train: NetworkSettings = field(default_factory=_ranker_defaults)

    @property
    def parts(self) -> tuple[Chosen, ...]:
        """Return all components."""
        return (*self.featurizers, *self.rankers)

    @property
    def trains_in_epochs(self) -> bool:
        """Return whether a part of it trains in epochs, so that the settings of networks concern it."""
        return any(part.capabilities.trains_in_epochs for part in self.parts)

    @property
    def deterministic(self) -> bool:
        """Return whether its result does not depend on the seed."""
        return all(part.capabilities.deterministic for part in self.parts)

    def as_json(self) -> dict[str, Any]:
        """Return the model with every default filled in; its label is no part of it, nor are settings that it has no use for."""
        lists = {name: [c.as_json() for c in getattr(self, name)] for name in ("featurizers", "rankers")}
        train = {"train": self.train.model_dump(mode="json")} if self.trains_in_epochs else {}
        return {**lists, **train, **_ranker_train(self)}


@dataclass(frozen=True)
class ResolvedRankExperiment:
    """An experiment with `task = "rank"`, with the components it names."""

    experiment: RankExperiment
    source: Chosen
    metrics: tuple[Chosen, ...]
    models: tuple[ResolvedRankModel, ...]
    registry: Registry
    metric_features: tuple[Chosen, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the whole experiment with every default filled in."""
        plain = self.experiment.model_dump(mode="json")
        plain["data"]["source"] = self.source.as_json()
        plain["evaluate"]["metrics"] = [m.as_json() for m in self.metrics]
        plain["model"] = [{"label": m.label, **m.as_json()} for m in self.models]
        return plain


@dataclass(frozen=True)
class ResolvedExperiment:
    """An experiment with the components it names."""

    experiment: Experiment
    source: Chosen
    metrics: tuple[Chosen, ...]
    metric_features: tuple[Chosen, ...]
    models: tuple[ResolvedModel, ...]
    registry: Registry

    @property
    def has_rank_part(self) -> bool:
        """Return whether the split holds out a part for fitting rankers."""
        return has_rank_part(self.experiment.split)

    def as_json(self) -> dict[str, Any]:
        """Return the whole experiment with every default filled in."""
        plain = self.experiment.model_dump(mode="json")
        plain["data"]["source"] = self.source.as_json()
        plain["evaluate"]["metrics"] = [m.as_json() for m in self.metrics]
        plain["evaluate"]["features"] = [f.as_json() for f in self.metric_features]
        plain["model"] = [{"label": m.label, **m.as_json()} for m in self.models]
        return plain


AnyExperiment = ResolvedExperiment | ResolvedRankExperiment
AnyModel = ResolvedModel | ResolvedRankModel


def network_rankers(model: AnyModel) -> list[Chosen]:
    """Return the rankers of a model that are networks, which `[model.ranker_train]` is for."""
    return [ranker for ranker in model.rankers if isinstance(ranker.params, NeuralRankerParams)]


def _ranker_train(model: AnyModel) -> dict[str, Any]:
    """Return how the networks among a model's rankers are trained as a table with one key; an empty one where there are none."""
    return {"ranker_train": model.ranker_train.model_dump(mode="json")} if network_rankers(model) else {}


def has_rank_part(split: Split) -> bool:
    """Return whether a split holds out a part for fitting rankers."""
    return len(getattr(split, "cuts", ())) == 3


def digest(value: Any) -> str:
    """Return a short stable hash of a JSON value."""
    return hashlib.blake2b(json.dumps(value, sort_keys=True, default=str).encode(), digest_size=8).hexdigest()
