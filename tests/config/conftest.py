"""A registry of components that are only ever named: a config is checked without importing one."""

from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Literal

import pytest

from zoo.api import Capabilities, ComponentSpec, CutoffParams, Field, Params
from zoo.config.load import experiment_from
from zoo.registry.plugin import Plugin
from zoo.registry.registry import Registry


class Cutoff(CutoffParams):
    k: int = Field(ge=1)
    """Length of the list."""


class Neighbours(Params):
    k: int = Field(100, ge=1)
    """How many neighbours an item keeps."""
    shrinkage: float = Field(0.0, ge=0)
    """Pulls similarities of rare items to zero."""


class Half(Params):
    half_life: float | None = Field(None, gt=0)
    """Days after which an event counts half."""


class Files(Params):
    interactions: Path
    """The file of events."""
    format: Literal["parquet", "csv"] = "parquet"
    """Its format."""


def spec(name, stage, params=Params, capabilities=Capabilities(), **more):  # noqa: B008
    return ComponentSpec(name, stage, "nowhere:Nothing", params, f"The {name}.", capabilities=capabilities, **more)


SPECS = (
    spec("files", "dataset", Files),
    spec("shop", "dataset"),
    spec("ndcg", "metric", Cutoff),
    spec("recall", "metric", Cutoff),
    spec("hit", "metric", Cutoff),
    spec("mrr", "metric", Cutoff),
    spec("coverage", "metric", Cutoff),
    spec("diversity", "metric", Cutoff, Capabilities(features="required")),
    spec("item-knn", "predictor", Neighbours),
    spec("popular", "predictor", Half, lambda p: Capabilities(needs_time=p.half_life is not None)),
    spec("content", "predictor", Params, Capabilities(features="required", cold_items=True)),
    spec("seeded", "predictor", Params, Capabilities(deterministic=False)),
    spec("epochs", "predictor", Params, Capabilities(deterministic=False, trains_in_epochs=True)),
    spec("tf-idf", "featurizer"),
    spec("tabular", "featurizer"),
    spec("available", "filter", Params, Capabilities(needs_time=True)),
    spec("mmr", "ranker", Params, Capabilities(features="required", trainable=False)),
    spec("sorter", "ranker", Params),
)


@pytest.fixture
def registry():
    plugin = Plugin("zoo", "testing", "1.0", ModuleType("nothing"), SimpleNamespace(), SPECS)
    return Registry([plugin])


@pytest.fixture
def resolve(registry):
    """Return a function that resolves an experiment, given as the tables that differ from a right one."""

    def resolved(*overrides, env=None, **tables):
        raw = {"data": {"source": "shop"}, "model": [{"predictor": "item-knn"}], **tables}
        return experiment_from(raw, Path("/base"), overrides, registry, env or {})

    return resolved
