"""Read JSON files of a benchmark folder into dataclasses, whose field types are checked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
from pydantic import TypeAdapter, ValidationError

from zoo.errors import ConfigError, ResultsError
from zoo.tracebacks import VARIABLE, show_traceback

T = TypeVar("T")
DAMAGE = (
    ArithmeticError,
    AttributeError,
    ConfigError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
    pa.ArrowException,
)
"""What code raises that reads a value of another kind than it expects, or the stored experiment."""


def read_table(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds a table.

    Raises:
        OSError: The file cannot be read.
        ValueError: It holds no JSON, something else than a table, or values that are nested too deeply.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except RecursionError:
        raise ValueError("its values are nested too deeply") from None
    if not isinstance(found, dict):
        raise ValueError(f"it holds a {type(found).__name__}, expected a table")
    return found


def as_record(kind: TypeAdapter[T], values: dict[str, Any]) -> T:
    """Return a dataclass with the values of a table.

    Raises:
        ValueError: A field is missing, unknown, or of another type; the message names the first.
    """
    try:
        return kind.validate_python(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        message = first["msg"].removeprefix("Value error, ")
        raise ValueError(f"{where}: {message[0].lower()}{message[1:]}") from None


@contextmanager
def refusing_damage(folder: Path) -> Iterator[None]:
    """Name the folder if values that were read from it cannot be shown.

    The fields of manifest and rows are checked as they are read. What is inside an experiment or a training record has no schema,
    since a folder may be of an earlier version. Too little memory and a cancelled read are no damage.

    Raises:
        ResultsError: A value is missing or of another kind.
    """
    try:
        yield
    except (MemoryError, pa.ArrowCancelled):
        raise
    except DAMAGE as error:
        show_traceback(error)
        raise ResultsError(
            f"{folder} has values that cannot be shown ({type(error).__name__}: {error}). If a file in it was changed, or is of another "
            "version, move the folder away and run the benchmark again, which measures anew. If not, this is a bug: report it with the "
            f"traceback, which {VARIABLE}=1 shows (--traceback on the command line)."
        ) from error
