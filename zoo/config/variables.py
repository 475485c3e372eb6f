"""`${VAR}` in the strings of an experiment file: expanded in memory, and kept as written in everything that is stored.

A value from the environment may be a secret or a path of this machine. Only the components receive it. Results, reports and
artifacts contain the text of the file again: `Variables.hide` puts it back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from zoo.errors import ConfigError

REFERENCE = re.compile(r"\$\{(\w+)\}")
PASSWORDS = (
    re.compile(r"\w[\w+.-]*://[^:/?#@\s]*:(?!\d*(?:/[^@?]*)?\?[^@]*=)(.+?)@"),
    re.compile(r"(?<=[?&])(?:ssl)?password=([^&#]+)"),
)
"""A URI with a password: before the host, or among the parameters."""
LONG, SHORTEST = 8, 4
"""Values of `LONG` characters or more are looked for everywhere. Those of `SHORTEST` or more are looked for as whole words of
sentences (messages, notes): elsewhere they are rather a part of a setting than a secret. Shorter ones stay in other texts.
"""
NAMES = ("name", "policy", "task", "monitor")
"""Keys whose values the core reads in results. They name what is installed, and stay as they are."""


@dataclass(frozen=True)
class Variables:
    """The environment variables that an experiment file uses.

    Attributes:
        texts: Maps each expanded string of the file to the string as written.
        values: Maps the value of each variable to its reference `${VAR}`.
        keys: The keys whose strings were expanded.
        env: The value of each variable by its name, for processes that expand the file again.
    """

    texts: Mapping[str, str]
    values: Mapping[str, str]
    keys: frozenset[str]
    env: Mapping[str, str] = field(default_factory=dict)

    def hide(self, plain: Any, key: str = "") -> Any:
        """Return a JSON value in which the strings of the file are as written.

        Args:
            plain: The value.
            key: The key of the table that contains it.
        """
        if not self.texts:
            return plain
        if isinstance(plain, dict):
            return {name: self.hide(value, str(name)) for name, value in plain.items()}
        if isinstance(plain, list | tuple):
            return [self.hide(value, key) for value in plain]
        if not isinstance(plain, str) or key in NAMES:
            return plain
        if key in self.keys and plain in self.texts:
            return self.texts[plain]
        return self.hide_text(plain)

    def hide_text(self, text: str) -> str:
        """Return a text, such as the message of an error, in which the strings of the file are as written."""
        for known in (self.texts, self.values):
            for expanded in sorted(known, key=len, reverse=True):
                if len(expanded) >= LONG:
                    text = text.replace(expanded, known[expanded])
                elif len(expanded) >= SHORTEST and " " in text:
                    text = known[expanded].join(re.split(rf"(?<!\w){re.escape(expanded)}(?!\w)", text))
        return text


NO_VARIABLES = Variables({}, {}, frozenset())
"""Of an experiment without `${VAR}`."""


def expand_variables(raw: dict[str, Any], env: Mapping[str, str]) -> tuple[dict[str, Any], Variables]:
    """Return the content of an experiment file with `${VAR}` replaced in every string, and what was replaced.

    Raises:
        ConfigError: A variable is not set, a reference is not closed, or a URI contains a password that is not a variable.
    """
    texts: dict[str, str] = {}
    keys: set[str] = set()

    def expand(node: Any, where: str, key: str) -> Any:
        if isinstance(node, dict):
            return {k: expand(value, f"{where}.{k}" if where else str(k), str(k)) for k, value in node.items()}
        if isinstance(node, list):
            return [expand(value, f"{where}[{i}]", key) for i, value in enumerate(node, 1)]
        if not isinstance(node, str):
            return node
        _refuse_password(node, where)
        if "${" not in node:
            return node
        _check_references(node, where, env)
        expanded = REFERENCE.sub(lambda match: env[match[1]], node)
        texts[expanded] = node
        keys.add(key)
        return expanded

    content = expand(raw, "", "")
    if not texts:
        return content, NO_VARIABLES
    used = {name: env[name] for name in _names(texts.values())}
    return content, Variables(texts, {value: f"${{{name}}}" for name, value in used.items()}, frozenset(keys), used)


def _names(texts: Any) -> Iterator[str]:
    """Yield the names of the variables in the given texts."""
    for text in texts:
        yield from REFERENCE.findall(text)


def _refuse_password(text: str, where: str) -> None:
    """Refuse a URI with a password as text: results and artifacts repeat the strings of the file.

    Raises:
        ConfigError: It has one; the message does not repeat it.
    """
    found = [match for pattern in PASSWORDS for match in pattern.findall(text)] if "://" in text else []
    if not all(REFERENCE.fullmatch(password) for password in found):
        raise ConfigError(
            f"{where}: the URI contains a password as text, and results and artifacts repeat the file. Write ${{PASSWORD}} in its "
            "place, and set the environment variable: export PASSWORD=..."
        )


def _check_references(text: str, where: str, env: Mapping[str, str]) -> None:
    """Check the references in a string.

    Raises:
        ConfigError: A variable is not set, or a reference is not closed.
    """
    if "${" in REFERENCE.sub("", text):
        raise ConfigError(
            f"{where}: {text!r} contains '${{' without a name and a closing brace. Write ${{NAME}}, with the name of an "
            "environment variable."
        )
    for name in _names([text]):
        if name not in env:
            raise ConfigError(
                f"{where}: {text!r} uses the environment variable {name}, which is not set. Set it: export {name}=..."
            )
