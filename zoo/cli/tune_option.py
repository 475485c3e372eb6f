"""The option `--tune KEY=VALUE` of `zoo bench`: one key of `[tune]`, which is checked before the file is read."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import click

from zoo.errors import ConfigError


def read_tune(ctx: click.Context, parameter: click.Parameter, lines: tuple[str, ...]) -> tuple[str, ...]:
    """Return the options as overrides of an experiment file: `tune.KEY=VALUE`.

    Raises:
        ConfigError: An option is not `KEY=VALUE`, `[tune]` has no such key or value, or there are two budgets.
    """
    from zoo.config.tune import BUDGETS

    problems = [problem for line in lines for problem in _problems(line)]
    budgets = {key: line for line in lines if (key := line.partition("=")[0].strip()) in BUDGETS}
    if len(budgets) > 1:
        given = " ".join(f"--tune {line}" for line in budgets.values())
        problems.append(f"{given}: expected one budget, found two. Remove one of them.")
    if problems:
        raise ConfigError("\n".join(problems))
    return tuple(f"tune.{line}" for line in lines)


def _problems(line: str) -> list[str]:
    """Return what is wrong with an option, one line per problem."""
    from zoo.config.tune import BUDGETS, TuneSettings
    from zoo.params import validated

    key, equals, literal = (part.strip() for part in line.partition("="))
    if not (key and equals and literal):
        return [f"--tune {line}: expected KEY=VALUE, such as trials=30 or minutes=20."]
    values = {key: _value(literal)}
    needed = {} if key in BUDGETS else {"trials": 1}  # the file may have the budget
    try:
        validated(TuneSettings, {**needed, **values}, "--tune")
    except ConfigError as error:
        several = re.search(r",\s*[a-z]+\s*=", literal)
        hint = " Repeat the option for each key: --tune trials=30 --tune seed=1." if several else ""
        return [each.replace(f"--tune.{key}", f"--tune {line}", 1) + hint for each in str(error).splitlines()]
    return []


def _value(literal: str) -> Any:
    """Return the value of a TOML literal, and of a bare word as a string."""
    try:
        return tomllib.loads(f"value = {literal}")["value"]
    except (ValueError, RecursionError):
        return literal
