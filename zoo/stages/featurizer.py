"""The featurizer stage: converts the catalogue's columns to item features."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

from zoo.data.catalogue import Catalogue
from zoo.stages.answers import answer_of, check_features
from zoo.stages.context import RunContext
from zoo.stages.item_features import ItemFeatures, concatenate_features
from zoo.stages.stage import P, Stage, TrainingData


@runtime_checkable
class ReadsColumns(Protocol):
    """Parameters that name the columns of texts to read. For judged lists, the first one receives the text of the query."""

    columns: list[str]


class Featurizer(Stage[P]):
    """Computes item features: learns from the training data, then transforms any item, including new ones."""

    @abstractmethod
    def fit(self, data: TrainingData, context: RunContext) -> None:
        """Learn from the items that occur in training (`data.known`) and from their interactions."""

    @abstractmethod
    def transform(self, catalogue: Catalogue) -> ItemFeatures:
        """Return the features `[I, D]` of a catalogue's items. Each row depends on its own item only."""

    def fit_transform(self, data: TrainingData, context: RunContext) -> ItemFeatures:
        """Fit, and return the features of the data's catalogue. Override if doing both in one pass is cheaper."""
        self.fit(data, context)
        return self.transform(data.catalogue)


def fit_features(
    featurizer: Featurizer[Any], data: TrainingData, context: RunContext, origin: str = ""
) -> ItemFeatures:
    """Fit a featurizer and return the validated features of the data's catalogue, `[I, D]`.

    Raises:
        ScoreError: The features cannot be used; the message names `origin`, by default the class.
    """
    with answer_of(origin or type(featurizer).__name__):
        answer = featurizer.fit_transform(data, context)
        return check_features(answer, len(data.catalogue), "`fit_transform`")


def transform_items(featurizer: Featurizer[Any], catalogue: Catalogue, origin: str = "") -> ItemFeatures:
    """Return the validated features of a catalogue's items, `[I, D]`.

    Raises:
        ScoreError: The features cannot be used; the message names `origin`, by default the class.
    """
    with answer_of(origin or type(featurizer).__name__):
        return check_features(featurizer.transform(catalogue), len(catalogue))


def item_features(
    featurize: Sequence[Callable[[TrainingData, RunContext], ItemFeatures]], data: TrainingData, context: RunContext
) -> ItemFeatures | None:
    """Return the concatenated features of several featurizers; None without featurizers."""
    parts = []
    for number, fit_transform in enumerate(featurize, 1):
        # Seeded, so that later random numbers do not depend on whether the features were computed or cached.
        with context.seeded("features"):
            parts.append(fit_transform(data, context.below(f"featurizer-{number}")))
    return concatenate_features(parts)
