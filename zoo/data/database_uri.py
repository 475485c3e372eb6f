"""URIs of databases. This module imports no driver, so that checking a config needs none."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

FILES = ("duckdb", "sqlite")
"""Databases that are a file."""
SERVERS = {"postgresql": "postgresql", "postgres": "postgresql"}
PASSWORD = re.compile(r"\w+://[^:/?#@]*:(?!\d*(?:/[^@?]*)?\?[^@]*=)(.+)@")
"""A URI with a password, which may contain any sign: up to the last `@`, so that nothing of it is shown."""
PLACE = re.compile(r"(?:[\w.-]*|\[[\da-fA-F:.]+\])(?::\d+)?(?:/[^/?@]*)?(?:\?\w+=[^&]*(?:&\w+=[^&]*)*)?")
"""What follows the `@` after a password: host, port, database and parameters, whose values may contain an `@` too."""
PARAMETER = re.compile(r"[?&](?:ssl)?password=([^&#]+)")
SHORT = 4
"""Shorter passwords are hidden where they stand as words: elsewhere they are rather a part of a word of the message."""
EXPECTED = "duckdb:///shop.db, sqlite:///shop.db or postgresql://user:${PASSWORD}@host/database"


@dataclass(frozen=True)
class DatabaseUri:
    """A database.

    Attributes:
        system: `duckdb`, `sqlite` or `postgresql`.
        text: The URI; it may contain a password.
    """

    system: str
    text: str

    @classmethod
    def of(cls, text: str) -> DatabaseUri:
        """Return the parts of a URI.

        Raises:
            ValueError: It names no database that can be read. The message does not repeat the text, which may contain a password.
        """
        scheme, colon, rest = text.partition("://")
        if not colon or not re.fullmatch(r"[A-Za-z][\w+.-]*", scheme):
            raise ValueError(f"expected the URI of a database, such as {EXPECTED}, found a text without scheme://.")
        scheme = scheme.lower()
        if scheme in SERVERS:
            return cls(SERVERS[scheme], text)
        if scheme not in FILES:
            raise ValueError(f"expected the URI of a database, such as {EXPECTED}, found the scheme {scheme!r}.")
        if not rest.startswith("/") or rest == "/":
            raise ValueError(
                f"expected {scheme}:/// and the path of a file, such as {scheme}:///shop.db, found {scheme}:// without a third "
                "slash and a path."
            )
        return cls(scheme, f"{scheme}://{rest}")

    @property
    def path(self) -> Path:
        """Return the path of a database that is a file."""
        return Path(self.text.partition("://")[2][1:]).expanduser()

    @property
    def connection(self) -> str:
        """Return the URI for the driver: signs of the password that have a meaning in a URI are escaped."""
        found = PASSWORD.match(self.text)
        if not found:
            return self.text
        start, end = found.start(1), self._end_of_password(found)
        return f"{self.text[:start]}{_escape(self.text[start:end])}{self.text[end:]}"

    def hide(self, text: str) -> str:
        """Return a message without the password, in whatever form a driver repeats it."""
        text = text.replace(self.text, self.shown).replace(self.connection, self.shown)
        secrets = {form for p in self._passwords() for form in (p, unquote(p), quote(p, ""), _escape(p))}
        for secret in sorted(secrets, key=len, reverse=True):
            text = (
                text.replace(secret, "***")
                if len(secret) >= SHORT
                else re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "***", text)
            )
        return text

    @property
    def shown(self) -> str:
        """Return the name of the database in messages: the path of a file, or the URI without user, password and parameters."""
        if self.system in FILES:
            return str(self.path)
        place = self.connection.partition("://")[2].partition("?")[0].rpartition("@")[2]
        return f"{self.system}://{place}"

    def _end_of_password(self, found: re.Match[str]) -> int:
        """Return where the password ends: at the first `@` before a host, else at the last one."""
        signs = (at for at in range(found.start(1), found.end(1)) if self.text[at] == "@")
        return next((at for at in signs if PLACE.fullmatch(self.text, at + 1)), found.end(1))

    def _passwords(self) -> list[str]:
        """Return the passwords in the URI, before the host and among the parameters."""
        found = PASSWORD.match(self.text)
        return [*([found[1]] if found else []), *PARAMETER.findall(self.text)]


def _escape(password: str) -> str:
    """Return a password as a URI contains it; escapes that it has already are kept."""
    return re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", quote(password, safe="%"))


def resolve_uri(value: Any, base: Path) -> str:
    """Return a URI of a database, with the relative path of a file below a folder.

    Raises:
        ValueError: It is not the URI of a database.
    """
    if not isinstance(value, str):
        raise ValueError(f"expected the URI of a database as text, such as {EXPECTED}.")
    uri = DatabaseUri.of(value)
    return f"{uri.system}:///{base / uri.path}" if uri.system in FILES else uri.text
