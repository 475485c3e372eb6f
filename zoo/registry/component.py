"""A registered component: the spec of a plugin, and the plugin that provides it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from types import ModuleType
from typing import Any

from zoo.errors import PluginError
from zoo.loss_specs import LOSSES, LossSpec
from zoo.neural_params import NeuralParams
from zoo.params import Params, validated
from zoo.registry.compat import adapt_class
from zoo.registry.discovery import CORE
from zoo.registry.loading import LoadingWatch
from zoo.registry.plugin import Plugin, describe_error
from zoo.registry.printed import capture_output
from zoo.sampler_specs import SAMPLERS, SamplerSpec
from zoo.spec import Capabilities, ComponentSpec


@dataclass(frozen=True)
class Component:
    """A component and the plugin it comes from."""

    spec: ComponentSpec
    plugin: Plugin
    losses: Mapping[str, LossSpec] = field(default_factory=lambda: LOSSES, compare=False, repr=False)
    """The losses that its parameters may name."""
    samplers: Mapping[str, SamplerSpec] = field(default_factory=lambda: SAMPLERS, compare=False, repr=False)
    """The negative samplers that its parameters may name."""
    extension_plugins: Mapping[tuple[str, str], Plugin] = field(default_factory=dict, compare=False, repr=False)
    """The plugins of those that do not come from the core, by kind and name."""

    @property
    def name(self) -> str:
        """Return the component's own name."""
        return self.spec.name

    @property
    def qualified_name(self) -> str:
        """Return `distribution/name`, which is unique within a stage."""
        return f"{self.plugin.distribution}/{self.spec.name}"

    @property
    def names(self) -> tuple[str, ...]:
        """Return all names of the component."""
        return (self.name, self.qualified_name, *self.spec.aliases)

    @property
    def origin(self) -> str:
        """Return the stage, the name and the plugin for messages, such as `predictor 'als' of shopzoo-mf 0.1.0`."""
        plugin = self.plugin
        of = f"the file {plugin.name}.py" if plugin.is_file else f"{plugin.distribution} {plugin.version}"
        return f"{self.spec.stage} {self.name!r} of {of}"

    def params(
        self, values: dict[str, Any] | None = None, where: str = "", context: dict[str, Any] | None = None
    ) -> Params:
        """Validate parameters.

        Raises:
            ConfigError: A parameter is unknown, or its value is invalid.
        """
        return validated(
            self.spec.params,
            values or {},
            where or self.name,
            {"losses": self.losses, "samplers": self.samplers, **(context or {})},
        )

    def plugins(self, params: Params) -> list[Plugin]:
        """Return the plugins that the component needs with these parameters: its own, and those of loss and sampler."""
        if not isinstance(params, NeuralParams):
            return [self.plugin]
        named = [("loss", params.loss), ("sampler", params.negative_sampling)]
        return [self.plugin, *(self.extension_plugins[key] for key in named if key in self.extension_plugins)]

    def capabilities(self, params: Params) -> Capabilities:
        """Return the capabilities of the component with these parameters."""
        return self.spec.capabilities_for(params)

    def target(self) -> type:
        """Import the component's class.

        Raises:
            PluginError: Its module cannot be imported, or does not have the class.
        """
        module, _, name = self.spec.target.partition(":")
        try:
            with capture_output():
                return adapt_class(getattr(self._import(module), name), self.spec)
        except (Exception, SystemExit) as error:  # a plugin may raise anything
            raise PluginError(
                f"{self.origin}: its class {self.spec.target!r} cannot be imported: {describe_error(error)}. {self._remedy()}"
            ) from error

    def _import(self, module: str) -> ModuleType:
        """Import a module of the plugin; if that ends the process, the plugin is named."""
        if module in sys.modules or self.plugin.distribution == CORE:
            return import_module(module)
        with LoadingWatch() as watch, watch.load(self.plugin.distribution, self.plugin.version):
            return import_module(module)

    def _remedy(self) -> str:
        """Return what to do if the class cannot be imported."""
        if not self.plugin.is_file:
            return f"Install its dependencies, or update it: pip install -U {self.plugin.distribution}"
        (module, _, name), own = self.spec.target.partition(":"), self.plugin.module.__name__
        if module == own:
            return f"Fix {own}.py, or install its dependencies."
        return (
            f'Its target names the module {module!r}, and this file is the module {own!r}: use target="{own}:{name}".'
        )

    def build(self, params: Params) -> Any:
        """Return an instance of the component. A metric gets its declared needs, which the core hands to it."""
        built = self.target()(params)
        if self.spec.stage == "metric":
            built.declared = self.capabilities(params)
        return built
