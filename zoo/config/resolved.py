"""A resolved experiment: the file with its components looked up and its parameters validated."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from zoo.config.candidate_settings import CandidateFeatureSettings
from zoo.config.chosen import Chosen
from zoo.config.experiment import Experiment
from zoo.config.resolved_base import BaseResolvedExperiment, BaseResolvedModel
from zoo.config.split_settings import has_rank_part
from zoo.registry.plugin import Plugin


@dataclass(frozen=True)
class ResolvedModel(BaseResolvedModel):
    """A pipeline: a component in each slot.

    Attributes:
        predictor: Scores every item.
        featurizers: Compute item features.
        filters: Are applied before the top K is selected.
        rankers: Are applied in order to the candidates.
        candidate_features: The features that rankers get for each candidate.
        monitor: The metric for early stopping; None to train for `max_epochs`.
        feature_plugins: The plugins that provide groups of the candidate features.
    """

    predictor: Chosen
    featurizers: tuple[Chosen, ...] = ()
    filters: tuple[Chosen, ...] = ()
    rankers: tuple[Chosen, ...] = ()
    candidate_features: CandidateFeatureSettings = field(default_factory=CandidateFeatureSettings)
    monitor: Chosen | None = None
    feature_plugins: tuple[Plugin, ...] = ()

    @property
    def plugins(self) -> dict[str, Plugin]:
        """The plugins that the model needs, by distribution."""
        needed = [plugin for part in self.parts for plugin in part.plugins]
        return {plugin.distribution: plugin for plugin in [*needed, *self.further_plugins]}

    @property
    def further_plugins(self) -> tuple[Plugin, ...]:
        """The plugins that provide groups of the candidate features."""
        return self.feature_plugins

    @property
    def parts(self) -> tuple[Chosen, ...]:
        """All components."""
        return (self.predictor, *self.featurizers, *self.filters, *self.rankers)

    @property
    def monitors(self) -> tuple[Chosen, ...]:
        """The metric that early stopping watches, if any."""
        return (self.monitor,) if self.monitor and self.trains_in_epochs else ()

    @property
    def has_validation_curve(self) -> bool:
        """Whether the predictor trains in epochs and is validated."""
        return self.monitor is not None and self.predictor.capabilities.trains_in_epochs

    def n_trainings(self, *, refit: bool) -> int | None:
        """Return 2 if early stopping finds the number of epochs and a refit follows, and None with other parts that learn."""
        others = (*self.featurizers, *self.rankers)
        if any(part.capabilities.trains_in_epochs for part in others):
            return None
        if any(ranker.capabilities.trainable for ranker in self.rankers):
            return None
        if not self.predictor.capabilities.trains_in_epochs:
            return 0
        return 2 if refit and self.monitor is not None else 1

    def scores_cold(self, part: Chosen) -> bool:
        """Return whether a component of the model scores items that did not occur in training."""
        declared = part.capabilities.cold_items
        return bool(self.featurizers) if declared == "by features" else declared

    def slots(self) -> dict[str, Any]:
        """Return the components by slot, and the candidate features if there are rankers, as JSON."""
        lists = {name: [c.as_json() for c in getattr(self, name)] for name in ("featurizers", "filters", "rankers")}
        candidates = {"candidate_features": self.candidate_features.model_dump(mode="json")} if self.rankers else {}
        return {"predictor": self.predictor.as_json(), **lists, **candidates}


@dataclass(frozen=True)
class ResolvedExperiment(BaseResolvedExperiment):
    """A resolved experiment with `task = "recommend"`.

    Attributes:
        metric_features: Featurizers whose item features the metrics compare.
        cleaners: The cleaners of `[data]`, in their order.
    """

    experiment: Experiment
    models: tuple[ResolvedModel, ...]
    metric_features: tuple[Chosen, ...] = ()
    cleaners: tuple[Chosen, ...] = ()

    @property
    def bootstrap(self) -> int:
        """Resamples of the queries for the interval of each catalogue metric."""
        return self.experiment.evaluate.bootstrap

    @property
    def measured_by(self) -> tuple[Chosen, ...]:
        """The components that evaluate a list: the metrics, and the featurizers whose features they compare."""
        return (*self.metrics, *self.metric_features)

    @property
    def has_rank_part(self) -> bool:
        """Whether the split holds out a part for fitting rankers."""
        return has_rank_part(self.experiment.split)

    def require_recommend(self) -> ResolvedExperiment:
        """Return the experiment itself."""
        return self

    def as_json(self) -> dict[str, Any]:
        """Return the experiment with all defaults filled in."""
        plain = super().as_json()
        plain["evaluate"]["features"] = [f.as_json() for f in self.metric_features]
        plain["data"]["clean"] = [cleaner.as_json() for cleaner in self.cleaners]
        return plain
