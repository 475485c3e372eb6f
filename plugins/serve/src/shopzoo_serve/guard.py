"""What every request passes before it is read: the API key, the limit of its body, and the metrics."""

from __future__ import annotations

import hmac
import time
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shopzoo_serve.errors import error_response
from shopzoo_serve.metrics import Metrics
from shopzoo_serve.settings import Settings

OPEN = "/health"
"""The path that needs no key."""


class Guard:
    """Refuses requests without the key or with a body that is too large, and counts all requests."""

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics, paths: frozenset[str]) -> None:
        self.app, self.settings, self.metrics, self.paths = app, settings, metrics, paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begin, status = time.perf_counter(), 500

        async def counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._answer(scope, receive, counted)
        finally:
            path = self._label(scope["path"])
            self.metrics.requests.labels(path, str(status)).inc()
            self.metrics.seconds.labels(path).observe(time.perf_counter() - begin)

    def _label(self, path: str) -> str:
        """Return the path of a request for the metrics, which must not have a label for each item."""
        if path.startswith("/items/"):
            return "/items/{item_id}"
        return path if path in self.paths else "other"

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        headers = {name.lower(): value for name, value in scope["headers"]}
        if scope["path"] != OPEN and not self._has_key(headers):
            refused = error_response(
                401,
                ((), "the API key is missing or wrong. Send it as `Authorization: Bearer KEY` or `X-API-Key: KEY`."),
                headers={"WWW-Authenticate": "Bearer"},
            )
            await refused(scope, receive, send)
            return
        body = await self._read(headers, receive)
        if body is None:
            limit = self.settings.max_body
            await error_response(413, (("body",), f"the body has more than {limit:,} bytes."))(scope, receive, send)
            return
        given = False

        async def replayed() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, replayed, send)

    def _has_key(self, headers: dict[Any, Any]) -> bool:
        """Return whether a request has the key, in a time that does not depend on what it sent."""
        key = self.settings.api_key
        if key is None:
            return True
        given = headers.get(b"x-api-key", b"")
        scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
        if scheme.lower() == b"bearer":
            given = token.strip()
        return hmac.compare_digest(given, key.encode())

    async def _read(self, headers: dict[Any, Any], receive: Receive) -> bytes | None:
        """Return the body; None if it is larger than the limit."""
        limit = self.settings.max_body
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > limit:
            return None
        parts, size = [], 0
        while True:
            message = await receive()
            if message["type"] != "http.request":  # the client has gone
                return b""
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > limit:
                return None
            if not message.get("more_body", False):
                return b"".join(parts)
