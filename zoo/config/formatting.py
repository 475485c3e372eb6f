"""Format the parts of an experiment as text: components, models, training settings, recipes, TOML values."""

from __future__ import annotations

import json
from typing import Any

from zoo.config.candidate_settings import CandidateFeatureSettings
from zoo.config.train import RANKER_DEFAULTS, NetworkSettings
from zoo.loss_specs import OWN_LOSS
from zoo.spec import Figure, Recipe

_CANDIDATE_FEATURES = CandidateFeatureSettings().model_dump(mode="json")


def format_component(chosen: dict[str, Any]) -> str:
    """Return a component (the result of `Chosen.as_json`) with all its parameters, defaults included."""
    params = {key: value for key, value in chosen.items() if key != "name"}
    return format_call(chosen["name"].rpartition("/")[2], params)


def format_metric(chosen: dict[str, Any]) -> str:
    """Return a metric with its cutoff: `ndcg@10`."""
    params = dict(chosen)
    if "k" in params:
        params["name"] = f"{params['name']}@{params.pop('k')}"
    return format_component(params)


def format_model(model: dict[str, Any]) -> str:
    """Return the components of a model in pipeline order."""
    predictor = [model["predictor"]] if "predictor" in model else []
    parts = [*model.get("featurizers", []), *predictor, *model.get("filters", []), *model.get("rankers", [])]
    changed = {k: v for k, v in model.get("candidate_features", {}).items() if v != _CANDIDATE_FEATURES.get(k)}
    listed = " > ".join(map(format_component, parts))
    return f"{listed}; {format_call('candidate_features', changed)}" if changed else listed


def format_evaluate(evaluate: dict[str, Any]) -> str:
    """Return the rules of `[evaluate]`, without the metrics."""
    return _format_params({k: v for k, v in evaluate.items() if k not in ("metrics", "features") and v != {}})


def format_tune(tune: dict[str, Any]) -> str:
    """Return `[tune]`."""
    return _format_params(tune)


def format_train(train: dict[str, Any]) -> str:
    """Return `[train]` without the network settings that are at their defaults."""
    usual = NetworkSettings().model_dump(mode="json")
    return _format_params({k: v for k, v in train.items() if k not in usual or v != usual[k]})


def format_own_train(model: dict[str, Any], train: dict[str, Any]) -> str:
    """Return the network settings of a model that differ from `[train]`; an empty string if none differs."""
    return _format_params({k: v for k, v in model.get("train", {}).items() if v != train.get(k)})


def format_ranker_train(model: dict[str, Any]) -> str:
    """Return the settings of a model's rankers that differ from their defaults and `[model.train]`; empty if none differs."""
    usual = {**model.get("train", {}), **RANKER_DEFAULTS}
    return _format_params({k: v for k, v in model.get("ranker_train", {}).items() if k in usual and v != usual[k]})


def has_own_loss(model: dict[str, Any]) -> bool:
    """Return whether a model's predictor defines its own loss."""
    return bool(model.get("predictor", {}).get("loss") == OWN_LOSS)


def format_call(name: str, params: dict[str, Any]) -> str:
    """Return a name with its parameters in brackets, omitting those that are not set."""
    listed = _format_params(params)
    return f"{name}({listed})" if listed else name


def _format_params(params: dict[str, Any]) -> str:
    """Return parameters separated by commas, omitting those that are not set."""
    return ", ".join(f"{key}={value}" for key, value in params.items() if value not in (None, []))


def format_figure(figure: Figure) -> str:
    """Return a published figure with tolerance, source and measured value."""
    measured = "" if figure.measured is None else f"; measured {figure.format_measured()}"
    return f"{figure.metric} {figure.value:g} ± {figure.tolerance:g} ({figure.source}){measured}"


def format_settings(recipe: Recipe) -> str:
    """Return the settings of a recipe: parameters, training and split."""
    parts = [", ".join(f"{key} = {format_toml(value)}" for key, value in recipe.params.items())]
    for title, table in (("train", recipe.train), ("split", recipe.split)):
        if table:
            parts.append(f"{title}: " + ", ".join(f"{key} = {format_toml(value)}" for key, value in table.items()))
    return "; ".join(filter(None, parts))


def format_toml(value: Any) -> str:
    """Return a JSON value as a TOML literal."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {format_toml(v)}" for key, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(format_toml(v) for v in value) + "]"
    return json.dumps(value, ensure_ascii=False).replace("Infinity", "inf")
