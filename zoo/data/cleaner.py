"""The cleaner stage: finds events that do not belong into a log, items that are the same, or columns that are missing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from zoo.config.split_settings import Unit
from zoo.data.catalogue import Catalogue
from zoo.data.interactions import Interactions
from zoo.data.units import unit_ends
from zoo.params import Params

P = TypeVar("P", bound=Params)


@dataclass(frozen=True, eq=False)
class UncleanLog:
    """What a cleaner reads.

    Attributes:
        log: The events, sorted by user and time. Items have provisional numbers, of the log only; further columns are in
            `log.column(name)` if `has_column(name)`.
        catalogue: The items of the log in the same numbers, `[I]`: `catalogue.ids` has the ids as in the data.
        user_ids: The user ids as in the data, in the order of the log's rows, `[U]`.
        cut: The time at which the test part starts, in the unit of `log.times`; None if the split does not cut by time.
        unit: What the split never divides: with baskets or sessions, one that ends after the cut belongs to the test.
    """

    log: Interactions
    catalogue: Catalogue
    user_ids: pa.Array
    cut: int | None = None
    unit: Unit = "event"

    @property
    def item_ids(self) -> pa.Array:
        """Return the item ids as in the data, `[I]`; entry 0 is padding and None."""
        return self.catalogue.ids

    @cached_property
    def before(self) -> NDArray[np.bool_]:
        """Return which events belong to no unit of the test part, `[N]`: thresholds are learned from these only."""
        return np.ones(len(self.log), np.bool_) if self.cut is None else unit_ends(self.log, self.unit) < self.cut

    def has_column(self, name: str) -> bool:
        """Return whether the log has a further column of this name."""
        return self.log.source is not None and name in self.log.source.column_names


@dataclass(frozen=True, eq=False)
class Flag:
    """Events to remove for one reason.

    Attributes:
        events: The events, `[N]` bool.
        reason: Why, in a few words for the report: `same user, item, time and event`.
    """

    events: NDArray[np.bool_]
    reason: str


@dataclass(frozen=True, eq=False)
class Cleaned:
    """What a cleaner found. The core removes and counts the flagged events; an event with several flags counts for the first.

    Attributes:
        flags: The events to remove.
        items: The item number that replaces each item number, `[I]` int; entry 0 is 0. None to keep all.
        items_reason: Why items are replaced.
        columns: New columns of the log, a value for each event, `[N]`.
        remarks: Counts of what was seen and left as it is, by a short phrase.
    """

    flags: tuple[Flag, ...] = ()
    items: NDArray[np.integer] | None = None
    items_reason: str = "the same article"
    columns: Mapping[str, NDArray[Any] | pa.Array] = field(default_factory=dict)
    remarks: Mapping[str, int] = field(default_factory=dict)


class Cleaner(ABC, Generic[P]):
    """Finds defects of a log; built from its parameters alone. It changes nothing: the core removes, counts and lists."""

    def __init__(self, params: P) -> None:
        self.params = params

    @abstractmethod
    def clean(self, data: UncleanLog) -> Cleaned:
        """Return what to remove, replace or add.

        What it says of the events before `data.cut` must not depend on the events from there on: these are the test.

        Raises:
            DataError: The log lacks what the cleaner reads; the message says what to do.
        """
