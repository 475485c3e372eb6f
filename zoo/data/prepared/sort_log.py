"""Build a log that does not fit into memory: DuckDB numbers, joins and sorts its events, and the columns are files.

The result is that of `zoo.data.log`, event for event: users in the order of their texts, items in the order of the
vocabulary, the events of a user by time, and those of a moment by item, event type and row.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from zoo.data.interactions import Clock, Interactions, Ties
from zoo.data.vocabulary import Vocabulary

if TYPE_CHECKING:
    import duckdb

COLUMNS: Mapping[str, Any] = {"items": np.int32, "times": np.int64, "events": np.uint8, "rows": np.int64}
"""The columns of a log that have an entry per event, and their types."""
SORTED_ROWS = 2**20
"""The rows of a batch that is written at once."""


@dataclass(frozen=True)
class Rows:
    """What the rows of a log have, before any is left out.

    Attributes:
        count: The number of rows.
        without: The number of rows without a user, and without an item, by column.
        by_event: The number of rows with a user and an item of each event type, by its name; None is a row without a type.
    """

    count: int
    without: Mapping[str, int]
    by_event: Mapping[str | None, int]


@dataclass(frozen=True, eq=False)
class SortedLog:
    """A sorted log whose columns are files.

    Attributes:
        log: The log; its columns are memory-mapped.
        user_ids: The ids of its users, `[U]`.
        item_ids: The ids of its items in the order of their numbers, `[I - 1]`.
    """

    log: Interactions
    user_ids: pa.Array
    item_ids: pa.Array


class LogSorter:
    """Sorts the events of a log into files. Use it in a `with` statement, which removes what it needs for a while.

    Attributes:
        folder: The folder of the columns.
        rows: What the rows have.
    """

    def __init__(self, parts: Iterable[pa.Table], folder: Path, memory: int, threads: int) -> None:
        """Copy the rows to the disk.

        Args:
            parts: Tables with the columns `user` and `item` (int64 or text, null without an id), `time` (int64, UTC
                milliseconds or positions) and `event` (text, null without a type), in the order of the rows.
            folder: The folder of the columns.
            memory: The bytes that DuckDB may use.
            threads: The threads that DuckDB may use.
        """
        import duckdb

        self.folder, self._scratch = folder, folder / "scratch"
        self._scratch.mkdir()
        self._connection = duckdb.connect(
            str(self._scratch / "events.duckdb"),
            config={
                "memory_limit": f"{memory >> 20}MiB",
                "threads": threads,
                "temp_directory": str(self._scratch / "spilled"),
            },
        )
        try:
            n_rows = _load(self._connection, parts)
            self.rows = self._count(n_rows) if n_rows else Rows(0, {}, {})
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self) -> Self:
        """Return the sorter."""
        return self

    def __exit__(self, *error: object) -> None:
        """Remove what is no column."""
        self._connection.close()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def sort(self, event_names: Sequence[str], clock: Clock, ties: Ties, salt: str) -> SortedLog:
        """Write the columns of the log.

        Args:
            event_names: The event types that are kept, in the order of their codes.
            clock: The kind of the times.
            ties: What the order of a user's events at one moment means.
            salt: The key of the hash that numbers the items.
        """
        self._create("types", {"event": pa.array(event_names, pa.string()), "code": _codes(len(event_names))})
        user_ids, item_ids = self._number_users(), self._number_items(salt)
        offsets = self._write_columns(len(user_ids), ties)
        items, times, events, rows = open_columns(self.folder, int(offsets[-1]))
        names = tuple(event_names)
        log = Interactions(offsets, items, times, events, len(item_ids), names, clock=clock, rows=rows, ties=ties)
        return SortedLog(log, user_ids, item_ids)

    def _count(self, n_rows: int) -> Rows:
        """Return what the rows have."""
        (without,) = self._connection.sql('SELECT count(*) - count("user"), count(*) - count(item) FROM raw').fetchall()
        counted = f"SELECT event, count(*) FILTER (WHERE {HAS_IDS}) FROM raw GROUP BY event"  # noqa: S608 - a constant
        by_event = self._connection.sql(counted).fetchall()
        return Rows(n_rows, dict(zip(("user_id", "item_id"), without, strict=True)), dict(by_event))

    def _create(self, name: str, columns: Mapping[str, Any]) -> None:
        """Create a table."""
        self._connection.register("given", pa.table(dict(columns)))
        self._connection.execute(f"CREATE TABLE {name} AS SELECT * FROM given")  # noqa: S608 - a constant
        self._connection.unregister("given")

    def _number_users(self) -> pa.Array:
        """Create the table of the users that have events, and return their ids in the order of their texts."""
        self._connection.execute(
            f"""CREATE TABLE users AS SELECT "user", (row_number() OVER (ORDER BY "user"::VARCHAR) - 1)::INTEGER AS code
            FROM (SELECT DISTINCT "user" FROM raw WHERE {KEPT})"""  # noqa: S608 - a constant
        )
        found = self._connection.sql('SELECT "user"::VARCHAR AS id FROM users ORDER BY code').to_arrow_table()
        return found["id"].cast(pa.string()).combine_chunks()

    def _number_items(self, salt: str) -> pa.Array:
        """Create the table of the items that have events, and return their ids in the order of the vocabulary."""
        found = self._connection.sql(f"SELECT DISTINCT item FROM raw WHERE {KEPT}").to_arrow_table()["item"]  # noqa: S608 - a constant
        texts = found.cast(pa.string()).combine_chunks()
        vocabulary = Vocabulary.of(texts, salt)
        self._create("items", {"item": found, "number": vocabulary.numbers(texts)})
        return vocabulary.ids.slice(1)

    def _write_columns(self, n_users: int, ties: Ties) -> NDArray[np.int64]:
        """Write the columns of the sorted events, and return the start of each user's events, `[U + 1]`."""
        within = "number, types.code, row" if ties == "together" else "row"
        events = self._connection.sql(
            f"""SELECT users.code AS users, number AS items, "time" AS times, types.code AS events, row AS rows
            FROM raw JOIN users USING ("user") JOIN items USING (item) JOIN types USING (event)
            ORDER BY users.code, "time", {within}"""  # noqa: S608 - constants
        )
        lengths = np.zeros(n_users, np.int64)
        with ExitStack() as stack:
            files = {name: stack.enter_context((self.folder / f"{name}.bin").open("wb")) for name in COLUMNS}
            for batch in events.to_arrow_reader(SORTED_ROWS):
                lengths += np.bincount(batch["users"].to_numpy(), minlength=n_users)
                for name, file in files.items():
                    file.write(np.ascontiguousarray(batch[name].to_numpy(), file_type(name)).data)
        return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


HAS_IDS = '"user" IS NOT NULL AND item IS NOT NULL'
KEPT = f"{HAS_IDS} AND event IN (SELECT event FROM types)"  # noqa: S608 - a constant


def file_type(name: str) -> np.dtype[Any]:
    """Return the type of a column in its file."""
    kind: np.dtype[Any] = np.dtype(COLUMNS[name]).newbyteorder("<")
    return kind


def open_columns(folder: Path, length: int) -> list[NDArray[Any]]:
    """Return the columns of a folder, memory-mapped; empty ones are in memory, because an empty file cannot be mapped."""
    if not length:
        return [np.zeros(0, kind) for kind in COLUMNS.values()]
    return [np.memmap(folder / f"{name}.bin", file_type(name), "r", shape=(length,)) for name in COLUMNS]


def _codes(count: int) -> NDArray[np.uint8]:
    return np.arange(count, dtype=np.uint8)


def _load(connection: duckdb.DuckDBPyConnection, parts: Iterable[pa.Table]) -> int:
    """Copy the rows into a table, and return their number."""
    n_rows = 0
    for part in parts:
        connection.register("part", part.append_column("row", pa.array(np.arange(n_rows, n_rows + part.num_rows))))
        connection.execute("INSERT INTO raw SELECT * FROM part" if n_rows else "CREATE TABLE raw AS SELECT * FROM part")
        connection.unregister("part")
        n_rows += part.num_rows
    return n_rows
