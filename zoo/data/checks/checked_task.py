"""A task as the checks see it: which events its test queries ask for, and which of them are in the histories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from zoo.config.resolved import ResolvedModel
from zoo.config.split_settings import StrongGeneralisation
from zoo.data.checks.unit_columns import find_unit_columns
from zoo.data.event_types import event_codes
from zoo.data.interactions import Interactions
from zoo.data.task import Task


@dataclass(frozen=True)
class DividedColumn:
    """A column of the events whose baskets or sessions the split divides.

    Attributes:
        name: Its name.
        kind: What its values identify.
        users: The number of users with a target whose basket or session has events in the history too.
        example: A user, a value, and the number of its events in the history.
    """

    name: str
    kind: Literal["basket", "session"]
    users: int
    example: str


@dataclass(frozen=True, eq=False)
class CheckedTask:
    """A task, the models that will be compared on it, and arrays that several checks need.

    Attributes:
        task: The task.
        models: The models of the experiment; empty if they are unknown.
    """

    task: Task
    models: Sequence[ResolvedModel] = ()

    @property
    def log(self) -> Interactions:
        """Return the events in the order of the units."""
        return self.task.log

    @cached_property
    def users(self) -> NDArray[np.int64]:
        """Return the row of each event, `[N]`."""
        return self.log.users

    @cached_property
    def asks_within(self) -> bool:
        """Return whether a query has events of its own part in its history."""
        split = self.task.split
        return not isinstance(split, StrongGeneralisation) and split.targets == "each"

    @cached_property
    def known(self) -> NDArray[np.bool_]:
        """Return the events that are in the histories of all test queries of their user, `[N]`."""
        return self.task.parts.known("test")

    @cached_property
    def is_target(self) -> NDArray[np.bool_]:
        """Return the test events that count as targets by event type and item, `[N]`."""
        wanted, log = self.task.evaluate.target_events, self.log
        is_target = self.task.parts.is_target("test") & self.task.eligible[log.items]
        if wanted is not None:
            is_target &= np.isin(log.events, event_codes(wanted, log.event_names, "evaluate.target_events"))
        return is_target

    @cached_property
    def n_test_users(self) -> int:
        """Return the number of users with target events in the test part."""
        return self.count_users(self.is_target)

    def count_users(self, events: NDArray[np.bool_]) -> int:
        """Return the number of users with at least one of the given events, `[N]` bool."""
        rows = self.users[events]
        return int(np.count_nonzero(np.diff(rows, prepend=-1)))

    def beside_history(self, groups: NDArray[np.int64], n_groups: int) -> NDArray[np.bool_]:
        """Return the targets whose query has another event of the same group in its history, `[N]`.

        Args:
            groups: The group of each event, from 0, or -1 for none; all events of a group have one user.
            n_groups: The number of groups.
        """
        has = np.zeros(n_groups + 1, np.bool_)
        has[groups[self.known]] = True
        has[-1] = False  # the entry of events without a group
        found = self.is_target & has[groups]
        if self.asks_within:
            steps, events = self.task.units.steps, np.flatnonzero(self.known | self.is_target)[::-1]
            first = np.full(n_groups + 1, len(steps), np.int64)
            first[groups[events]] = steps[events]  # reversed, so that the first event is written last and remains
            found |= self.is_target & (groups >= 0) & (first[groups] < steps)
        return found

    @cached_property
    def divided_columns(self) -> tuple[DividedColumn, ...]:
        """Return the columns whose baskets or sessions the split divides, the one that concerns most users first."""
        found = []
        for column in find_unit_columns(self.log, self.task.split) if self.task.split.unit == "event" else ():
            divided = self.beside_history(column.groups, column.n_groups)
            if divided.any():
                event = int(np.flatnonzero(divided)[0])
                mates = int(np.count_nonzero(self.known & (column.groups == column.groups[event])))
                inside = f"{mates} events" if mates else "earlier events"
                example = (
                    f"the history of user {self.user_id(event)} has {inside} with {column.name} = "
                    f"{column.format_value(event)}, and the test event at {self.format_time(event)} has the same value"
                )
                found.append(DividedColumn(column.name, column.kind, self.count_users(divided), example))
        return tuple(sorted(found, key=lambda column: -column.users))

    def user_id(self, event: int) -> str:
        """Return the user id of an event, as in the data."""
        return repr(_value(self.task.user_ids, int(self.users[event])))

    def item_id(self, event: int) -> str:
        """Return the item id of an event, as in the data."""
        return repr(_value(self.task.catalogue.ids, int(self.log.items[event])))

    def format_time(self, event: int) -> str:
        """Return the time of an event."""
        time = int(self.log.times[event])
        if self.log.clock != "timestamp":
            return f"position {time}"
        return f"{np.datetime64(time, 'ms').astype('M8[s]')}Z"


def _value(ids: pa.Array, at: int) -> str:
    """Return an entry of an array of texts."""
    return str(ids[at].as_py())
