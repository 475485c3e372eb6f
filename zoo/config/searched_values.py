"""Read the space of one parameter from a `[model.tune]` table: a list of values, or a range that narrows the declared one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.config.model_space import SearchedPart
from zoo.errors import ConfigError
from zoo.search_space import Range, Space, choice


def read_space(part: SearchedPart, parameter: str, value: Any, where: str) -> Space:
    """Return the space of a parameter.

    Args:
        part: The component or the settings.
        parameter: The name of the parameter in it.
        value: A list of values, or a table with `low`, `high` and `log`.
        where: Its place in the file.

    Raises:
        ConfigError: The value is something else, has no point, or has values that the parameter cannot have.
    """
    declared = part.spaces.get(parameter)
    when = declared.when if declared else {}
    if isinstance(value, list):
        if not value:
            raise ConfigError(
                f"{where}: the list excludes every value. List one value or more, or write false to keep the setting."
            )
        _refuse_invalid(part, parameter, value, where)
        return choice(*value, when=when)
    if isinstance(value, dict) and value:
        return _read_range(part, parameter, value, where, declared)
    raise ConfigError(
        f"{where}: expected a list of values, a table such as {{ low = 1, high = 10 }}, or false to keep the setting, found {value!r}."
    )


def _read_range(
    part: SearchedPart, parameter: str, value: Mapping[str, Any], where: str, declared: Space | None
) -> Range:
    """Return a range; keys that are not given are those of the declared range."""
    usual = declared.as_json() if isinstance(declared, Range) else {}
    if missing := [key for key in ("low", "high") if key not in value and key not in usual]:
        raise ConfigError(
            f"{where}: `{missing[0]}` is missing, and no range is declared for it. Give `low` and `high`."
        )
    low, high, log = (value.get(key, usual.get(key, False)) for key in ("low", "high", "log"))
    for key, bound in (("low", low), ("high", high)):
        if isinstance(bound, bool) or not isinstance(bound, int | float):
            raise ConfigError(f"{where}.{key}: expected a number, found {bound!r}.")
    if not isinstance(log, bool):
        raise ConfigError(f"{where}.log: expected true or false, found {log!r}.")
    whole = usual.get("whole", False) if usual else _misfit(part, parameter, low + (high - low) / 3 + 1e-3, where) != ""
    when = declared.when if declared else {}
    try:
        space = Range(low, high, whole=whole, log=log, when=when)
    except ValueError as error:
        raise ConfigError(f"{where}: the range excludes every value: {error}.") from None
    _refuse_invalid(part, parameter, (low, high), where)
    return space


def _refuse_invalid(part: SearchedPart, parameter: str, values: Any, where: str) -> None:
    """Refuse values that a parameter cannot have.

    Raises:
        ConfigError: There are such values.
    """
    if problems := [problem for value in values if (problem := _misfit(part, parameter, value, where))]:
        raise ConfigError("\n".join(problems))


def _misfit(part: SearchedPart, parameter: str, value: Any, where: str) -> str:
    """Return why a parameter cannot have a value, whatever the others are; empty if it can."""
    start = where.removesuffix(f".{parameter}")
    try:
        part.with_values({parameter: value}, start)
    except ConfigError as error:
        return "\n".join(line for line in str(error).splitlines() if line.startswith(where))
    return ""
