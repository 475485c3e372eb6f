"""A component with its parameters, as an experiment has chosen it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from zoo.params import Params
from zoo.registry.component import Component
from zoo.registry.plugin import Plugin
from zoo.spec import Capabilities


@dataclass(frozen=True)
class Chosen:
    """A component with its validated parameters."""

    component: Component
    params: Params

    @property
    def name(self) -> str:
        """The component's name."""
        return self.component.name

    @property
    def origin(self) -> str:
        """The component's stage, name and plugin, for messages."""
        return self.component.origin

    @property
    def capabilities(self) -> Capabilities:
        """The component's capabilities with these parameters."""
        return self.component.capabilities(self.params)

    @property
    def plugins(self) -> list[Plugin]:
        """The plugins that the component needs."""
        return self.component.plugins(self.params)

    def build(self) -> Any:
        """Return an unfitted instance."""
        return self.component.build(self.params)

    def as_json(self) -> dict[str, Any]:
        """Return the name and all parameters, defaults included."""
        return {"name": self.component.qualified_name, **self.params.model_dump(mode="json")}
