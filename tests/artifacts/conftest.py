"""A small shop, and artifacts that were fitted on it."""

import shutil

import pytest

from zoo.artifacts.artifact import Artifact
from zoo.artifacts.saving import save_artifact
from zoo.config.load import experiment_from
from zoo.data.task import load_task
from zoo.pipeline import Pipeline

SHOP = {"name": "synthetic-shop", "customers": 40, "items": 60, "events": 1500, "categories": 6, "brands": 12}
TITLES = {"name": "tf-idf", "columns": ["title"]}
MODELS = [
    {"predictor": "transition-graph"},
    {"predictor": "item-knn"},
    {
        "label": "whole",
        "predictor": "content-knn",
        "featurizer": TITLES,
        "filters": ["available"],
        "rankers": ["mmr"],
    },
]


@pytest.fixture(scope="session")
def experiment():
    """Return a function that makes an experiment on the shop."""
    return on_the_shop


def on_the_shop(*models, **sections):
    """Return an experiment on the shop; purchases are not recommended again."""
    raw = {
        "data": {"source": SHOP},
        "split": {"policy": "temporal", "cuts": [0.8]},
        "evaluate": {"exclude_seen": ["purchase"]},
        "model": list(models) or MODELS,
    }
    return experiment_from({**raw, **sections})


@pytest.fixture(scope="session")
def shop():
    return load_task(on_the_shop())


@pytest.fixture(scope="session")
def fitted(shop):
    """Return a pipeline of each model, by label."""
    return {model.label: Pipeline(model).fit(shop) for model in on_the_shop().models}


@pytest.fixture(scope="session")
def saved(shop, fitted, tmp_path_factory):
    """Return the folder of each artifact, by label. They are not to be written to."""
    folder = tmp_path_factory.mktemp("artifacts")
    return {label: save_artifact(Artifact.of(pipeline, shop), folder / label) for label, pipeline in fitted.items()}


@pytest.fixture
def copy(saved, tmp_path):
    """Return a copy of the whole pipeline's artifact, to be damaged."""
    return shutil.copytree(saved["whole"], tmp_path / "copy")
