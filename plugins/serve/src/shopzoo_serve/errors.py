"""Errors as JSON: each has the path of the field and a message."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from shopzoo_serve.batching import BacklogError
from zoo.api import DataError, FieldError, ZooError

LONGEST = 500
"""Characters of a message, which may quote the request."""
MOST = 20
"""Errors of one answer."""
log = logging.getLogger("shopzoo_serve")


def json_response(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return JSON in ASCII, which any text can be written as."""
    return Response(json.dumps(content), status, headers, "application/json")


def error_response(
    status: int, *errors: tuple[Sequence[str | int], str], headers: dict[str, str] | None = None
) -> Response:
    """Return an answer with errors, each with the path of its field."""
    found = [{"path": format_path(path), "message": _shortened(message)} for path, message in errors[:MOST]]
    return json_response({"errors": found}, status, headers)


def format_path(path: Iterable[str | int]) -> str:
    """Return a path as text: `history[3].time`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return _shortened(text)


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def add_handlers(app: FastAPI) -> None:
    """Answer every error of an application as JSON."""

    @app.exception_handler(RequestValidationError)
    async def _malformed(request: Request, error: RequestValidationError) -> Response:
        found = []
        for each in error.errors():
            place = [part for part in each["loc"] if part != "body"]
            if each["type"] == "json_invalid":
                found.append((["body"], f"no JSON: {each.get('ctx', {}).get('error', each['msg'])}"))
            else:
                found.append((place or ["body"], each["msg"].removeprefix("Value error, ")))
        return error_response(422, *found)

    @app.exception_handler(HTTPException)
    async def _refused(request: Request, error: HTTPException) -> Response:
        headers = dict(error.headers or {})
        return error_response(error.status_code, ((), str(error.detail)), headers=headers)

    @app.exception_handler(BacklogError)
    async def _busy(request: Request, error: BacklogError) -> Response:
        return error_response(503, ((), "too many requests wait. Try again."), headers={"Retry-After": "1"})

    @app.exception_handler(ZooError)
    async def _refused_by_the_zoo(request: Request, error: ZooError) -> Response:
        if isinstance(error, FieldError):
            return error_response(422, (error.path, str(error)))
        if isinstance(error, DataError):
            return error_response(422, ((), str(error)))
        log.error("%s %s: %s", request.method, request.url.path, error)
        return error_response(409 if request.url.path == "/reload" else 500, ((), str(error)))

    @app.exception_handler(Exception)
    async def _failed(request: Request, error: Exception) -> Response:
        return error_response(500, ((), "the server failed on this request; its log has the error."))
