"""Find plugins through entry points and single files; a broken one is recorded and the rest load."""

import importlib.util
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy

from zoo import hookspecs
from zoo.errors import PluginError
from zoo.spec import API_VERSION, OLDEST_API, ComponentSpec
from zoo.version import __version__

GROUP = "shopzoo"


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


@dataclass(frozen=True)
class Broken:
    """A plugin that did not load, and why."""

    name: str
    distribution: str
    version: str
    error: str


@dataclass(frozen=True)
class _Source:
    """A place that a plugin can be loaded from."""

    name: str
    distribution: str
    version: str
    load: Any


def discovered(
    files: Iterable[str | Path] = (), env: Mapping[str, str] | None = None
) -> tuple[list[Plugin], list[Broken]]:
    """Load every plugin that is installed, and the given single files.

    Args:
        files: Python files that are plugins without being packaged.
        env: Where `ZOO_PLUGINS` (only these) and `ZOO_DISABLE_PLUGINS` (not these) are read; `os.environ` by default.

    Returns:
        The plugins that loaded, in the order of their distribution and name, and those that failed.
    """
    env = os.environ if env is None else env
    only, without = _names(env.get("ZOO_PLUGINS")), _names(env.get("ZOO_DISABLE_PLUGINS"))
    plugins: list[Plugin] = []
    broken: list[Broken] = []
    for source in [*_installed(), *_single_files(files)]:
        names = {source.name, source.distribution}
        is_core = source.distribution == "shopzoo"
        if not is_core and ((only and not names & only) or names & without):
            continue
        try:
            plugins.append(_loaded(source))
        except Exception as error:  # whatever a stranger's module raises must not take the others down
            broken.append(Broken(source.name, source.distribution, source.version, f"{type(error).__name__}: {error}"))
    return plugins, broken


def _installed() -> list[_Source]:
    """Return the entry points of our group, sorted, each distribution's entry once."""
    found: dict[tuple[str, str], _Source] = {}
    for point in entry_points(group=GROUP):
        name, version = (point.dist.name, point.dist.version) if point.dist else (point.name, "unknown")
        # an editable install can be listed twice, by its .dist-info and by an .egg-info in its source folder
        found.setdefault((name, point.name), _Source(point.name, name, version, point.load))
    if not any(source.distribution == "shopzoo" for source in found.values()):
        core = EntryPoint(name="core", value="zoo.builtin", group=GROUP)  # run from a source tree, not installed
        found["shopzoo", "core"] = _Source("core", "shopzoo", __version__, core.load)
    return [found[key] for key in sorted(found)]


def _single_files(files: Iterable[str | Path]) -> list[_Source]:
    """Return a source for each single-file plugin.

    Raises:
        PluginError: There is no such file.
    """
    sources = []
    for file in map(Path, files):
        if not file.is_file():
            raise PluginError(
                f"--plugin {file}: there is no such file. Give the path of a Python file with a zoo_components hook."
            )
        sources.append(_Source(file.stem, file.stem, "file", lambda file=file: _module_of(file)))
    return sources


def _module_of(file: Path) -> ModuleType:
    """Import a file under its own name, so that its `"name:Class"` targets resolve."""
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise PluginError(f"{file} is not a Python file: a single-file plugin ends in .py")
    known = sys.modules.get(file.stem)
    if known is not None and getattr(known, "__file__", None) != str(file):
        raise PluginError(
            f"the module name {file.stem!r} is taken by {getattr(known, '__file__', 'a built-in')}: rename the file"
        )
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[file.stem]
        raise
    return module


def _loaded(source: _Source) -> Plugin:
    """Import a plugin, let pluggy validate it, and ask it for its components.

    Each plugin has a manager of its own: pluggy stops a call at the first plugin that raises, and keeps what failed.
    """
    module = source.load()
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    manager.register(module, name=f"{source.distribution}/{source.name}")
    manager.check_pending()
    specs = tuple(spec for answer in manager.hook.zoo_components() for spec in answer)
    _check_specs(specs, source)
    old = [s.name for s in specs if s.api < API_VERSION]
    note = (
        f"{', '.join(old)}: written for an older plugin API than {API_VERSION}, which this core speaks; it still works"
    )
    return Plugin(source.name, source.distribution, source.version, module, manager.hook, specs, (note,) if old else ())


def _check_specs(specs: tuple[Any, ...], source: _Source) -> None:
    """Refuse what is no spec, a name given twice, and an API outside the range that this core speaks."""
    seen = set()
    for spec in specs:
        if not isinstance(spec, ComponentSpec):
            raise PluginError(f"zoo_components returned {spec!r}, expected a list of ComponentSpec")
        if (spec.stage, spec.name) in seen:
            raise PluginError(f"zoo_components returned two {spec.stage}s named {spec.name!r}: rename one")
        seen.add((spec.stage, spec.name))
        if not OLDEST_API <= spec.api <= API_VERSION:
            newer, older = (
                ("shopzoo", source.distribution) if spec.api > API_VERSION else (source.distribution, "shopzoo")
            )
            raise PluginError(
                f"component {spec.name!r} was written for plugin API {spec.api}, this core (shopzoo {__version__}) speaks "
                f"{OLDEST_API} to {API_VERSION}: install a newer {newer} (pip install -U {newer}) or an older {older}"
            )


def _names(value: str | None) -> set[str]:
    """Return the comma-separated names of an environment variable."""
    return {name.strip() for name in (value or "").split(",") if name.strip()}
