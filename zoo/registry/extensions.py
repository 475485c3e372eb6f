"""The losses, samplers, split policies and candidate features of the core and of plugins, as `zoo list` and `zoo show` give them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from zoo.registry.discovery import CORE
from zoo.registry.plugin import Plugin
from zoo.registry.plugin_extensions import KINDS
from zoo.registry.registry import Registry
from zoo.version import __version__

EXTENSIONS = tuple(kind.name for kind in KINDS)
"""The kinds of extensions."""


@dataclass(frozen=True)
class Extension:
    """A loss, a negative sampler, a split policy, or a group of candidate features.

    Attributes:
        kind: One of `EXTENSIONS`.
        name: The name by which an experiment selects it.
        summary: One sentence.
        spec: What the plugin declares; None for one of the core.
        plugin: The plugin that provides it; None for the core.
    """

    kind: str
    name: str
    summary: str
    spec: Any = None
    plugin: Plugin | None = None

    @property
    def distribution(self) -> str:
        """Return the distribution that provides it."""
        return CORE if self.plugin is None else self.plugin.distribution

    @property
    def version(self) -> str:
        """Return the version of the distribution."""
        return __version__ if self.plugin is None else self.plugin.version

    def as_json(self) -> dict[str, Any]:
        """Return the description as JSON."""
        params = getattr(self.spec, "params", None)
        return {
            "kind": self.kind,
            "name": self.name,
            "summary": self.summary,
            "params": {} if params is None else params.model_json_schema(),
            "target": None if self.spec is None else self.spec.target,
            "plugin": {"distribution": self.distribution, "version": self.version},
        }


def list_extensions(registry: Registry, kind: str | None = None) -> list[Extension]:
    """Return the extensions of a kind (of all kinds by default): those of the core, then those of plugins by name."""
    found = []
    for each in KINDS:
        if kind in (None, each.name):
            found += [Extension(each.name, name, summary) for name, summary in each.core.items()]
            found += [
                Extension(each.name, name, spec.summary, spec, registry.extension_plugins[each.name, name])
                for name, spec in sorted(registry.extensions[each.name].items())
            ]
    return found
