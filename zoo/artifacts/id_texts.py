"""Ids in the arguments of a call, as text: the same conversion as of the columns of a table."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any

from zoo.errors import DataError


def id_text(value: Any, argument: str) -> str:
    """Return an id as text; a float with an integral value is the id of that integer, as in the columns of a data frame.

    Args:
        value: A text, or a whole number of any library.
        argument: The name of the argument, for messages.

    Raises:
        DataError: The value is empty or no id.
    """
    if isinstance(value, str):
        text = str(value)
    elif isinstance(value, Integral):
        text = str(int(value))
    elif isinstance(value, Real) and float(value).is_integer():
        text = str(int(float(value)))
    else:
        text = ""
    if not text.strip():
        raise DataError(f"{argument} has the entry {value!r}, expected an id: a text or a whole number. Leave it out.")
    return text


def id_texts(values: Iterable[Any], argument: str) -> list[str]:
    """Return ids as texts.

    Raises:
        DataError: A value is empty or no id.
    """
    return [id_text(value, argument) for value in values]
