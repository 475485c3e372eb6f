"""The arguments of a call in Python: one user or several, their histories, and the table of queries that they make."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, cast

import pyarrow as pa

from zoo.artifacts.id_texts import id_texts
from zoo.errors import DataError


def is_one(users: Any, history: Sequence[Any] | None) -> bool:
    """Return whether a call is for a single user rather than for a list of users."""
    if users is not None:
        return isinstance(users, str | Real)
    if history is None or isinstance(history, str):
        return True
    return not any(h is None or not isinstance(h, str | Real) for h in history)


def check_call(users: Any, history: Any, k: Any, *, one: bool) -> None:
    """Refuse ambiguous arguments: a string is also a sequence, of its characters.

    Raises:
        DataError: The histories are not lists, their number differs from the number of users, or k is less than 1.
    """
    if not isinstance(k, Integral) or k < 1:
        raise DataError(f"k is {k!r}, expected at least 1 item in a list, a whole number.")
    if history is None:
        return
    for found in [history] if one else history:
        if isinstance(found, str | Real):
            raise DataError(
                f"history has {found!r} where a list of item ids is expected: write [{found!r}], and for several users "
                "a list of such lists."
            )
    if not one and users is not None and len(history) != len(users):
        raise DataError(f"expected a history for each of the {len(users)} users, found {len(history)}.")


def query_table(
    users: str | int | Sequence[str | int] | None, history: Sequence[Any] | None, now: int | str | None, *, one: bool
) -> pa.Table:
    """Return the table of queries of a call, one row each."""
    columns: dict[str, list[Any]] = {}
    if users is not None:
        columns["user_id"] = id_texts([users] if one else cast(Sequence[Any], users), "users")
    if history is not None:
        columns["history"] = [h if h is None else id_texts(h, "history") for h in ([history] if one else history)]
    if now is not None:
        columns["now"] = [now] * len(next(iter(columns.values()), []))
    types = {"user_id": pa.string(), "history": pa.list_(pa.string()), "now": None}
    return pa.table({name: pa.array(values, types[name]) for name, values in columns.items()})
