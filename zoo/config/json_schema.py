"""The JSON schema of an experiment file with the names and parameters of all installed components, for editors and docs."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from zoo.config.experiment_file import MANY, ONE, TABLE
from zoo.config.tasks import DEFAULT_TASK, TASKS
from zoo.config.train import NetworkSettings
from zoo.extension_specs import SplitSpec
from zoo.registry.registry import Registry
from zoo.spec import STAGES, StageName

Schema = dict[str, Any]


def experiment_schema(registry: Registry) -> Schema:
    """Return the JSON schema of an experiment file.

    Args:
        registry: The known components. Other names are allowed too, because a plugin may not be installed here.
    """
    files = [entry.file for entry in TASKS.values()]
    params = dict.fromkeys(c.spec.params for c in registry.components())
    policies: dict[str, SplitSpec] = registry.extensions["split"]
    keys = dict.fromkeys(spec.params for spec in policies.values())
    models: list[type[BaseModel]] = [*files, NetworkSettings, *params, *keys]
    references, schema = models_json_schema([(model, "validation") for model in models])
    named = {model: ref["$ref"].rpartition("/")[2] for (model, _), ref in references.items()}
    tables: dict[str, Schema] = schema["$defs"]
    components = {stage: _component(stage, registry, named, tables) for stage in STAGES}
    splits = {f"split-{name}": _policy(spec, tables[named[spec.params]]) for name, spec in policies.items()}
    for table in tables.values():
        for key in table.get("properties", {}).values():
            _resolve_marks(key)
    for choice in ("Choice", "MetricChoice"):
        tables.pop(choice, None)
    roots = {name: named[entry.file] for name, entry in TASKS.items()}
    tables[roots[DEFAULT_TASK]]["properties"]["split"]["oneOf"] += [{"$ref": f"#/$defs/{name}"} for name in splits]
    used = json.dumps([tables, components])
    tables = {name: t for name, t in tables.items() if name in roots.values() or f'"#/$defs/{name}"' in used}
    branches: Schema = {"$ref": f"#/$defs/{roots.pop(DEFAULT_TASK)}"}
    for name, root in reversed(roots.items()):
        is_task = {"properties": {"task": {"const": name}}, "required": ["task"]}
        branches = {"if": is_task, "then": {"$ref": f"#/$defs/{root}"}, "else": branches}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Experiment",
        "type": "object",
        **branches,
        "$defs": {**tables, **splits, **components},
    }


def _resolve_marks(key: Schema) -> None:
    """Replace the markers of `zoo.config.experiment_file` in the schema of a key with references."""
    if stage := key.pop(MANY, None):
        key["items"] = {"$ref": f"#/$defs/{stage}"}
    if table := key.pop(TABLE, None):
        key["$ref"] = f"#/$defs/{table}"
    if stage := key.pop(ONE, None):
        one = {"$ref": f"#/$defs/{stage}"}
        if "items" not in key:
            key |= one
            return
        key["anyOf"] = [one, {"type": "array", "items": one}]
        del key["items"], key["type"]


def _component(stage: StageName, registry: Registry, named: dict[Any, str], tables: dict[str, Schema]) -> Schema:
    """Return the schema of a component of a stage: a name, or a table with name and parameters."""
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
    known_names = sorted({name for component in registry.components(stage) for name in component.names})
    other = {
        "type": "object",
        "properties": {"name": {"type": "string", **({"not": {"enum": known_names}} if known_names else {})}},
        "required": ["name"],
    }
    return {"title": stage, "anyOf": [*([{"enum": names}] if names else []), {"type": "string"}, *known, other]}


def _policy(spec: SplitSpec, keys: Schema) -> Schema:
    """Return the schema of `[split]` with the policy of a plugin."""
    policy = {"const": spec.name, "type": "string", "description": spec.summary}
    return {
        **keys,
        "title": spec.name,
        "description": spec.summary,
        "properties": {"policy": policy, **{k: s for k, s in keys["properties"].items() if k != "policy"}},
        "required": list(dict.fromkeys(["policy", *keys.get("required", [])])),
    }


def _lenient(schema: Schema) -> Schema:
    """Return a parameter's schema that accepts a single entry in place of a list, as validation does."""
    if schema.get("type") != "array" or "items" not in schema:
        return schema
    return {"anyOf": [schema["items"], schema], **{k: schema[k] for k in ("description", "default") if k in schema}}
