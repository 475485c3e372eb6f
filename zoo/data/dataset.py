"""The dataset stage: sources of tables."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import pyarrow as pa

from zoo.errors import DataError, ZooError
from zoo.params import Params
from zoo.registry.plugin import describe_error

P = TypeVar("P", bound=Params)


class Columns(Protocol):
    """A table that is read a few columns at a time; a `pyarrow.Table` is one."""

    @property
    def column_names(self) -> list[str]:
        """Return the names of the columns."""

    def select(self, columns: list[str]) -> pa.Table:
        """Return the given columns, in the given order."""


Notes = dict[str, int | str]
"""Counts and remarks about the data, by a short phrase, for reports."""


@dataclass(frozen=True, eq=False)
class Tables:
    """The tables of a dataset, before `[data]` maps their columns.

    Attributes:
        interactions: One row per event; `[data]` maps its columns to the canonical schema.
        items: One row per item, or None if the dataset has no item table.
        interactions_from: The name of the event table in error messages: the file's path.
        items_from: The name of the item table in error messages.
        interactions_place: Returns the file and row number of a row (counted from 0) for error messages;
            `interactions_from` and the row number by default.
        items_place: The same for the items.
        ids_restart: Whether query ids of judged lists restart in each file, so that two queries may share an id.
        users: One row per user, or None if the dataset has no user table.
        users_from: The name of the user table in error messages.
        users_place: The same as `interactions_place` for the users.
    """

    interactions: Columns
    items: Columns | None = None
    interactions_from: str = "interactions"
    items_from: str = "items"
    interactions_place: Callable[[int], str] | None = None
    items_place: Callable[[int], str] | None = None
    ids_restart: bool = False
    users: Columns | None = None
    users_from: str = "users"
    users_place: Callable[[int], str] | None = None


class Dataset(ABC, Generic[P]):
    """A source of interactions, items and users; built from its parameters alone."""

    def __init__(self, params: P) -> None:
        self.params = params

    @abstractmethod
    def read(self) -> Tables:
        """Return the tables.

        Raises:
            DataError: A file is missing or cannot be read; the message names it.
        """


def read_tables(dataset: Dataset[Any], origin: str = "") -> Tables:
    """Return the tables of a dataset.

    Args:
        dataset: The dataset.
        origin: Its component and plugin for messages; its class by default.

    Raises:
        DataError: `read` failed, or did not return `Tables`.
    """
    name = origin or type(dataset).__name__
    try:
        tables = dataset.read()
    except ZooError:  # it says what is wrong with a file
        raise
    except (Exception, SystemExit) as error:  # a plugin may raise anything
        raise DataError(
            f"{name}: `read` failed: {describe_error(error)}. Correct the plugin or its parameters."
        ) from error
    if not isinstance(tables, Tables):
        raise DataError(
            f"{name}: `read` returned {type(tables).__name__}, expected zoo.api.Tables(interactions, items)"
        )
    for what, table in (
        ("interactions", tables.interactions),
        ("items", tables.items),
        ("users", tables.users),
    ):
        if (table is not None or what == "interactions") and not (
            hasattr(table, "column_names") and hasattr(table, "select")
        ):
            raise DataError(
                f"{name}: `read` returned {type(table).__name__} as {what}, expected a pyarrow.Table or another table with "
                "`column_names` and `select`"
            )
    return tables
