"""The JSON schema of an experiment file, with the names and parameters of what is installed: for editors and docs."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from zoo.config.experiment import Experiment
from zoo.config.ranking import RankExperiment
from zoo.config.train import NetworkSettings
from zoo.registry.registry import Registry
from zoo.spec import STAGES, StageName

Schema = dict[str, Any]
LISTS: tuple[tuple[str, str, StageName], ...] = (
    ("EvaluateSettings", "features", "featurizer"),
    ("Model", "featurizer", "featurizer"),
    ("Model", "filters", "filter"),
    ("Model", "rankers", "ranker"),
    ("RankModel", "featurizer", "featurizer"),
    ("RankModel", "rankers", "ranker"),
)
"""Table, key and stage of what takes one component or a list of them."""


def experiment_schema(registry: Registry) -> Schema:
    """Return the JSON schema of an experiment file.

    Args:
        registry: Whose components may be named. Other names are allowed too: a plugin may be missing here.
    """
    models: list[type[BaseModel]] = [
        Experiment,
        RankExperiment,
        NetworkSettings,
        *dict.fromkeys(c.spec.params for c in registry.components()),
    ]
    references, schema = models_json_schema([(model, "validation") for model in models])
    named = {model: ref["$ref"].rpartition("/")[2] for (model, _), ref in references.items()}
    tables: dict[str, Schema] = schema["$defs"]
    components = {stage: _component(stage, registry, named, tables) for stage in STAGES}
    of = {name: table.get("properties", {}) for name, table in tables.items()}
    k_core = of["DataSettings"]["k_core"]
    k_core["anyOf"] = [{"type": "integer", "minimum": 1}, {"$ref": k_core.pop("$ref")}]
    of["Model"]["predictor"] |= {"$ref": "#/$defs/predictor"}
    for data in ("DataSettings", "JudgedData"):
        of[data]["source"] |= {"$ref": "#/$defs/dataset"}
    for evaluate in ("EvaluateSettings", "RankEvaluateSettings"):
        of[evaluate]["metrics"]["items"] = {"$ref": "#/$defs/metric"}
    for model in ("Model", "RankModel"):
        of[model]["train"] |= {"$ref": f"#/$defs/{named[NetworkSettings]}"}
    for table, key, stage in LISTS:
        one = {"$ref": f"#/$defs/{stage}"}
        of[table][key] |= {"anyOf": [one, {"type": "array", "items": one}]}
        del of[table][key]["items"], of[table][key]["type"]
    for choice in ("Choice", "MetricChoice"):
        tables.pop(choice, None)
    roots = [named[Experiment], named[RankExperiment]]
    used = json.dumps([tables, components])
    tables = {name: table for name, table in tables.items() if name in roots or f'"#/$defs/{name}"' in used}
    recommend, rank = ({"$ref": f"#/$defs/{name}"} for name in roots)
    is_rank = {"properties": {"task": {"const": "rank"}}, "required": ["task"]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Experiment",
        "type": "object",
        "if": is_rank,
        "then": rank,
        "else": recommend,
        "$defs": {**tables, **components},
    }


def _component(stage: StageName, registry: Registry, named: dict[Any, str], tables: dict[str, Schema]) -> Schema:
    """Return the schema of a component of a stage: a name, or a table with its name and parameters."""
    names: list[str] = []
    known: list[Schema] = []
    for component in registry.components(stage):
        spec, params = component.spec, tables[named[component.spec.params]]
        names.append(spec.name)
        name = {"enum": list(component.names), "description": spec.summary}
        known.append({
            "title": spec.name,
            "description": spec.summary,
            "type": "object",
            "properties": {"name": name, **{key: _lenient(p) for key, p in params.get("properties", {}).items()}},
            "required": ["name", *params.get("required", [])],
            "additionalProperties": False,
        })  # fmt: skip
    taken = sorted({name for component in registry.components(stage) for name in component.names})
    other = {
        "type": "object",
        "properties": {"name": {"type": "string", **({"not": {"enum": taken}} if taken else {})}},
        "required": ["name"],
    }
    return {"title": stage, "anyOf": [*([{"enum": names}] if names else []), {"type": "string"}, *known, other]}


def _lenient(schema: Schema) -> Schema:
    """Return a parameter's schema that takes one entry for a list of one, as parameters may and cannot say."""
    if schema.get("type") != "array" or "items" not in schema:
        return schema
    return {"anyOf": [schema["items"], schema], **{k: schema[k] for k in ("description", "default") if k in schema}}
