"""An experiment with `task = "rank"` whose names have become components."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from zoo.config.ranking import RankExperiment
from zoo.config.resolved import BaseResolvedExperiment, BaseResolvedModel, Chosen


@dataclass(frozen=True)
class ResolvedRankModel(BaseResolvedModel):
    """Rankers to be compared on judged lists.

    Attributes:
        rankers: Applied in turn.
        featurizers: Compare the query's text with the documents'.
    """

    rankers: tuple[Chosen, ...]
    featurizers: tuple[Chosen, ...] = ()

    @property
    def parts(self) -> tuple[Chosen, ...]:
        """All components."""
        return (*self.featurizers, *self.rankers)

    def slots(self) -> dict[str, Any]:
        """Return its components by slot, as JSON."""
        return {name: [c.as_json() for c in getattr(self, name)] for name in ("featurizers", "rankers")}


@dataclass(frozen=True)
class ResolvedRankExperiment(BaseResolvedExperiment):
    """An experiment with `task = "rank"`, with the components it names."""

    experiment: RankExperiment
    models: tuple[ResolvedRankModel, ...]

    @property
    def bootstrap(self) -> int:
        """Resamples of the queries for each interval."""
        return self.experiment.evaluate.bootstrap
