"""Text from files, data and plugins in messages, tables and reports: it is shown, and it commands nothing.

A terminal obeys control characters, and Markdown obeys markup. A label with a line break and a `|` could add a row to a
table of results, an item title could move the cursor.
"""

from __future__ import annotations

import re

CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, line and paragraph separators, changes of the direction of writing, and half characters."""
_BLOCKS = r"^#(?=#*(?: |$))|^[+-](?= |$)|^\d+[.)](?= |$)|^-(?=--)|^[=-](?=[=-]* *$)"
"""The beginning of a heading or a list, a rule, and the line below a heading."""
_INLINE = r"[\\`*|~$]|(?<![^\W_])_|_(?![^\W_])|:(?=//)|\bwww\.|(?<=\S)@(?=[\w-]+\.[\w-])"
"""Markup inside a line, with `_` where it is not inside a word, the mathematics of GitHub and its links to bare addresses (which
`ndcg@10` is none of)."""
_NAME = re.compile(rf"{_BLOCKS}|{_INLINE}|[\[\]]", re.IGNORECASE)
_SENTENCE = re.compile(
    rf"{_BLOCKS}|{_INLINE}|^>|^\[(?=[ xX]\])|\](?=[(\[:])|<(?=[A-Za-z/!?])|&(?=#?\w+;)", re.IGNORECASE
)
"""Markup in a sentence, which may contain `[train]`, `k < 3` and `a & b`."""
_CODE = re.compile(r"((?<!`)`(?!`)[^`]+(?<!`)`(?!`))")
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def show(text: str, longest: int | None = None) -> str:
    """Return a text for one line of a terminal: control characters are written as escapes, a long text is cut.

    Args:
        text: Any text.
        longest: The number of characters to keep; all by default.
    """
    if longest is not None and len(text) > longest:
        text = f"{text[:longest]}..."
    return CONTROL.sub(lambda found: ascii(found[0])[1:-1], text)


def show_lines(text: str) -> str:
    """Return a message of several lines for a terminal; see `show`."""
    return "\n".join(map(show, text.split("\n")))


def escape_markdown(text: str) -> str:
    """Return a name, such as a label, for a table or a sentence in Markdown: none of it is markup or a link."""
    return _NAME.sub(lambda found: f"{found[0][:-1]}\\{found[0][-1]}", show(text).strip(" ")).translate(_ENTITIES)


def defuse_markdown(text: str) -> str:
    """Return a sentence of ours in which names may occur for Markdown: on one line, without markup but for `code`.

    Markup is written as entities, which stay what they are in the `repr` of a list of texts.
    """
    parts = _CODE.split(show(text.replace("\n", " ")).strip(" "))
    return "".join(part if at % 2 else _SENTENCE.sub(_as_entity, part) for at, part in enumerate(parts))


def _as_entity(found: re.Match[str]) -> str:
    return f"{found[0][:-1]}&#{ord(found[0][-1])};"
