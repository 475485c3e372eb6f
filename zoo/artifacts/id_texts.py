"""Ids in the arguments of a call, as text: the same conversion as of the columns of a table."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from numbers import Integral, Real
from typing import Any

from zoo.errors import DataError

EXAMPLES = 3
"""Number of unknown ids that a warning names."""


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


def warn_of_unknown_items(
    argument: str, given: list[str], numbers: Mapping[str, int], effect: str, stacklevel: int
) -> None:
    """Warn if some of the given ids are not items.

    Args:
        argument: The name of the argument that holds them.
        given: The ids.
        numbers: The items, by id.
        effect: What happens to unknown ids.
        stacklevel: The stack level of the warning, counted from the caller.
    """
    if unknown := [item for item in given if item not in numbers]:
        more = ", ..." if len(unknown) > EXAMPLES else ""
        warnings.warn(
            f"{argument}: {len(unknown):,} of {len(given):,} ids are not items of the artifact, such as "
            f"{', '.join(map(repr, unknown[:EXAMPLES]))}{more}, so {effect}. Correct them, or leave them out.",
            stacklevel=stacklevel + 1,
        )


def warn_of_unknown_histories(histories: Iterable[Iterable[Any]], numbers: Mapping[str, int], stacklevel: int) -> None:
    """Warn if items of histories are unknown, and say how many histories have no item left."""
    texts = [id_texts(history, "history") for history in histories]
    emptied = sum(bool(history) and not any(item in numbers for item in history) for history in texts)
    alone = "the query is" if len(texts) == 1 else f"{emptied:,} of {len(texts):,} queries are"
    effect = "they are ignored" + (f", and {alone} answered as without a history" if emptied else "")
    warn_of_unknown_items("history", [item for history in texts for item in history], numbers, effect, stacklevel + 1)
