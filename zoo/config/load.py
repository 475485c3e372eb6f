"""Read an experiment file: TOML, `${VAR}` substitution, and overrides from the command line."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from zoo.config.recommend_lookup import resolve_data
from zoo.config.resolved import ResolvedExperiment
from zoo.config.resolved_base import BaseResolvedExperiment
from zoo.config.tasks import DEFAULT_TASK, find_task
from zoo.config.tune import drop_other_budget, replaced_budgets
from zoo.config.variables import expand_variables
from zoo.errors import ConfigError, suggestion
from zoo.plain_values import DEEPEST, refused_values
from zoo.registry.registry import Registry, registry_with

LONGEST_LINE = 4000
"""Characters of a line of an error that are printed."""


def load_experiment(
    file: str | Path,
    overrides: Sequence[str] = (),
    registry: Registry | None = None,
    env: Mapping[str, str] | None = None,
) -> BaseResolvedExperiment:
    """Read and check an experiment file.

    Args:
        file: A TOML file; paths in it are relative to its folder.
        overrides: `"path=value"` with a TOML literal, e.g. `"model.sasrec.predictor.dim=128"`.
        registry: Where components are looked up; the installed plugins by default.
        env: Where `${VAR}` is looked up; `os.environ` by default.

    Raises:
        ConfigError: The file has problems; the message lists all of them, one per line.
    """
    file = Path(file)
    raw = _read(file)
    try:
        return experiment_from(raw, file.parent, overrides, registry, env)
    except ConfigError as error:
        raise ConfigError(
            f"{file} cannot be used:\n" + "\n".join(f"  {_cut(line)}" for line in str(error).splitlines())
        ) from None


def experiment_from(
    raw: dict[str, Any],
    base: Path | None = None,
    overrides: Sequence[str] = (),
    registry: Registry | None = None,
    env: Mapping[str, str] | None = None,
) -> BaseResolvedExperiment:
    """Check an experiment given as a dictionary. See `load_experiment`."""
    _refuse_unusable(raw)
    replaced, raw = replaced_budgets(raw, overrides), drop_other_budget(raw, overrides)
    for override in overrides:
        raw = _apply_override(raw, override)
    _refuse_unusable(raw)
    raw, variables = expand_variables(raw, os.environ if env is None else env)
    registry, base = registry or registry_with(), base or Path()
    try:
        found = find_task(raw.get("task", DEFAULT_TASK)).resolve(raw, registry, base).with_variables(variables)
    except ConfigError as error:
        raise ConfigError(variables.hide_text(str(error))) from None
    return replace(found, replaced_budgets=replaced)


def load_data_experiment(
    interactions: str | Path,
    items: str | Path | None = None,
    overrides: Sequence[str] = (),
    *,
    users: str | Path | None = None,
    registry: Registry,
) -> ResolvedExperiment:
    """Return an experiment without models on a file of events, with defaults for everything else.

    Args:
        interactions: The file of the events.
        items: The file of the items, if there is one.
        overrides: `"path=value"` for `data`, `split` and `evaluate`.
        users: The file of the users, if there is one.
        registry: Where components are looked up.

    Raises:
        ConfigError: An override has a problem.
    """
    source = {"name": "files", "interactions": str(Path(interactions).absolute())}
    source |= {
        name: str(Path(file).absolute()) for name, file in (("items", items), ("users", users)) if file is not None
    }
    raw: dict[str, Any] = {"data": {"source": source}}
    for override in overrides:
        raw = _apply_override(raw, override)
    _refuse_unusable(raw)
    return resolve_data(raw, registry, Path())


def resolve_experiment(
    source: str | Path | dict[str, Any] | BaseResolvedExperiment,
    overrides: Sequence[str] = (),
    plugins: Iterable[str | Path] = (),
) -> BaseResolvedExperiment:
    """Read and check an experiment, or return it unchanged if it is already resolved.

    Args:
        source: An experiment file, its content as a dictionary, or an experiment that `load_experiment` returned.
        overrides: `"path=value"`, applied before the file is checked.
        plugins: Python files to load as plugins in addition to the installed ones.

    Raises:
        ConfigError: The file has problems (one per line), or overrides or plugins are given for a resolved experiment.
    """
    if isinstance(source, str | Path | dict):
        registry = registry_with(plugins)
        if isinstance(source, dict):
            return experiment_from(source, overrides=overrides, registry=registry)
        return load_experiment(source, overrides, registry)
    if overrides or plugins:
        raise ConfigError("the experiment is resolved already: give overrides and plugins where it is loaded")
    return source


def _read(file: Path) -> dict[str, Any]:
    """Parse a TOML file."""
    try:
        text = file.read_text(encoding="utf-8-sig")  # some editors begin a file with a byte order mark
    except FileNotFoundError:
        raise ConfigError(f"{file}: there is no such file.") from None
    except (OSError, ValueError) as error:  # also a path that contains NUL
        raise ConfigError(f"{file} cannot be read: {error}. Give the path of a TOML file in UTF-8.") from None
    try:
        return _parse_toml(text)
    except ValueError as error:
        place = re.search(r"at line (\d+), column (\d+)", str(error))
        lines = text.split("\n")
        line = lines[int(place[1]) - 1] if place and int(place[1]) <= len(lines) else ""
        marked = f"\n  {line}\n  {' ' * (int(place[2]) - 1)}^" if place and len(line) <= 200 else ""
        raise ConfigError(f"{file} is not valid TOML: {error}{marked}") from None


def _parse_toml(text: str) -> dict[str, Any]:
    """Parse TOML.

    Raises:
        ValueError: It is not valid TOML, nested too deep, or has a number with too many digits.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except RecursionError:
        raise ValueError("tables and lists are nested too deep") from None
    except ValueError:  # of int(), which refuses to convert thousands of digits
        raise ValueError("a whole number has more digits than 64 bits hold") from None


def _refuse_unusable(raw: dict[str, Any]) -> None:
    """Refuse values that nothing else should read.

    Raises:
        ConfigError: A number needs more than 64 bits, a text is not Unicode, or tables are nested too deep.
    """
    if refused := list(refused_values(raw, "")):
        raise ConfigError("\n".join(refused))


def _apply_override(raw: dict[str, Any], override: str) -> dict[str, Any]:
    """Return the content with one `path=value` applied."""
    path, equals, literal = override.partition("=")
    keys, shown = _keys(path) if equals else [], _shorten(override)
    if not 0 < len(keys) <= DEEPEST:
        raise ConfigError(f"--set {shown}: expected PATH=VALUE, e.g. model.als.predictor.factors=32")
    try:
        value = _parse_toml(f"value = {literal}")["value"]
    except ValueError as error:
        value = literal.strip()
        if not value or value[0] in "[{\"'" or not isinstance(error, tomllib.TOMLDecodeError):
            raise ConfigError(f"--set {shown}: {_shorten(literal)} is not a valid TOML value: {error}") from None
        # a bare word is a string: --set split.policy=temporal
    return _with(raw, keys, value, shown, "")  # type: ignore[no-any-return]


def _cut(line: str) -> str:
    """Return a line of an error without the middle of a value that is far too long to read."""
    return line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE // 2]} ... {line[-LONGEST_LINE // 4 :]}"


def _shorten(text: str) -> str:
    """Return a text of the command line for a message."""
    return repr(text) if len(text) <= 200 else f"{text[:200]!r}..."


def _keys(path: str) -> list[str]:
    """Return the keys of a dotted TOML path; labels with a dot or a space are quoted."""
    try:
        node: Any = _parse_toml(f"{path} = 0")
    except ValueError:
        return []
    keys: list[str] = []
    while isinstance(node, dict):
        key, node = next(iter(node.items()))
        keys.append(key)
    return keys


def _with(node: Any, path: list[str], value: Any, override: str, where: str) -> Any:
    """Return a copy of a node with the value at a path replaced."""
    head, rest = path[0], path[1:]
    here = f"{where}.{head}" if where else head
    if isinstance(node, list):
        at = _index(node, head, override, where)
        return [
            _with(n, rest, value, override, here) if i == at and rest else value if i == at else n
            for i, n in enumerate(node)
        ]
    if isinstance(node, str):  # a bare component name: turn it into a table, which can hold parameters
        node = {"name": node}
    if node is None:
        node = {}
    if not isinstance(node, dict):
        raise ConfigError(f"--set {override}: {where} is {node!r}, which cannot contain {head!r}")
    return {**node, head: _with(node.get(head), rest, value, override, here) if rest else value}


def _index(node: list[Any], key: str, override: str, where: str) -> int:
    """Return the index in a list for a label, a component's name, or a number counted from 1."""
    labels = [_label(entry) for entry in node]
    if key in labels:
        return labels.index(key)
    if key.isdigit() and 1 <= int(key) <= len(node):
        return int(key) - 1
    named = [label for label in labels if label]
    known = f"{', '.join([*named, f'or a number from 1 to {len(node)}'])}" if node else "nothing"
    raise ConfigError(f"--set {override}: {where} has no {key!r}.{suggestion(key, named)} It has: {known}.")


def _label(entry: Any) -> str:
    """Return the name of a list entry: its label, its own name, or its predictor's name."""
    if isinstance(entry, dict):
        return str(entry.get("label") or entry.get("name") or _label(entry.get("predictor", "")))
    return entry if isinstance(entry, str) else ""
