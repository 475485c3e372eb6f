"""The dataset stage: where tables come from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import pyarrow as pa

from zoo.params import Params

P = TypeVar("P", bound=Params)


class Columns(Protocol):
    """A table that is read a few columns at a time; a `pyarrow.Table` is one."""

    @property
    def column_names(self) -> list[str]:
        """Return the names of the columns."""

    def select(self, columns: list[str]) -> pa.Table:
        """Return some of the columns, in the order asked for."""


Notes = dict[str, int | str]
"""What happened to the data, by a short phrase: for reports."""


@dataclass(frozen=True, eq=False)
class Tables:
    """What a dataset holds, as it was read.

    Attributes:
        interactions: A row an event; its columns are mapped to the canonical schema by `[data]`.
        items: A row an item, or None where nothing is known of the items.
        interactions_from: What to call the event table in an error: the file's path.
        items_from: What to call the item table in an error.
        interactions_place: Names the place of a row, counted from 0, in an error (of several files, the one it is in);
            `interactions_from` and the row's number by default.
        items_place: The same for the items.
        ids_restart: Whether queries of judged lists are numbered anew in each file, so that two of them may have one id.
    """

    interactions: Columns
    items: Columns | None = None
    interactions_from: str = "interactions"
    items_from: str = "items"
    interactions_place: Callable[[int], str] | None = None
    items_place: Callable[[int], str] | None = None
    ids_restart: bool = False


class Dataset(ABC, Generic[P]):
    """A source of interactions and items; built from its parameters alone."""

    def __init__(self, params: P) -> None:
        self.params = params

    @abstractmethod
    def read(self) -> Tables:
        """Return the tables.

        Raises:
            DataError: A file is missing or cannot be read; the message names it.
        """
