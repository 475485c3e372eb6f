"""A resolved experiment in words: components with their parameters, and what flows through a model."""

from __future__ import annotations

from typing import Any

from zoo.config.candidates import CandidateFeatureSettings
from zoo.config.train import RANKER_DEFAULTS, NetworkSettings
from zoo.losses import OWN_LOSS

_TOLD = CandidateFeatureSettings().model_dump(mode="json")


def component_said(chosen: dict[str, Any]) -> str:
    """Return a component, as `Chosen.as_json` gives it, with its parameters, defaults included."""
    params = {key: value for key, value in chosen.items() if key != "name"}
    return call_said(chosen["name"].rpartition("/")[2], params)


def metric_said(chosen: dict[str, Any]) -> str:
    """Return a metric with its cutoff: `ndcg@10`."""
    params = dict(chosen)
    if "k" in params:
        params["name"] = f"{params['name']}@{params.pop('k')}"
    return component_said(params)


def model_said(model: dict[str, Any]) -> str:
    """Return the components of a model in the order in which a recommendation passes them."""
    predictor = [model["predictor"]] if "predictor" in model else []
    parts = [*model["featurizers"], *predictor, *model.get("filters", []), *model["rankers"]]
    told = {k: v for k, v in model.get("candidate_features", {}).items() if v != _TOLD[k]}
    said = " > ".join(map(component_said, parts))
    return f"{said}; {call_said('candidate_features', told)}" if told else said


def train_said(train: dict[str, Any]) -> str:
    """Return `[train]`, but for what a network's settings have by default."""
    usual = NetworkSettings().model_dump(mode="json")
    return _listed({k: v for k, v in train.items() if k not in usual or v != usual[k]})


def own_train_said(model: dict[str, Any], train: dict[str, Any]) -> str:
    """Return what a model's networks are trained with that `[train]` does not say; empty where there is nothing."""
    return _listed({k: v for k, v in model.get("train", {}).items() if k in train and v != train[k]})


def ranker_train_said(model: dict[str, Any]) -> str:
    """Return what a model's rankers are trained with beyond their defaults and `[model.train]`; empty where there is nothing."""
    usual = {**model.get("train", {}), **RANKER_DEFAULTS}
    return _listed({k: v for k, v in model.get("ranker_train", {}).items() if k in usual and v != usual[k]})


def has_own_loss(model: dict[str, Any]) -> bool:
    """Return whether a model's predictor trains by a loss of its own."""
    return bool(model.get("predictor", {}).get("loss") == OWN_LOSS)


def call_said(name: str, params: dict[str, Any]) -> str:
    """Return a name with its parameters in brackets; those that are not set are left out."""
    listed = _listed(params)
    return f"{name}({listed})" if listed else name


def _listed(params: dict[str, Any]) -> str:
    """Return parameters one after the other; those that are not set are left out."""
    return ", ".join(f"{key}={value}" for key, value in params.items() if value not in (None, []))
