"""The further columns of a log that a fit reads: its entry in a cache holds for logs in which they are the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from zoo.data.dataset import Columns
from zoo.data.fingerprint import fingerprint_table
from zoo.data.interactions import Interactions
from zoo.stages.stage import TrainingData


class NotedColumns:
    """The further columns of a log; it notes the names of those that are read. Pickling reads all."""

    def __init__(self, source: Columns, read: set[str]) -> None:
        """Wrap the columns.

        Args:
            source: The columns.
            read: Receives the names of those that are read.
        """
        self._source, self._read = source, read

    @property
    def column_names(self) -> list[str]:
        """Return the names of the columns."""
        return list(self._source.column_names)

    def select(self, columns: list[str]) -> pa.Table:
        """Return the given columns, in the given order."""
        table = self._source.select(columns)
        self._read.update(columns)
        return table

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the columns; a copy can read all of them unnoticed."""
        self._read.update(self.column_names)
        return type(self), (self._source, set[str]())


@dataclass(frozen=True)
class NotedData:
    """What a stage is fitted on, and which further columns of the log were read.

    Attributes:
        data: The data, for the fit.
        read: The names of the columns that were read so far.
        log: The log itself; what is read from it is not noted.
    """

    data: TrainingData
    read: set[str]
    log: Interactions

    @classmethod
    def of(cls, data: TrainingData) -> NotedData:
        """Return data that note what is read from them."""
        log, read = data.interactions, set[str]()
        if log.source is None:
            return cls(data, read, log)
        return cls(replace(data, interactions=replace(log, source=NotedColumns(log.source, read))), read, log)

    def hashes(self, names: Iterable[str]) -> dict[str, str]:
        """Return a hash of the contents of each of these further columns of the log, in the order of its events.

        Raises:
            DataError: The log has no such column.
        """
        return {name: fingerprint_table(pa.table({name: self.log.column(name)})) for name in sorted(names)}
