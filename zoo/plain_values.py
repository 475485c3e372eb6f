"""What no table of a user may contain: numbers of more than 64 bits, text that is not Unicode, and nesting without end.

The check runs before anything else reads the values. It does not recurse, and it does not format a number whose digits Python
refuses to print.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

DEEPEST = 32
"""The most tables and lists inside each other."""
SMALLEST, LARGEST = -(2**63), 2**63 - 1
"""The range of an integer in TOML."""
SHOWN_BITS = 1024
"""Longer numbers are not printed."""


def refused_values(values: Any, where: str) -> Iterator[str]:
    """Yield a line for each value that cannot be used.

    Args:
        values: Tables, lists and plain values.
        where: The path of the values in the user's file or call; it starts each line.
    """
    nodes: list[tuple[str, Any, int]] = [(where, values, 0)]
    while nodes:
        path, node, depth = nodes.pop()
        if depth > DEEPEST:
            yield f"{path[:60]}...: tables and lists are nested more than {DEEPEST} deep. Write fewer levels."
            return
        if isinstance(node, dict):
            nodes += reversed(
                [(f"{path}.{key}" if path else str(key), value, depth + 1) for key, value in node.items()]
            )
        elif isinstance(node, list | tuple):
            nodes += reversed([(f"{path}[{at}]", value, depth + 1) for at, value in enumerate(node, 1)])
        elif problem := _problem(node):
            yield f"{path}: {problem}" if path else problem


def _problem(value: Any) -> str:
    """Return what is wrong with a single value; empty if nothing is."""
    if isinstance(value, int) and not SMALLEST <= value <= LARGEST:
        found = str(value) if value.bit_length() <= SHOWN_BITS else f"a number of {value.bit_length():,} bits"
        return f"expected a whole number between -2^63 and 2^63 - 1, found {found}."
    if isinstance(value, str) and "\0" in value:
        return f"expected text, found {_shown(value)}, which contains the character NUL. Remove it."
    if isinstance(value, str) and any("\ud800" <= sign <= "\udfff" for sign in value):
        return f"expected text, found {_shown(value)}, which is not valid Unicode. Write it in UTF-8."
    return ""


def _shown(text: str) -> str:
    """Return a text for a message."""
    return ascii(text) if len(text) <= 80 else f"{text[:80]!a}..."
