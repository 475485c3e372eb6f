"""Models that are given in Python, as tables of an experiment: names, components, pipelines, tables of these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zoo.config.chosen import Chosen
from zoo.config.resolved import ResolvedModel
from zoo.errors import ConfigError
from zoo.params import Params
from zoo.pipeline import Pipeline
from zoo.registry.component import Component
from zoo.registry.registry import Registry
from zoo.spec import MODEL_KEYS, StageName

EXPECTED = (
    'a name ("als"), a component (zoo.load("als", factors=64)), a zoo.Pipeline, or a table with the keys of [[model]] '
    '({"predictor": "als", "filters": [...]})'
)


def model_tables(models: Any, registry: Registry) -> list[dict[str, Any]]:
    """Return the `[[model]]` tables of models.

    Args:
        models: Maps the label of each model to the model; or a list of models, or one model, which get the labels of their
            predictors.
        registry: Where the classes of components are looked up.

    Raises:
        ConfigError: A model is something else.
    """
    if isinstance(models, Mapping) and not _is_table(models):
        return [
            {"label": str(label), **_table(model, registry, f"models[{label!r}]")} for label, model in models.items()
        ]
    if isinstance(models, Sequence) and not isinstance(models, str):
        return [_table(model, registry, f"models[{at}]") for at, model in enumerate(models)]
    return [_table(models, registry, "the model")]


def _is_table(model: Mapping[Any, Any]) -> bool:
    """Return whether a mapping is the table of one model rather than models by label."""
    return "predictor" in model and set(model) <= {
        "label",
        *MODEL_KEYS.values(),
        "candidate_features",
        "train",
        "ranker_train",
        "tune",
    }


def _table(model: Any, registry: Registry, where: str) -> dict[str, Any]:
    """Return the table of a model."""
    if isinstance(model, str):
        return {"predictor": model}
    if isinstance(model, Pipeline):
        return _of_resolved(model.model, registry)
    if isinstance(model, Mapping):
        return {str(key): _part(value, registry, f"{where}[{key!r}]") for key, value in model.items()}
    found = _component(model, registry, where)
    stage: StageName = found[0]
    if stage != "predictor":
        raise ConfigError(
            f"{where} is a {stage}, and a model needs a predictor: {{'predictor': ..., {MODEL_KEYS.get(stage, stage)!r}: ...}}."
        )
    return {"predictor": found[1]}


def _part(value: Any, registry: Registry, where: str) -> Any:
    """Return the value of a key of a model's table: components become tables, other values stay."""
    if isinstance(value, list | tuple):
        return [_part(each, registry, where) for each in value]
    if value is None or isinstance(value, str | int | float | bool | dict):
        return value
    return _component(value, registry, where)[1]


def _component(value: Any, registry: Registry, where: str) -> tuple[StageName, dict[str, Any]]:
    """Return the stage of a component, and its table.

    Raises:
        ConfigError: The value is no component of a plugin.
    """
    component = registry.component_of(value)
    if component is None:
        problem = f"found {type(value).__name__}"
        if isinstance(value, type):
            problem = f"found the class {value.__name__}, not an instance"
        elif isinstance(getattr(value, "params", None), Params):
            problem += ", which is not a component of an installed plugin (`zoo plugin new` creates one; a single file is passed with plugins=[...])"
        raise ConfigError(f"{where}: {problem}, expected {EXPECTED}.")
    return component.spec.stage, {"name": _short_name(component, registry), **_given(value.params)}


def _of_resolved(model: ResolvedModel, registry: Registry) -> dict[str, Any]:
    """Return the table of a pipeline's model."""

    def table(chosen: Chosen) -> dict[str, Any]:
        return {"name": _short_name(chosen.component, registry), **_given(chosen.params)}

    many = {
        "featurizer": model.featurizers,
        "filters": model.filters,
        "rankers": model.rankers,
    }
    return {
        "predictor": table(model.predictor),
        **{key: [table(chosen) for chosen in parts] for key, parts in many.items() if parts},
    }


def _short_name(component: Component, registry: Registry) -> str:
    """Return the own name of a component, or the qualified one if several plugins have it."""
    same = [c for c in registry.components(component.spec.stage) if component.name in c.names]
    return component.name if len(same) == 1 else component.qualified_name


def _given(params: Params) -> dict[str, Any]:
    """Return the parameters that were set."""
    return params.model_dump(by_alias=True, exclude_unset=True)
