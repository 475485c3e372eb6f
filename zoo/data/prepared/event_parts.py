"""The events of files as parts for sorting: ids, times and event types, parsed a batch at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import pyarrow as pa

from zoo.data.clock import choose_clock, parse_times
from zoo.data.files import FileTable
from zoo.data.interactions import Clock
from zoo.data.schema import MappedTable, id_values


class MixedParts(Exception):  # noqa: N818 - no error: the caller reads the table as a whole
    """Parts of a table were read in different ways, so that only the whole table tells how to read it."""


@dataclass(eq=False)
class EventParts:
    """The parts of a table of events.

    Attributes:
        events: The table.
        files: The same table under its own column names.
        clock: The kind of the times.
        read_as: How the times of the parts so far were read.
    """

    events: MappedTable
    files: FileTable
    clock: Clock
    read_as: str = field(default="", init=False)

    @classmethod
    def of(cls, events: MappedTable, files: FileTable, time: str) -> EventParts:
        """Return the parts of a table.

        Args:
            events: The table.
            files: The same table under its own column names.
            time: The setting `data.time`, except `file-order`.

        Raises:
            DataError: The table lacks a column.
        """
        for name in ("user_id", "item_id"):
            events.require(name)
        return cls(events, files, choose_clock(events, time))

    def __iter__(self) -> Iterator[pa.Table]:
        """Yield tables with the columns `user`, `item`, `time` and `event`.

        Raises:
            DataError: A value cannot be read; the message names its row.
            MixedParts: The parts have ids of different types, or times in different formats.
        """
        has_types = "event" in self.events.names
        needed = ["user_id", "item_id", self.clock, *(["event"] if has_types else [])]
        first, kinds = 0, set[tuple[pa.DataType, ...]]()
        for rows in self.files.batches([self.events.names[name] for name in needed]):
            if not rows.num_rows:
                continue
            table = replace(self.events, table=rows, place=partial(self._place, first))
            part = table.select(needed)
            names = [*needed[:2], *needed[3:]]
            ids = {name: id_values(table, part[name], name) for name in names}
            times = parse_times(table, part[self.clock], self.clock)
            kinds.add(tuple(ids[name].type for name in needed[:2]))
            if len(kinds) > 1 or (self.read_as and times.read_as != self.read_as):
                raise MixedParts
            self.read_as = times.read_as
            types = ids["event"].cast(pa.string()) if has_types else _repeat("interaction", part.num_rows)
            yield pa.table({"user": ids["user_id"], "item": ids["item_id"], "time": times.values, "event": types})
            first += part.num_rows

    def _place(self, first: int, row: int) -> str:
        """Return the place of a row of a part that begins at a row of the table."""
        return self.events.place(first + row)


def _repeat(text: str, count: int) -> pa.Array:
    """Return a text several times."""
    return pa.array([text]).take(pa.array(np.zeros(count, np.int8)))
