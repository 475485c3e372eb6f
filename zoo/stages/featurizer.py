"""The featurizer stage: the catalogue's columns become numbers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence

from zoo.data.catalogue import Catalogue
from zoo.stages.context import RunContext
from zoo.stages.item_features import ItemFeatures, joined
from zoo.stages.stage import P, Stage, TrainingData


class Featurizer(Stage[P]):
    """Represents items: learns from the training data, then serves any item, also one it never saw."""

    @abstractmethod
    def fit(self, data: TrainingData, context: RunContext) -> None:
        """Learn from the items that occur in training (`data.known`) and what was done with them."""

    @abstractmethod
    def transform(self, catalogue: Catalogue) -> ItemFeatures:
        """Return the features `[I, D]` of a catalogue's items. A row depends on that item alone."""

    def fit_transform(self, data: TrainingData, context: RunContext) -> ItemFeatures:
        """Fit, and return the features of the data's catalogue; to be overridden where both at once cost less than each."""
        self.fit(data, context)
        return self.transform(data.catalogue)


def item_features(
    featurize: Sequence[Callable[[TrainingData, RunContext], ItemFeatures]], data: TrainingData, context: RunContext
) -> ItemFeatures | None:
    """Return what several featurizers make of the catalogue, by their `fit_transform`, side by side; None for none."""
    made = []
    for number, fit_transform in enumerate(featurize, 1):
        # Seeded, so that whether features are made, or were there already, shifts nobody's random numbers.
        with context.seeded("features"):
            made.append(fit_transform(data, context.below(f"featurizer-{number}")))
    return joined(made)
