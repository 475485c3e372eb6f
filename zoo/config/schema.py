"""The JSON schema of an experiment file, with the names and parameters of what is installed: for editors and docs."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from zoo.config.experiment import Experiment
from zoo.config.train import NetworkSettings
from zoo.registry.registry import Registry
from zoo.spec import STAGES, StageName

Schema = dict[str, Any]


def experiment_schema(registry: Registry) -> Schema:
    """Return the JSON schema of an experiment file.

    Args:
        registry: Whose components may be named. Other names are allowed too: a plugin may be missing here.
    """
    models: list[type[BaseModel]] = [
        Experiment,
        NetworkSettings,
        *dict.fromkeys(c.spec.params for c in registry.components()),
    ]
    references, schema = models_json_schema([(model, "validation") for model in models])
    named = {model: ref["$ref"].rpartition("/")[2] for (model, _), ref in references.items()}
    tables: dict[str, Schema] = schema["$defs"]
    components = {stage: _component(stage, registry, named, tables) for stage in STAGES}
    data, evaluate, model = (tables[name]["properties"] for name in ("DataSettings", "EvaluateSettings", "Model"))
    data["source"] |= {"$ref": "#/$defs/dataset"}
    data["k_core"]["anyOf"] = [{"type": "integer", "minimum": 1}, {"$ref": data["k_core"].pop("$ref")}]
    evaluate["metrics"]["items"] = {"$ref": "#/$defs/metric"}
    model["predictor"] |= {"$ref": "#/$defs/predictor"}
    model["train"] |= {"$ref": f"#/$defs/{named[NetworkSettings]}"}
    lists = ((evaluate, "features", "featurizer"), (model, "featurizer", "featurizer"), (model, "filters", "filter"), (model, "rankers", "ranker"))  # fmt: skip
    for table, key, stage in lists:
        one = {"$ref": f"#/$defs/{stage}"}
        table[key] |= {"anyOf": [one, {"type": "array", "items": one}]}
        del table[key]["items"], table[key]["type"]
    root = tables.pop(named[Experiment])
    for choice in ("Choice", "MetricChoice"):
        tables.pop(choice, None)
    used = json.dumps([root, tables, components])
    tables = {name: table for name, table in tables.items() if f'"#/$defs/{name}"' in used}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **root, "$defs": {**tables, **components}}


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
