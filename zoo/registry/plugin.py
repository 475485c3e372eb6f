"""Load a plugin: import it, validate its hooks, and collect its components, with an error message for each problem."""

import importlib
import re
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import signature
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy

from zoo import hookspecs
from zoo.errors import PluginError, ZooError, suggestion
from zoo.hookspecs import Training
from zoo.loss_specs import LossSpec
from zoo.registry.compat import adapt_spec
from zoo.registry.plugin_extensions import collect_extensions
from zoo.spec import API_VERSION, OLDEST_API, ComponentSpec
from zoo.tracebacks import add_plugin, find_author_line, show_traceback, undeclared_histories
from zoo.version import __version__

GROUP = "shopzoo"
FILE_VERSION = "file"
"""The version of a plugin that is a single file."""


@dataclass(frozen=True)
class Import:
    """How a plugin was imported.

    Attributes:
        seconds: The wall time of importing it and calling its hooks.
        printed: What it wrote to the standard output; commands do not show it.
    """

    seconds: float = 0.0
    printed: str = ""


@dataclass(frozen=True)
class Plugin:
    """A loaded plugin: its source and what it provides."""

    name: str
    distribution: str
    version: str
    module: ModuleType
    hooks: pluggy.HookRelay
    specs: tuple[ComponentSpec, ...]
    warnings: tuple[str, ...] = ()
    extensions: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """Its losses, samplers, split policies and candidate features, by kind."""
    imported: Import = Import()

    @property
    def losses(self) -> tuple[LossSpec, ...]:
        """Return the losses that it provides."""
        return self.extensions.get("loss", ())

    @property
    def is_file(self) -> bool:
        """Return whether it is a single file, not an installed distribution."""
        return self.version == FILE_VERSION

    def callbacks(self, training: Training) -> list[Any]:
        """Return the Lightning callbacks that it adds to a training run.

        Raises:
            PluginError: Its hook fails or does not return callbacks. The message names the plugin, since it may not be the
                plugin of the model.
        """
        from pytorch_lightning import Callback

        found: list[Any] = []
        for implementation in self.hooks.zoo_callbacks.get_hookimpls():
            try:
                answer = implementation.function(*[training for _ in implementation.argnames])
            except Exception as error:  # a plugin may raise anything
                raise PluginError(self._about_hook("zoo_callbacks", f"failed: {describe_error(error)}")) from error
            if not isinstance(answer, list | tuple) or not all(isinstance(part, Callback) for part in answer):
                raise PluginError(
                    self._about_hook("zoo_callbacks", f"returned {answer!r}, expected a list of Lightning callbacks")
                )
            found += answer
        return found

    def report(self, row: Mapping[str, Any]) -> Iterator[str]:
        """Give the plugin a stored row, and yield a message for each of its hooks that fails."""
        for implementation in self.hooks.zoo_results.get_hookimpls():
            try:
                implementation.function(*[row for _ in implementation.argnames])
            except Exception as error:  # a plugin may raise anything, and the row is stored
                show_traceback(error)
                yield self._about_hook("zoo_results", f"failed: {describe_error(error)}")

    def _about_hook(self, hook: str, what: str) -> str:
        """Return an error message about a hook, with what to do."""
        without = "without --plugin" if self.is_file else f"with ZOO_DISABLE_PLUGINS={self.distribution}"
        return f"{hook} of the plugin {self.distribution} {self.version} {what}. Fix it, or run {without}."


@dataclass(frozen=True)
class Broken:
    """A plugin that failed to load, with its error."""

    name: str
    distribution: str
    version: str
    error: str
    imported: Import = Import()


@dataclass(frozen=True)
class Source:
    """A source that a plugin can be loaded from."""

    name: str
    distribution: str
    version: str
    load: Callable[[], ModuleType]


def load_plugin(source: Source, others: Sequence[Plugin] = ()) -> Plugin:
    """Import a plugin, validate its hooks with pluggy, and collect its components.

    Each plugin has its own plugin manager: in a shared one, pluggy stops a hook call at the first plugin that raises.

    Args:
        source: The source of the plugin.
        others: The plugins loaded before it.

    Raises:
        PluginError: A hook, a component or the plugin API version is invalid. Exceptions of the plugin's code propagate.
    """
    module = source.load()
    add_plugin(module)
    manager = pluggy.PluginManager(GROUP)
    manager.register(module, name=f"{source.distribution}/{source.name}")
    _check_hooks(manager.get_hookcallers(module) or [])
    with warnings.catch_warnings(record=True) as deprecated:  # `zoo doctor` reports deprecated hooks, not every command
        warnings.simplefilter("always")
        manager.add_hookspecs(
            hookspecs
        )  # pluggy validates here; `_check_hooks` has already reported its errors with clearer messages
    specs = tuple(_components(manager))
    _check_specs(specs, source)
    specs = tuple(map(adapt_spec, specs))
    _check_taken(specs, source, others)
    notes = [str(warning.message) for warning in deprecated]
    if old := [s.name for s in specs if s.api < API_VERSION]:
        notes.append(
            f"{', '.join(old)}: written for plugin API {min(s.api for s in specs)}, this core uses API {API_VERSION}. "
            f"It still works; a newer version of {source.distribution} may remove this warning."
        )
    provided = {
        (kind, spec.name): f"the plugin {p.name!r} of {p.distribution}"
        for p in others
        for kind, specs_of in p.extensions.items()
        for spec in specs_of
    }
    plugin = f"the plugin {source.name!r} of {source.distribution} {source.version}"
    found = collect_extensions(manager, plugin, provided)
    return Plugin(source.name, source.distribution, source.version, module, manager.hook, specs, tuple(notes), found)


def _check_hooks(implemented: Sequence[pluggy.HookCaller]) -> None:
    """Raise an error for an unknown hook, a hook with unknown arguments, and a plugin without hooks."""
    hooks = {name: list(signature(f).parameters) for name, f in vars(hookspecs).items() if name.startswith("zoo_")}
    if not implemented:
        raise PluginError("it implements no hook: decorate its zoo_components function with @hookimpl")
    for caller in implemented:
        name = caller.name
        if name not in hooks:
            raise PluginError(
                f"it implements a hook {name!r}, which does not exist.{suggestion(name, hooks)} "
                f"The hooks are: {', '.join(hooks)}."
            )
        taken = [argument for found in caller.get_hookimpls() for argument in found.argnames]
        for argument in sorted(set(taken) - set(hooks[name])):
            raise PluginError(
                f"its hook {name} has an argument {argument!r}, expected {name}({', '.join(hooks[name])}): rename or "
                "remove the argument"
            )


def _components(manager: pluggy.PluginManager) -> Iterator[Any]:
    """Yield the components of a plugin, and raise an error if a hook does not return a list."""
    # Hook implementations are called one by one: pluggy drops None, which would hide a missing `return`.
    for implementation in manager.hook.zoo_components.get_hookimpls():
        answer = implementation.function()
        if not isinstance(answer, list | tuple):
            raise PluginError(f"zoo_components returned {answer!r}, expected a list of ComponentSpec")
        yield from answer


def _check_specs(specs: tuple[Any, ...], source: Source) -> None:
    """Raise an error for anything but a spec, duplicate names, and unsupported plugin API versions."""
    seen: set[tuple[str, str]] = set()
    for spec in specs:
        if not isinstance(spec, ComponentSpec):
            raise PluginError(f"zoo_components returned {spec!r} in its list, expected a ComponentSpec")
        for name in (spec.name, *spec.aliases):
            if (spec.stage, name) in seen:
                raise PluginError(f"zoo_components returned two {spec.stage}s named {name!r}: rename one")
            seen.add((spec.stage, name))
        if type(spec.api) is not int:
            raise PluginError(
                f"component {spec.name!r} has api = {spec.api!r}, expected a whole number: write api={API_VERSION} if it was "
                f"written for this core (shopzoo {__version__})"
            )
        if not OLDEST_API <= spec.api <= API_VERSION:
            newer, older = (
                ("shopzoo", source.distribution) if spec.api > API_VERSION else (source.distribution, "shopzoo")
            )
            raise PluginError(
                f"component {spec.name!r} was written for plugin API {spec.api}, this core (shopzoo {__version__}) supports "
                f"{OLDEST_API} to {API_VERSION}: install a newer {newer} (pip install -U {newer}) or an older {older}"
            )


def _check_taken(specs: Sequence[ComponentSpec], source: Source, others: Sequence[Plugin]) -> None:
    """Raise an error if another plugin of the same distribution has the component: the qualified names would be equal."""
    taken = {(s.stage, s.name): p.name for p in others if p.distribution == source.distribution for s in p.specs}
    for spec in specs:
        if other := taken.get((spec.stage, spec.name)):
            raise PluginError(
                f"{spec.stage} {spec.name!r} is also provided by the plugin {other!r} of the same distribution "
                f"{source.distribution}: rename one"
            )


def describe_error(error: BaseException) -> str:
    """Return an error of a plugin as text, with the line of the plugin that caused it.

    A `ZooError` already says what to do, and gets no line. For other errors, the line is the last one in the plugin's own
    code, not one in a library that the plugin called.
    """
    if isinstance(error, PluginError):
        return str(error)
    line = "" if isinstance(error, ZooError) else find_author_line(error)
    if line:
        return f"{type(error).__name__}: {_missing_name(error) or error}{undeclared_histories(error)} ({line})"
    ours = ("<", *(str(Path(module.__file__ or "<none>").parent) for module in (hookspecs, pluggy, importlib)))
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [] if isinstance(error, ZooError) else [f for f in frames if not f.filename.startswith(ours)]
    theirs = [f for f in theirs if Path(f.filename).parent.is_relative_to(Path(theirs[0].filename).parent)]
    place = f" ({theirs[-1].filename}:{theirs[-1].lineno})" if theirs else ""
    return f"{type(error).__name__}: {_missing_name(error) or error}{place}"


def _missing_name(error: BaseException) -> str:
    """Return the message for a name or a module that this version of the core does not have; empty for other errors.

    `from zoo.api import X` loses the message of the public module about its unknown name, so it is looked up again.
    """
    found = re.match(r"cannot import name '(\w+)' from '(zoo[\w.]*)'", str(error))
    if isinstance(error, ImportError) and found and found[2] in sys.modules:
        try:
            getattr(sys.modules[found[2]], found[1])
        except AttributeError as unknown:
            return str(unknown)
    if isinstance(error, ModuleNotFoundError) and (error.name or "").startswith("zoo."):
        return f"{error}. If a newer version of shopzoo has it (this is {__version__}), update shopzoo: pip install -U shopzoo"
    return ""
