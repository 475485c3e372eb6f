"""The filter stage: which items may be recommended to whom."""

from __future__ import annotations

from abc import abstractmethod

from torch import Tensor

from zoo.data.queries import Queries
from zoo.stages.stage import P, RunContext, Stage, TrainingData


class Filter(Stage[P]):
    """Removes items before the top K is taken, so that K allowed items remain."""

    @abstractmethod
    def fit(self, data: TrainingData, context: RunContext) -> None:
        """Learn from the training data."""

    @abstractmethod
    def keep(self, queries: Queries) -> Tensor:
        """Return which items may be recommended, `[B, I]` bool, or `[1, I]` where it is the same for all."""
