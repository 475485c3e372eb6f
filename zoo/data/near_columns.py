"""Find the column that a user may have meant, and show how to map it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from difflib import get_close_matches

USUAL_WORDS: dict[str, tuple[str, ...]] = {
    "user_id": ("user", "customer", "client", "visitor", "buyer", "member"),
    "item_id": ("item", "product", "sku", "article", "asin", "isbn"),
    "timestamp": ("timestamp", "time", "date"),
    "event": ("event", "action", "behaviour", "behavior"),
    "title": ("title", "name", "headline"),
    "price": ("price", "amount", "cost"),
    "rating": ("rating", "stars", "score"),
    "quantity": ("quantity", "qty", "count"),
}
"""Words in the names of columns that often hold what a canonical column holds, the most telling one first."""


def near_column(name: str, columns: Iterable[str]) -> str:
    """Return the column that is meant by a name: the one spelled most alike, or one with a usual word; empty if there is none."""
    names = sorted(columns)
    folded = {column.lower(): column for column in reversed(names)}
    if alike := get_close_matches(name.lower(), folded, n=1, cutoff=0.6):
        return folded[alike[0]]
    for word in USUAL_WORDS.get(name, ()):
        if holding := [column for column in names if word in column.lower()]:
            return min(holding, key=len)
    return ""


def suggest_column(name: str, columns: Iterable[str]) -> str:
    """Return `" Did you mean 'x'?"` for the column that is meant by a name, or an empty text."""
    found = near_column(name, columns)
    return f" Did you mean {found!r}?" if found else ""


def format_mapping(setting: str, name: str, column: str = "") -> str:
    """Return the setting that maps a column, in a file and in Python.

    Args:
        setting: The setting, such as `data.columns`.
        name: The canonical name.
        column: The name in the user's table; an ellipsis by default.
    """
    value = json.dumps(column, ensure_ascii=False) if column else "..."
    keyword = setting.rpartition(".")[2]
    return f'{setting} = {{ {name} = {value} }} (in Python, {keyword}={{"{name}": {value}}})'
