"""The one module of the core that a plugin imports, beside `zoo.nn`. Heavy names are imported at their first use."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pydantic import Field

from zoo.errors import (
    ConfigError,
    DataError,
    NotFittedError,
    ResourceError,
    ScoreError,
    TrainingError,
    ZooError,
)
from zoo.evaluation.params import CutoffParams
from zoo.hookspecs import Training, hookimpl
from zoo.losses import LossSpec
from zoo.neural_params import LossName, NeuralParams, NeuralRankerParams, NeuralTextParams
from zoo.params import Params
from zoo.spec import API_VERSION, Capabilities, ComponentSpec, Figure, Recipe, neural_capabilities
from zoo.trained import Trained

if TYPE_CHECKING:
    from zoo.data.catalogue import Catalogue
    from zoo.data.dataset import Dataset, Tables
    from zoo.data.interactions import Interactions
    from zoo.data.queries import Histories, Queries, QueryBatch, Targets
    from zoo.data.texts import TextBatch
    from zoo.evaluation.metric import CatalogueMetric, Facts, Judged, Metric, QueryMetric
    from zoo.nn.items import ItemTable
    from zoo.stages.candidates import CandidateLists, Candidates, Exclusions
    from zoo.stages.context import RunContext
    from zoo.stages.epochs import choose_epochs
    from zoo.stages.featurizer import Featurizer, ItemFeatures
    from zoo.stages.filter import Filter
    from zoo.stages.predictor import Predictor
    from zoo.stages.ranker import Ranker
    from zoo.stages.ranking import RankingData, refuse_other_columns
    from zoo.stages.stage import Stage, State, TrainingData
    from zoo.training.lists import ListBatch, ListExamples
    from zoo.training.neural import NeuralPredictor, Sizes
    from zoo.training.objectives import MaskedItem, NextItem, Objective, UserItem
    from zoo.training.ranking import NeuralRanker
    from zoo.training.text import NeuralFeaturizer

_LAZY = {
    "CandidateLists": "zoo.stages.candidates",
    "Candidates": "zoo.stages.candidates",
    "Catalogue": "zoo.data.catalogue",
    "CatalogueMetric": "zoo.evaluation.metric",
    "Dataset": "zoo.data.dataset",
    "Exclusions": "zoo.stages.candidates",
    "Facts": "zoo.evaluation.metric",
    "Featurizer": "zoo.stages.featurizer",
    "Filter": "zoo.stages.filter",
    "Histories": "zoo.data.queries",
    "Interactions": "zoo.data.interactions",
    "ItemFeatures": "zoo.stages.featurizer",
    "ItemTable": "zoo.nn.items",
    "Judged": "zoo.evaluation.metric",
    "ListBatch": "zoo.training.lists",
    "ListExamples": "zoo.training.lists",
    "MaskedItem": "zoo.training.objectives",
    "Metric": "zoo.evaluation.metric",
    "NeuralFeaturizer": "zoo.training.text",
    "NeuralPredictor": "zoo.training.neural",
    "NextItem": "zoo.training.objectives",
    "Objective": "zoo.training.objectives",
    "Predictor": "zoo.stages.predictor",
    "Queries": "zoo.data.queries",
    "QueryBatch": "zoo.data.queries",
    "QueryMetric": "zoo.evaluation.metric",
    "Ranker": "zoo.stages.ranker",
    "RankingData": "zoo.stages.ranking",
    "NeuralRanker": "zoo.training.ranking",
    "RunContext": "zoo.stages.context",
    "Sizes": "zoo.training.neural",
    "Stage": "zoo.stages.stage",
    "State": "zoo.stages.stage",
    "Tables": "zoo.data.dataset",
    "Targets": "zoo.data.queries",
    "TextBatch": "zoo.data.texts",
    "TrainingData": "zoo.stages.stage",
    "UserItem": "zoo.training.objectives",
    "choose_epochs": "zoo.stages.epochs",
    "refuse_other_columns": "zoo.stages.ranking",
}

__all__ = [
    "API_VERSION",
    "CandidateLists",
    "Candidates",
    "Capabilities",
    "Catalogue",
    "CatalogueMetric",
    "ComponentSpec",
    "ConfigError",
    "CutoffParams",
    "DataError",
    "Dataset",
    "Exclusions",
    "Facts",
    "Featurizer",
    "Field",
    "Figure",
    "Filter",
    "Histories",
    "Interactions",
    "ItemFeatures",
    "ItemTable",
    "Judged",
    "ListBatch",
    "ListExamples",
    "LossName",
    "LossSpec",
    "MaskedItem",
    "Metric",
    "NeuralFeaturizer",
    "NeuralParams",
    "NeuralPredictor",
    "NeuralRanker",
    "NeuralRankerParams",
    "NeuralTextParams",
    "NextItem",
    "NotFittedError",
    "Objective",
    "Params",
    "Predictor",
    "Queries",
    "QueryBatch",
    "QueryMetric",
    "Ranker",
    "RankingData",
    "Recipe",
    "ResourceError",
    "RunContext",
    "ScoreError",
    "Sizes",
    "Stage",
    "State",
    "Tables",
    "Targets",
    "TextBatch",
    "Trained",
    "Training",
    "TrainingData",
    "TrainingError",
    "UserItem",
    "ZooError",
    "choose_epochs",
    "hookimpl",
    "neural_capabilities",
    "refuse_other_columns",
]


def __getattr__(name: str) -> Any:
    """Import a heavy name at its first use."""
    if name not in _LAZY:
        raise AttributeError(f"module 'zoo.api' has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    """Return the public names, those not yet imported among them."""
    return __all__
