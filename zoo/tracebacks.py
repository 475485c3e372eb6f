"""Where an error of a plugin comes from: the line of its author, and the whole traceback if the user asks for it."""

from __future__ import annotations

import os
import sys
import traceback
from types import ModuleType

VARIABLE = "ZOO_TRACEBACK"
"""The environment variable that asks for tracebacks; the option `--traceback` sets it for one command."""

QUERIES = ("matrix", "histories", "batch", "now", "users", "lengths", "log")
"""What rankers and metrics read of the queries of their lists, which are None unless they declare `histories`."""

_packages: set[str] = set()
"""The top-level packages of the plugins that this process has loaded."""


def add_plugin(module: ModuleType) -> None:
    """Remember that frames of a module's package are those of a plugin."""
    package = module.__name__.partition(".")[0]
    if package != "zoo":
        _packages.add(package)


def wants_traceback() -> bool:
    """Return whether the user asked for tracebacks."""
    return os.environ.get(VARIABLE, "") not in ("", "0")


def show_traceback(error: BaseException) -> None:
    """Print the traceback of an error that becomes a sentence to stderr, if the user asked for tracebacks."""
    if wants_traceback():
        traceback.print_exception(error, file=sys.stderr)


def undeclared_histories(error: BaseException) -> str:
    """Return a sentence for an error that comes from the queries of lists, which were not declared; empty for other errors."""
    if not (isinstance(error, AttributeError) and error.obj is None and error.name in QUERIES):
        return ""
    return ". If it reads the queries of the lists, they are not declared: add `histories=True` to the component's Capabilities"


def find_author_line(error: BaseException) -> str:
    """Return `file:line` of the last frame in the code of a plugin; empty if the error did not pass through any."""
    found = ""
    for frame, line in traceback.walk_tb(error.__traceback__):
        if str(frame.f_globals.get("__name__", "")).partition(".")[0] in _packages:
            found = f"{frame.f_code.co_filename}:{line}"
    return found
