"""Find the column that a user may have meant, and show how to map it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from difflib import get_close_matches

USUAL_WORDS: dict[str, tuple[str, ...]] = {
    "user_id": ("user", "customer", "client", "visitor", "buyer", "member"),
    "item_id": ("item", "product", "sku", "article", "asin", "isbn"),
    "timestamp": ("timestamp", "datetime", "time", "date", "when", "ts", "at"),
    "event": ("event", "action", "behaviour", "behavior"),
    "session_id": ("session", "visit"),
    "basket_id": ("basket", "order", "cart", "transaction", "invoice"),
    "title": ("title", "headline", "name"),
    "category": ("category", "categories", "categorie", "kategorie", "cat"),
    "price": ("price", "amount", "cost"),
    "rating": ("rating", "stars", "score"),
    "quantity": ("quantity", "qty", "count"),
}
"""Words in the names of columns that often hold what a canonical column holds, the most telling one first."""
ID_WORDS = {"id", "no", "nr", "number", "code", "key", "uuid"}
"""Words at the end of the name of a column of ids."""
_BETWEEN_WORDS = re.compile(r"[\W_]+|(?<=[a-z0-9])(?=[A-Z])")
_JOINED_ID = re.compile(rf"^({'|'.join(word for words in USUAL_WORDS.values() for word in words)})id$")


def near_column(name: str, columns: Iterable[str]) -> str:
    """Return the column that is meant by a name; empty if there is none.

    It is one with the same words, else one with a usual word, else the one spelled most alike.
    """
    words = {column: words_of(column) for column in sorted(columns)}
    if same := [column for column, found in words.items() if "".join(found) == "".join(words_of(name))]:
        return same[0]
    for word in USUAL_WORDS.get(name, ()):
        if holding := [column for column, found in words.items() if word in found and _can_hold(name, found[-1])]:
            return min(holding, key=len)
    folded = {column.lower(): column for column in reversed(words)}
    if name not in USUAL_WORDS:
        alike = get_close_matches(name.lower(), folded, n=1, cutoff=0.6)
    else:  # a misspelled name begins with the right letter: `rice` is no price
        misspelled = [
            c for c in folded if c[:1] == name[0] and (name.endswith("_id") or words[folded[c]][-1] not in ID_WORDS)
        ]
        alike = get_close_matches(name, misspelled, n=1, cutoff=0.75)
    return folded[alike[0]] if alike else ""


def words_of(column: str) -> list[str]:
    """Return the words of a name in lower case: `user`, `id` for `user_id`, `userId`, `User ID` and `userid`."""
    words = [word.lower() for word in _BETWEEN_WORDS.split(column) if word]
    return [part for word in words for part in _JOINED_ID.sub(r"\1 id", word).split()]


def _can_hold(name: str, last: str) -> bool:
    """Return whether a column may hold what a canonical name means: its last word says what it holds (`item_count`: no ids)."""
    if last in USUAL_WORDS[name]:
        return True
    if name.endswith("_id"):
        return last in ID_WORDS
    return last not in ID_WORDS and not any(last in words for words in USUAL_WORDS.values())


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
