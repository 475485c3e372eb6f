"""Format the JSON schema of parameters as text for the terminal and the docs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from zoo.config.formatting import format_toml

Schema = Mapping[str, Any]

REQUIRED, NOT_SET = "required", "not set"


@dataclass(frozen=True)
class Key:
    """The documentation of a key."""

    name: str
    type: str
    default: str
    description: str


def keys(table: Schema) -> list[Key]:
    """Return the keys of a table's schema in their order of definition."""
    needed = table.get("required", ())
    return [
        Key(name, type_of(key), REQUIRED if name in needed else default_of(key), key.get("description", ""))
        for name, key in table.get("properties", {}).items()
    ]


def type_of(schema: Schema) -> str:
    """Return the type of a value with its bounds, as text."""
    if "anyOf" in schema:
        members = [type_of(member) for member in schema["anyOf"] if member.get("type") != "null"]
        return " or ".join(dict.fromkeys(members))
    if "enum" in schema or "const" in schema:
        return " | ".join(json.dumps(value) for value in schema.get("enum", [schema.get("const")]))
    if "$ref" in schema or "oneOf" in schema:
        stage = schema.get("$ref", "").rpartition("/")[2]
        return f"a {stage} component" if stage.islower() else "table"
    if "prefixItems" in schema:
        return f"[{', '.join(type_of(part) for part in schema['prefixItems'])}]"
    if schema.get("type") == "array":
        return f"list of {_plural(type_of(schema['items'])) if schema.get('items') else 'values'}{_bounds(schema)}"
    if schema.get("type") == "object":
        of = schema.get("additionalProperties")
        return f"table of {_plural(type_of(of))}" if isinstance(of, dict) and of else "table"
    names = {"integer": "whole number", "number": "number", "boolean": "true | false", "string": "string"}
    formats = {"path": "path", "date-time": "date", "date": "date"}
    return formats.get(schema.get("format", "")) or names.get(schema.get("type", ""), "any value") + _bounds(schema)


def _plural(entry: str) -> str:
    """Return the plural of a type's text."""
    word, bracket, bounds = entry.removeprefix("a ").partition(" (")
    return entry if "|" in entry else f"{word}s{bracket}{bounds}"


def default_of(schema: Schema) -> str:
    """Return a default as TOML; TOML has no null, so null becomes `NOT_SET`."""
    default = schema.get("default")
    if isinstance(default, list):
        default = [_metric(entry) for entry in default]
    return NOT_SET if default is None else format_toml(default)


def _metric(entry: Any) -> Any:
    """Return the short form of a metric; other values unchanged."""
    is_metric = isinstance(entry, dict) and set(entry) == {"name", "k"}
    return f"{entry['name']}@{entry['k']}" if is_metric else entry


def _bounds(schema: Schema) -> str:
    """Format the bounds of a number or of the length of a list."""
    formats = {
        "minimum": "at least {}", "exclusiveMinimum": "over {}", "maximum": "at most {}", "exclusiveMaximum": "under {}",
        "minItems": "{} or more", "maxItems": "{} or fewer",
    }  # fmt: skip
    found = [text.format(f"{schema[name]:,}") for name, text in formats.items() if name in schema]
    return f" ({', '.join(found)})" if found else ""
