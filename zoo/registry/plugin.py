"""One plugin: imported, its hooks checked, asked for its components; and what can be wrong with each of these."""

import importlib
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy

from zoo import hookspecs
from zoo.errors import PluginError, ZooError, suggestion
from zoo.hookspecs import Training
from zoo.losses import LossSpec
from zoo.registry.compat import adapt_spec
from zoo.registry.plugin_losses import collect_losses
from zoo.spec import API_VERSION, OLDEST_API, ComponentSpec
from zoo.version import __version__

GROUP = "shopzoo"
FILE_VERSION = "file"
"""The version of a plugin that is a single file."""


@dataclass(frozen=True)
class Plugin:
    """A plugin that loaded: where it comes from and what it provides."""

    name: str
    distribution: str
    version: str
    module: ModuleType
    hooks: pluggy.HookRelay
    specs: tuple[ComponentSpec, ...]
    warnings: tuple[str, ...] = ()
    losses: tuple[LossSpec, ...] = ()

    @property
    def is_file(self) -> bool:
        """Return whether it is a single file that nobody installed."""
        return self.version == FILE_VERSION

    def callbacks(self, training: Training) -> list[Any]:
        """Return the Lightning callbacks that it adds to a training.

        Raises:
            PluginError: Its hook fails, or gives something else; the plugin is named, for it need not be the model's.
        """
        from pytorch_lightning import Callback

        found: list[Any] = []
        for implementation in self.hooks.zoo_callbacks.get_hookimpls():
            try:
                answer = implementation.function(*[training for _ in implementation.argnames])
            except Exception as error:  # a stranger's code may raise anything
                raise PluginError(self._about_callbacks(f"failed: {describe_error(error)}")) from error
            if not isinstance(answer, list | tuple) or not all(isinstance(part, Callback) for part in answer):
                raise PluginError(self._about_callbacks(f"returned {answer!r}, expected a list of Lightning callbacks"))
            found += answer
        return found

    def _about_callbacks(self, what: str) -> str:
        """Return a message about the hook, and what to do."""
        without = "without --plugin" if self.is_file else f"with ZOO_DISABLE_PLUGINS={self.distribution}"
        return f"zoo_callbacks of the plugin {self.distribution} {self.version} {what}. Mend it, or run {without}."


@dataclass(frozen=True)
class Broken:
    """A plugin that did not load, and why."""

    name: str
    distribution: str
    version: str
    error: str


@dataclass(frozen=True)
class Source:
    """A place that a plugin can be loaded from."""

    name: str
    distribution: str
    version: str
    load: Callable[[], ModuleType]


def load_plugin(source: Source, others: Sequence[Plugin] = ()) -> Plugin:
    """Import a plugin, let pluggy validate it, and ask it for its components.

    Each plugin has a manager of its own: pluggy stops a call at the first plugin that raises, and keeps what failed.

    Args:
        source: Where it is.
        others: The plugins loaded before it.

    Raises:
        PluginError: A hook, a component or the API it was written for is wrong; what its own code raises comes as it is.
    """
    module = source.load()
    manager = pluggy.PluginManager(GROUP)
    manager.register(module, name=f"{source.distribution}/{source.name}")
    _check_hooks(manager.get_hookcallers(module) or [])
    with warnings.catch_warnings(record=True) as deprecated:  # of hooks: said by `zoo doctor`, not at every command
        warnings.simplefilter("always")
        manager.add_hookspecs(
            hookspecs
        )  # only now: pluggy validates, and what it would refuse is told above in our words
    specs = tuple(_components(manager))
    _check_specs(specs, source)
    specs = tuple(map(adapt_spec, specs))
    _check_taken(specs, source, others)
    notes = [str(warning.message) for warning in deprecated]
    if old := [s.name for s in specs if s.api < API_VERSION]:
        notes.append(
            f"{', '.join(old)}: written for plugin API {min(s.api for s in specs)}, this core speaks {API_VERSION}: "
            f"it still works. A newer {source.distribution} may do without this warning."
        )
    losses = collect_losses(manager, source, others)
    return Plugin(source.name, source.distribution, source.version, module, manager.hook, specs, tuple(notes), losses)


def _check_hooks(implemented: Sequence[pluggy.HookCaller]) -> None:
    """Refuse an implementation of a hook that does not exist, one with arguments of its own, and a plugin without any."""
    hooks = {name: list(signature(f).parameters) for name, f in vars(hookspecs).items() if name.startswith("zoo_")}
    if not implemented:
        raise PluginError("it implements no hook: mark its zoo_components function with @hookimpl")
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
                f"its hook {name} takes an argument {argument!r}, expected {name}({', '.join(hooks[name])}): rename the "
                "argument, or leave it out"
            )


def _components(manager: pluggy.PluginManager) -> Iterator[Any]:
    """Yield what a plugin's zoo_components gives, and refuse what is no list."""
    # asked one by one: pluggy itself drops a None, which an author who forgot the `return` would never hear of
    for implementation in manager.hook.zoo_components.get_hookimpls():
        answer = implementation.function()
        if not isinstance(answer, list | tuple):
            raise PluginError(f"zoo_components returned {answer!r}, expected a list of ComponentSpec")
        yield from answer


def _check_specs(specs: tuple[Any, ...], source: Source) -> None:
    """Refuse what is no spec, a name given twice, and an API outside the range that this core speaks."""
    seen: set[tuple[str, str]] = set()
    for spec in specs:
        if not isinstance(spec, ComponentSpec):
            raise PluginError(f"zoo_components returned {spec!r} in its list, expected a ComponentSpec")
        for name in (spec.name, *spec.aliases):
            if (spec.stage, name) in seen:
                raise PluginError(f"zoo_components returned two {spec.stage}s named {name!r}: rename one")
            seen.add((spec.stage, name))
        if not OLDEST_API <= spec.api <= API_VERSION:
            newer, older = (
                ("shopzoo", source.distribution) if spec.api > API_VERSION else (source.distribution, "shopzoo")
            )
            raise PluginError(
                f"component {spec.name!r} was written for plugin API {spec.api}, this core (shopzoo {__version__}) speaks "
                f"{OLDEST_API} to {API_VERSION}: install a newer {newer} (pip install -U {newer}) or an older {older}"
            )


def _check_taken(specs: Sequence[ComponentSpec], source: Source, others: Sequence[Plugin]) -> None:
    """Refuse a component that another plugin of the same distribution has: no qualified name would tell them apart."""
    taken = {(s.stage, s.name): p.name for p in others if p.distribution == source.distribution for s in p.specs}
    for spec in specs:
        if other := taken.get((spec.stage, spec.name)):
            raise PluginError(
                f"{spec.stage} {spec.name!r} is also provided by the plugin {other!r} of the same distribution "
                f"{source.distribution}: rename one"
            )


def describe_error(error: BaseException) -> str:
    """Return what made a plugin fail: the error, and the line of the plugin's that it comes from.

    An error of the zoo's own says what to do by itself. Of any other the last line in the plugin's own folder is named,
    rather than one of a library that the plugin called.
    """
    if isinstance(error, PluginError):
        return str(error)
    ours = ("<", *(str(Path(module.__file__ or "<none>").parent) for module in (hookspecs, pluggy, importlib)))
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [] if isinstance(error, ZooError) else [f for f in frames if not f.filename.startswith(ours)]
    theirs = [f for f in theirs if Path(f.filename).parent.is_relative_to(Path(theirs[0].filename).parent)]
    place = f" ({theirs[-1].filename}:{theirs[-1].lineno})" if theirs else ""
    return f"{type(error).__name__}: {error}{place}"
