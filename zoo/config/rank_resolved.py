"""A resolved experiment with `task = "rank"`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from zoo.config.chosen import Chosen
from zoo.config.rank_experiment import RankExperiment
from zoo.config.resolved_base import BaseResolvedExperiment, BaseResolvedModel


@dataclass(frozen=True)
class ResolvedRankModel(BaseResolvedModel):
    """A model of `task = "rank"`: one or more rankers for judged lists.

    Attributes:
        rankers: Rankers, applied in order.
        featurizers: Featurizers that compare the query text with the document texts.
    """

    rankers: tuple[Chosen, ...]
    featurizers: tuple[Chosen, ...] = ()

    @property
    def parts(self) -> tuple[Chosen, ...]:
        """All components."""
        return (*self.featurizers, *self.rankers)

    def slots(self) -> dict[str, Any]:
        """Return the components by slot, as JSON."""
        return {name: [c.as_json() for c in getattr(self, name)] for name in ("featurizers", "rankers")}


@dataclass(frozen=True)
class ResolvedRankExperiment(BaseResolvedExperiment):
    """A resolved experiment with `task = "rank"`."""

    experiment: RankExperiment
    models: tuple[ResolvedRankModel, ...]

    @property
    def bootstrap(self) -> int:
        """Not used: the metrics of judged lists have intervals without resamples."""
        return self.experiment.evaluate.bootstrap
