"""The features that rankers get for each candidate: `[model.candidate_features]`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, PrivateAttr, ValidationInfo, WithJsonSchema, model_validator

from zoo.candidate_groups import GROUP_NAMES
from zoo.errors import ConfigError, suggestion
from zoo.extension_specs import CandidateFeatureSpec
from zoo.params import Params, is_unset, validated


def _check_group(choice: Any, info: ValidationInfo) -> Any:
    """Check that a group exists, and validate the parameters of a group of a plugin.

    Returns:
        The name of a group of the core; for one of a plugin, a table with `name` and all of its parameters.
    """
    known: Mapping[str, CandidateFeatureSpec] = (info.context or {}).get("candidate_features", {})
    table = {"name": choice} if isinstance(choice, str) else dict(choice)
    name = table.pop("name", None)
    if name in GROUP_NAMES and not table:
        return name
    if not isinstance(name, str) or name not in known:
        names = [*GROUP_NAMES, *known]
        if isinstance(name, str) and name not in names:
            raise ValueError(f"no group {name!r}.{suggestion(name, names)} Known: {', '.join(names)}.")
        raise ValueError(
            f"expected the name of a group, or a table with the `name` of a plugin's group, found {choice!r}."
        )
    try:
        return {"name": name, **validated(known[name].params, table, name).model_dump(mode="json")}
    except ConfigError as error:
        raise ValueError(str(error)) from None


GroupChoice = Annotated[
    str | dict[str, Any],
    AfterValidator(_check_group),
    WithJsonSchema({"anyOf": [{"enum": list(GROUP_NAMES), "type": "string"}, {"type": "string"}, {"type": "object"}]}),
]


@dataclass(frozen=True)
class PluginGroup:
    """A group of a plugin with its parameters."""

    spec: CandidateFeatureSpec
    params: Params

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the catalogue columns that it reads."""
        return self.spec.columns_for(self.params)


class CandidateFeatureSettings(Params):
    """The features that the core computes for each candidate."""

    groups: list[GroupChoice] | None = Field(None, min_length=1)
    """The groups of features; by default all groups of the core that the data support. A group of a plugin with parameters is a table with its `name`."""
    categories: list[str] | None = None
    """Item columns whose values group the items; by default `category`, if the data have that column."""
    user_columns: list[str] = Field([], exclude_if=is_unset)
    """Columns of the user table that become features: numbers, or categories of which the 20 most frequent have one each. None by default."""
    vectors: int = Field(8, ge=1, le=65_536)
    """Number of columns to which the item features of a `featurizer` are reduced."""
    decay: float = Field(0.9, gt=0, le=1)
    """Factor by which the weight of an event falls with each later event of the user, in the features called recent."""

    _plugin_groups: tuple[PluginGroup, ...] = PrivateAttr(())

    @model_validator(mode="after")
    def _keep_specs(self, info: ValidationInfo) -> Self:
        """Keep the specs of the groups of plugins, which are known here only."""
        known: Mapping[str, CandidateFeatureSpec] = (info.context or {}).get("candidate_features", {})
        tables = [dict(group) for group in self.groups or () if isinstance(group, dict)]
        found = [(known[table.pop("name")], table) for table in tables]
        self._plugin_groups = tuple(PluginGroup(spec, spec.params(**table)) for spec, table in found)
        return self

    @property
    def names(self) -> list[str] | None:
        """Return the names of the groups, or None for all that the data support."""
        return None if self.groups is None else [g if isinstance(g, str) else g["name"] for g in self.groups]

    @property
    def plugin_groups(self) -> tuple[PluginGroup, ...]:
        """Return the groups of plugins with their parameters."""
        return self._plugin_groups

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the catalogue columns that the groups of plugins read."""
        return tuple(name for group in self.plugin_groups for name in group.columns)
