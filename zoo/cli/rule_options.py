"""The options of rules that hold for one call: items to exclude, and values that items must have."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from typing import Any

import click


def rule_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--exclude` and `--where` to a command."""
    exclude = click.option("--exclude", metavar="A,B,C", help="The ids of items that no list may contain.")
    where = click.option(
        "--where",
        multiple=True,
        metavar="COLUMN=VALUE",
        help='A value that an item must have: in_stock=true, or brand=\'["a", "b"]\' for one of several. Repeatable.',
    )
    return exclude(where(command))


def parse_exclude(text: str | None) -> list[str]:
    """Return the ids in a text, separated by commas."""
    return [item.strip() for item in (text or "").split(",") if item.strip()]


def parse_where(pairs: Sequence[str]) -> dict[str, Any]:
    """Return the columns and values of `--where`; a value is a TOML literal, or a bare text.

    Raises:
        click.UsageError: A pair has no column or no value.
    """
    found: dict[str, Any] = {}
    for pair in pairs:
        column, equals, literal = pair.partition("=")
        if not equals or not column.strip() or not literal.strip():
            raise click.UsageError(f"--where {pair!r}: expected COLUMN=VALUE, such as in_stock=true or brand=amber.")
        try:
            value: Any = tomllib.loads(f"value = {literal}")["value"]
        except tomllib.TOMLDecodeError:
            value = literal.strip()
        found[column.strip()] = value
    return found
