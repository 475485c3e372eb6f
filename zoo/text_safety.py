"""Text from files, data and plugins in messages, tables and reports: it is shown, and it commands nothing.

A terminal obeys control characters, and Markdown obeys markup. A label with a line break and a `|` could add a row to a
table of results, an item title could move the cursor.
"""

from __future__ import annotations

import re

CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, line and paragraph separators, changes of the direction of writing, and half characters."""
_MARKUP = re.compile(r"[\\`*\[\]|]")
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_TAGS = re.compile(r"<(?=[A-Za-z/!?])")
"""The beginning of an HTML tag or comment; `<` between numbers is none."""


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
    """Return a name, such as a label, for a table or a sentence in Markdown: none of it is markup."""
    return _MARKUP.sub(r"\\\g<0>", show(text).translate(_ENTITIES))


def defuse_markdown(text: str) -> str:
    """Return a sentence of ours in which names may occur for Markdown: on one line, without HTML."""
    return _TAGS.sub("&lt;", show(text.replace("\n", " ")))
