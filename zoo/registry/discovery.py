"""Find plugins through entry points and single files; record broken plugins and load the rest."""

import importlib.util
import os
import re
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType

from zoo.errors import PluginError, suggestion
from zoo.registry.loading import LoadingWatch
from zoo.registry.plugin import FILE_VERSION, GROUP, Broken, Import, Plugin, Source, describe_error, load_plugin
from zoo.registry.printed import capture_output
from zoo.tracebacks import show_traceback
from zoo.version import __version__

CORE = "shopzoo"
"""The distribution of the core, which is always loaded."""


def discover_plugins(
    files: Iterable[str | Path] = (),
    env: Mapping[str, str] | None = None,
    distributions: Iterable[str] | None = None,
) -> tuple[list[Plugin], list[Broken]]:
    """Load all installed plugins, and the given single files.

    Args:
        files: Single-file plugins, which are not packaged.
        env: The mapping with `ZOO_PLUGINS` (load only these) and `ZOO_DISABLE_PLUGINS` (skip these); `os.environ` by default.
        distributions: Load only plugins of these distributions, of the core and in files; all by default.

    Returns:
        The plugins that loaded, sorted by distribution and name, and those that failed.

    Raises:
        PluginError: There is no such file.
        KeyboardInterrupt: The import of a plugin was interrupted; the message names it.
    """
    plugins: list[Plugin] = []
    broken: list[Broken] = []
    installed = _select_sources(_find_installed(), os.environ if env is None else env)
    if distributions is not None:
        needed = {CORE, *_names(",".join(distributions))}
        installed = [source for source in installed if _names(source.distribution) & needed]
    with LoadingWatch() as watch:
        for source in [*installed, *_single_files(files)]:
            named = nullcontext() if source.distribution == CORE else watch.load(source.distribution, source.version)
            start, error = time.perf_counter(), ""
            with capture_output() as printed:
                try:
                    with named:
                        plugin = load_plugin(source, plugins)
                except KeyboardInterrupt:
                    raise
                except BaseException as problem:  # an error in one plugin must not prevent the others from loading
                    error = describe_error(problem)
                    show_traceback(problem)
            imported = Import(time.perf_counter() - start, printed.text)
            if error:
                broken.append(Broken(source.name, source.distribution, source.version, error, imported))
            else:
                plugins.append(replace(plugin, imported=imported))
    return plugins, broken


def _select_sources(sources: list[Source], env: Mapping[str, str]) -> list[Source]:
    """Return the sources that `ZOO_PLUGINS` and `ZOO_DISABLE_PLUGINS` select; the core is always included."""
    only, without = _names(env.get("ZOO_PLUGINS")), _names(env.get("ZOO_DISABLE_PLUGINS"))
    known = {name for source in sources for name in _names(f"{source.name},{source.distribution}")}
    unknown = [Source(name, name, "", partial(_not_installed, name, known)) for name in sorted(only - known)]

    def is_chosen(source: Source) -> bool:
        names = _names(f"{source.name},{source.distribution}")
        return source.distribution == CORE or ((not only or bool(names & only)) and not names & without)

    return [*filter(is_chosen, sources), *unknown]


def _not_installed(name: str, known: set[str]) -> ModuleType:
    """Raise an error for a plugin in `ZOO_PLUGINS` that is not installed."""
    raise PluginError(
        f"ZOO_PLUGINS names it, but no such plugin is installed.{suggestion(name, known)} "
        f"Install it, or correct ZOO_PLUGINS. Installed: {', '.join(sorted(known))}."
    )


def _find_installed() -> list[Source]:
    """Return the entry points of the plugin group, sorted and without duplicates."""
    found: dict[tuple[str, str], Source] = {}
    for point in entry_points(group=GROUP):
        name, version = (point.dist.name, point.dist.version) if point.dist else (point.name, "unknown")
        # an editable install can be listed twice, by its .dist-info and by an .egg-info in its source folder
        found.setdefault((name, point.name), Source(point.name, name, version, point.load))
    if not any(source.distribution == CORE for source in found.values()):
        core = EntryPoint(
            name="core", value="zoo.builtin", group=GROUP
        )  # shopzoo runs from a source tree and is not installed
        found[CORE, "core"] = Source("core", CORE, __version__, core.load)
    return [found[key] for key in sorted(found)]


def _single_files(files: Iterable[str | Path]) -> list[Source]:
    """Return a source for each single-file plugin.

    Raises:
        PluginError: There is no such file.
    """
    found = list(map(Path, files))
    missing = [file for file in found if not file.is_file()]
    if missing:
        named = " ".join(f"--plugin {file}" for file in missing)
        problem = (
            "there is no such file. Give the path of a Python file"
            if len(missing) == 1
            else ("there are no such files. Give the paths of Python files")
        )
        raise PluginError(f"{named}: {problem} with a zoo_components hook.")
    return [Source(file.stem, file.stem, FILE_VERSION, partial(import_file, file.resolve())) for file in found]


def import_file(file: Path) -> ModuleType:
    """Import a file as a module with the name of the file, so that its `"name:Class"` targets resolve."""
    if file.suffix != ".py" or not file.stem.isidentifier():
        raise PluginError(
            f"{file} cannot be imported: name the file with letters, digits and _, and the ending .py, as in my_model.py"
        )
    known = sys.modules.get(file.stem)
    if known is not None and getattr(known, "__file__", None) != str(file):
        raise PluginError(
            f"the module name {file.stem!r} is already used by {getattr(known, '__file__', 'a built-in module')}: rename the file"
        )
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[file.stem]
        raise
    return module


def _names(value: str | None) -> set[str]:
    """Return the comma-separated names in an environment variable, normalized to lower case and hyphens."""
    return {re.sub(r"[-_.]+", "-", name.strip()).lower() for name in (value or "").split(",") if name.strip()}
