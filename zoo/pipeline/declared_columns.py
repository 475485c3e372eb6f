"""The columns of items and users that components declare: refuse a model or a metric whose columns the data lack."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeVar

from zoo.config.chosen import Chosen
from zoo.config.resolved import ResolvedModel
from zoo.data.catalogue import Catalogue
from zoo.data.near_columns import format_mapping, near_column, suggest_column
from zoo.data.numbered_table import NumberedTable
from zoo.data.user_table import UserTable
from zoo.errors import ConfigError

T = TypeVar("T", bound=NumberedTable)
Needs = list[tuple[str, tuple[str, ...]]]
"""The names of components, and the columns that each declares."""


def check_columns(parts: Iterable[Chosen], catalogue: Catalogue | None, where: str) -> None:
    """Check that the catalogue has the columns that components declare.

    Raises:
        ConfigError: Columns are missing; the message has a line for each component.
    """
    _refuse_missing([(part.name, part.capabilities.columns) for part in parts], catalogue, where, "item")


def check_model(model: ResolvedModel, catalogue: Catalogue | None, users: UserTable | None) -> None:
    """Check that the data have the columns of items and users that the components of a model declare.

    Raises:
        ConfigError: Columns are missing; the message has a line for each component.
    """
    _refuse_missing(_item_needs(model), catalogue, model.label, "item")
    needs = [(model.predictor.name, model.predictor.capabilities.user_columns), *user_needs(model)]
    _refuse_missing(needs, users, model.label, "user")


def declared_columns(model: ResolvedModel, catalogue: Catalogue | None) -> Catalogue | None:
    """Return the columns that the rankers and candidate features of a model declare, or None if they declare none.

    Raises:
        ConfigError: The catalogue lacks a column.
    """
    needs = _item_needs(model)
    _refuse_missing(needs, catalogue, model.label, "item")
    return _select(needs, catalogue)


def declared_user_columns(model: ResolvedModel, users: UserTable | None) -> UserTable | None:
    """Return the columns of users that the rankers and candidate features of a model read, or None if they read none.

    A predictor keeps in its state what it has read of the users.

    Raises:
        ConfigError: The user table lacks a column.
    """
    needs = user_needs(model)
    _refuse_missing(needs, users, model.label, "user")
    return _select(needs, users)


def _item_needs(model: ResolvedModel) -> Needs:
    """Return the rankers and the candidate features of a model by name, with the item columns that each declares."""
    groups = model.candidate_features.plugin_groups if model.rankers else ()
    return [
        *((ranker.name, ranker.capabilities.columns) for ranker in model.rankers),
        *((group.spec.name, group.columns) for group in groups),
    ]


def user_needs(model: ResolvedModel) -> Needs:
    """Return the rankers and the candidate features of a model by name, with the user columns that each reads."""
    named = tuple(model.candidate_features.user_columns) if model.rankers else ()
    rankers = [(ranker.name, ranker.capabilities.user_columns) for ranker in model.rankers]
    return [*rankers, *([("candidate_features", named)] if named else [])]


def _select(needs: Needs, table: T | None) -> T | None:
    """Return the declared columns of a table, or None if none is declared."""
    names = list(dict.fromkeys(name for _, columns in needs for name in columns))
    return table.select(names) if names and table is not None else None


def _refuse_missing(needs: Needs, table: NumberedTable | None, where: str, kind: Literal["item", "user"]) -> None:
    """Check that a table has declared columns.

    Args:
        needs: Names of components, and the columns that each declares.
        table: The items or users of the task.
        where: What has the components, for the message.
        kind: What a row of the table is.

    Raises:
        ConfigError: Columns are missing; the message has a line for each component.
    """
    have = [] if table is None else table.columns
    lines = []
    for needing, columns in needs:
        missing = [name for name in columns if name not in have]
        if not missing:
            continue
        reads = f"{where}: {needing} reads the {kind} column{'s' * (len(missing) > 1)} {', '.join(map(repr, missing))}"
        if kind == "user" and table is None:
            lines.append(
                f"{reads}, and the data have no user table. Give the `source` of [data] a file of `users` (in Python, "
                "`read_log(..., users=...)`), or leave the columns out."
            )
            continue
        near = near_column(missing[0], have)
        lines.append(
            f"{reads}, and the {kind}s have {', '.join(have) or 'no columns'}.{suggest_column(missing[0], have)} Map a column of "
            f"the {kind}s, {format_mapping(f'data.{kind}_columns', missing[0], near)}, or choose another one in the parameters."
        )
    if lines:
        raise ConfigError("\n".join(lines))
