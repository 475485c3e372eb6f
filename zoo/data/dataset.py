"""The dataset stage: where tables come from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Generic, TypeVar

import pyarrow as pa

from zoo.params import Params

P = TypeVar("P", bound=Params)


@dataclass(frozen=True, eq=False)
class Tables:
    """What a dataset holds, as it was read.

    Attributes:
        interactions: A row an event; its columns are mapped to the canonical schema by `[data]`.
        items: A row an item, or None where nothing is known of the items.
        interactions_from: What to call the event table in an error: the file's path.
        items_from: What to call the item table in an error.
    """

    interactions: pa.Table
    items: pa.Table | None = None
    interactions_from: str = "interactions"
    items_from: str = "items"


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
