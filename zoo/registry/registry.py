"""The registry: look up components by name, import their classes, and explain unknown names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from zoo.errors import AmbiguousComponentError, PluginError, UnknownComponentError, suggestion
from zoo.hookspecs import Training
from zoo.loss_specs import LOSSES, LossSpec
from zoo.registry.component import Component
from zoo.registry.discovery import CORE, discover_plugins
from zoo.registry.plugin import FILE_VERSION, Broken, Plugin
from zoo.registry.plugin_extensions import KINDS
from zoo.sampler_specs import SAMPLERS, SamplerSpec
from zoo.spec import StageName


class Registry:
    """All components of a set of plugins. The command line and `zoo.load` use `default_registry()`; a test builds its own."""

    def __init__(self, plugins: Iterable[Plugin], broken: Iterable[Broken] = ()) -> None:
        self.plugins = tuple(plugins)
        self.broken = tuple(broken)
        provided = [(k, s, plugin) for plugin in self.plugins for k, specs in plugin.extensions.items() for s in specs]
        self.extension_plugins = {(kind, spec.name): plugin for kind, spec, plugin in provided}
        self.extensions = {kind.name: {s.name: s for k, s, _ in provided if k == kind.name} for kind in KINDS}
        self.losses: dict[str, LossSpec] = {**LOSSES, **self.extensions["loss"]}
        self.samplers: dict[str, SamplerSpec] = {**SAMPLERS, **self.extensions["sampler"]}
        self._components = [
            Component(spec, plugin, self.losses, self.samplers, self.extension_plugins)
            for plugin in self.plugins
            for spec in plugin.specs
        ]

    @classmethod
    def discover(cls, files: Iterable[str | Path] = (), distributions: Iterable[str] | None = None) -> Registry:
        """Return a registry of the installed plugins (of these distributions, if given) and the given single-file plugins."""
        return cls(*discover_plugins(files, distributions=distributions))

    def require_files(self) -> Registry:
        """Return this registry if every single-file plugin loaded: a user who names a file needs it.

        Raises:
            PluginError: A file failed to load; the message names each of them, with its error.
        """
        failed = [f"--plugin {b.name}.py does not load: {b.error}" for b in self.broken if b.version == FILE_VERSION]
        if failed:
            raise PluginError("\n".join([*failed, "Correct the file, or leave the option out."]))
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle only the plugin files: another process discovers the installed plugins again."""
        return type(self).discover, ([str(plugin.module.__file__) for plugin in self.plugins if plugin.is_file],)

    def components(self, stage: StageName | None = None) -> list[Component]:
        """Return the components of a stage (of all stages by default), sorted by stage and name."""
        chosen = [c for c in self._components if stage is None or c.spec.stage == stage]
        return sorted(chosen, key=lambda c: (c.spec.stage, c.name, c.plugin.distribution))

    def find(self, stage: StageName, name: str) -> Component:
        """Return the component of a stage by its name, `distribution/name`, or alias; a name takes precedence over an alias.

        Raises:
            UnknownComponentError: No component of this stage has the name.
            AmbiguousComponentError: More than one plugin has it.
        """
        matches = _with_name(self.components(stage), name)
        if len(matches) == 1:
            return matches[0]
        if matches:
            choices = " or ".join(repr(c.qualified_name) for c in matches)
            raise AmbiguousComponentError(
                f"{stage} {name!r} is provided by {len(matches)} plugins. Choose one: {choices}."
            )
        raise UnknownComponentError(self._unknown(stage, name))

    def find_any(self, name: str) -> list[Component]:
        """Return the components of any stage that have the name, or else the alias.

        Raises:
            UnknownComponentError: No component has it.
        """
        matches = _with_name(self.components(), name)
        if not matches:
            names = {n for c in self._components for n in c.names}
            if "/" in name and Path(name).exists():
                what = (
                    f"To install the plugin in this folder: pip install -e {name}"
                    if (Path(name) / "pyproject.toml").is_file()
                    else "zoo.load_artifact(...) loads an artifact"
                    if Path(name).is_dir()
                    else "zoo config check FILE checks an experiment"
                )
                raise UnknownComponentError(f"{name!r} is a path, expected the name of a component. {what}.")
            raise UnknownComponentError(
                f"no component named {name!r}.{suggestion(name, names)} `zoo list` shows them all.{self._elsewhere_note()}"
            )
        return matches

    def plugins_of(self, kind: str, names: Iterable[str]) -> tuple[Plugin, ...]:
        """Return the plugins that provide extensions of a kind; the core's own have none."""
        return tuple(self.extension_plugins[kind, name] for name in names if (kind, name) in self.extension_plugins)

    def component_of(self, stage: Any) -> Component | None:
        """Return the component that a stage is an instance of, or None if no plugin provides its class."""
        params = getattr(stage, "params", None)
        matches = [c for c in self._components if isinstance(params, c.spec.params)]
        return next((c for c in matches if c.target() is type(stage)), None)

    def shadowed(self) -> list[str]:
        """Return a sentence for each name that several components have, with what it selects."""
        found = []
        for stage in dict.fromkeys(c.spec.stage for c in self.components()):
            owners: dict[str, list[Component]] = {}
            for component in self.components(stage):
                for name in component.names:
                    owners.setdefault(name, []).append(component)
            for name, having in owners.items():
                if len(having) > 1:
                    all_of = ", ".join(c.qualified_name for c in having)
                    chosen = _with_name(having, name)
                    what = f"selects {chosen[0].qualified_name}" if len(chosen) == 1 else "has to be qualified"
                    found.append(f"{stage} {name!r} is a name or an alias of {all_of}: it {what}")
        return found

    def callbacks(self, training: Training) -> list[Any]:
        """Return the Lightning callbacks that the plugins add to a training run.

        Raises:
            PluginError: A plugin's hook fails, or does not return callbacks.
        """
        return [callback for plugin in self.plugins for callback in plugin.callbacks(training)]

    def report(self, row: Mapping[str, Any]) -> list[str]:
        """Give all plugins a stored row, and return a message for each hook that fails."""
        return [message for plugin in self.plugins for message in plugin.report(row)]

    @property
    def callback_plugins(self) -> tuple[Plugin, ...]:
        """The plugins that may add callbacks to a training."""
        return tuple(plugin for plugin in self.plugins if plugin.hooks.zoo_callbacks.get_hookimpls())

    @property
    def install_note(self) -> str:
        """A sentence that says how to install the plugins of the zoo; empty if any plugin is there."""
        is_bare = not self.broken and all(plugin.distribution == CORE for plugin in self.plugins)
        return 'No plugin is installed. To install those of the zoo: pip install "shopzoo[all]"' if is_bare else ""

    def _unknown(self, stage: StageName, name: str) -> str:
        """Return the error message for an unknown name."""
        names = sorted({c.name for c in self.components(stage)})
        elsewhere = sorted({c.spec.stage for c in self._components if name in c.names})
        if elsewhere:
            return f"{name!r} is a {' and a '.join(elsewhere)}, not a {stage}. Installed {stage}s: {', '.join(names) or 'none'}.{self._broken_note()}"
        near = suggestion(name, {n for c in self.components(stage) for n in c.names})
        return f"no {stage} named {name!r}.{near} Installed: {', '.join(names) or 'none'}.{self._elsewhere_note()}"

    def _elsewhere_note(self) -> str:
        """Return a hint about other places where the component may be."""
        in_file = f"If it is in a file, pass it with --plugin FILE.py; if it is in a package, pip install -e FOLDER.{self._broken_note()}"
        return f" {self.install_note or in_file}"

    def _broken_note(self) -> str:
        """Return a sentence about plugins that failed to load, since the component may be in one of them."""
        if not self.broken:
            return ""
        failed = ", ".join(sorted({b.distribution for b in self.broken}))
        return f" These plugins failed to load: {failed}. `zoo doctor` shows why."


def _with_name(components: Iterable[Component], name: str) -> list[Component]:
    """Return the components with a name or a qualified name, or else those with that alias."""
    listed = list(components)
    return [c for c in listed if name in (c.name, c.qualified_name)] or [c for c in listed if name in c.spec.aliases]


@cache
def default_registry() -> Registry:
    """Return the registry of installed plugins, discovered once per process."""
    return Registry.discover()


def registry_with(files: Iterable[str | Path] = ()) -> Registry:
    """Return the registry of the installed plugins and of single-file plugins.

    Raises:
        PluginError: A file does not load.
    """
    listed = list(files)
    return Registry.discover(listed).require_files() if listed else default_registry()


def load(name: str, stage: StageName | None = None, **params: Any) -> Any:
    """Build an installed component by name.

    Args:
        name: Its name, alias, or `distribution/name`.
        stage: Its stage, needed only if components of several stages have the name.
        **params: Its parameters.

    Returns:
        The component, not fitted.

    Raises:
        ComponentError: The name is unknown or ambiguous, or its plugin is broken.
        ConfigError: A parameter is unknown or invalid.
    """
    registry = default_registry()
    if stage is None:
        matches = registry.find_any(name)
        stages = sorted({c.spec.stage for c in matches})
        if len(stages) > 1:
            raise AmbiguousComponentError(
                f"{name!r} is a {' and a '.join(stages)}. Choose one: zoo.load({name!r}, stage={stages[0]!r})."
            )
        stage = matches[0].spec.stage
    component = registry.find(stage, name)
    return component.build(component.params(params))
