"""How the parts of a pipeline are fitted: by themselves, or by a cache that has fitted the same part before."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from zoo.config.chosen import Chosen
from zoo.config.resolved import ResolvedModel
from zoo.stages.context import RunContext
from zoo.stages.epochs import training_of
from zoo.stages.featurizer import Featurizer, fit_features
from zoo.stages.item_features import ItemFeatures
from zoo.stages.predictor import Predictor
from zoo.stages.stage import TrainingData
from zoo.training.training_record import fit_of


@dataclass(frozen=True, eq=False)
class PredictorFit:
    """The fit of a predictor, with everything that its result depends on.

    Attributes:
        model: The model of the predictor.
        predictor: The predictor, which is not fitted yet.
        data: What it is fitted on.
        context: Randomness, device, settings and validation.
        validated_on: Returns what the validation depends on besides the training data and the components of the model, as JSON;
            None without validation.
    """

    model: ResolvedModel
    predictor: Predictor[Any]
    data: TrainingData
    context: RunContext
    validated_on: Callable[[], Any] | None = None

    def resuming(self, resumed: Callable[[float], None]) -> PredictorFit:
        """Return the same fit with a function that receives the seconds of earlier processes."""
        return replace(self, context=self.context.for_training(resumed=resumed))

    def run(self) -> dict[str, Any] | None:
        """Fit the predictor; return the record of its training as `fit_of` makes it, or None if it does not train in epochs."""
        start = time.perf_counter()
        self.predictor.fit(self.data.guarded(), self.context)
        seconds = time.perf_counter() - start
        if not self.model.predictor.capabilities.trains_in_epochs:
            return None
        return fit_of(training_of(self.predictor), seconds)


FitPredictor = Callable[[PredictorFit], dict[str, Any] | None]
"""Fits a predictor and returns what `PredictorFit.run` returns."""
Featurize = Callable[[Chosen, Featurizer[Any], TrainingData, RunContext], ItemFeatures]
"""Fits a featurizer and returns the features of the catalogue, `[I, D]`."""


def fit_featurizer(
    chosen: Chosen, featurizer: Featurizer[Any], data: TrainingData, context: RunContext
) -> ItemFeatures:
    """Fit a featurizer and return the features of the catalogue, `[I, D]`."""
    return fit_features(featurizer, data, context, chosen.origin)


@dataclass(frozen=True)
class PartFits:
    """How the parts of a pipeline are fitted; a cache can take the place of either function.

    Attributes:
        featurizer: Fits a featurizer.
        predictor: Fits a predictor.
    """

    featurizer: Featurize = fit_featurizer
    predictor: FitPredictor = PredictorFit.run


UNCACHED = PartFits()
"""Every part is fitted by itself."""
