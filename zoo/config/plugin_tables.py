"""The tables of an experiment file whose keys a plugin defines: `[split]` with its policy, and groups of candidate features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.errors import ConfigError, suggestion
from zoo.params import validated
from zoo.registry.plugin_extensions import POLICIES
from zoo.registry.registry import Registry


def with_plugin_split(raw: Mapping[str, Any], registry: Registry) -> dict[str, Any]:
    """Return the content of a file in which a `[split]` table with the policy of a plugin is validated.

    Raises:
        ConfigError: A key is unknown or has an invalid value, or plugins have policies and none has this name.
    """
    table, splits = raw.get("split"), registry.extensions["split"]
    policy = table.get("policy") if isinstance(table, dict) else None
    if not isinstance(table, dict) or not isinstance(policy, str) or policy in POLICIES:
        return dict(raw)
    if policy not in splits:
        if not splits:  # the validation of the file says which policies there are
            return dict(raw)
        known = [*POLICIES, *splits]
        raise ConfigError(f"split.policy: no policy {policy!r}.{suggestion(policy, known)} Known: {', '.join(known)}.")
    spec = splits[policy]
    return {**raw, "split": validated(spec.params, table, "split").with_target(spec.target)}
