"""Lists that another program made: a file or a data frame, brought into the order of the queries of a task.

What cannot be read is an error with its row. What can be read and is not as it should be (users without a query, queries without a
list) is counted, and the counts stand in the report.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from zoo.benchmark.lists.list_entries import Entries, read_entries
from zoo.data.clock import parse_times
from zoo.data.files import file_table
from zoo.data.frames import frame_table, is_frame
from zoo.data.queries import Queries
from zoo.data.schema import Ids, MappedTable, ids
from zoo.errors import DataError

EXAMPLE = "user_id and items (a list of item ids, best first), or user_id, item_id and score (or rank)"
Numbers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ExternalLists:
    """Lists in the order of the queries of a task.

    Attributes:
        origin: The name of the file.
        items: The item ids of each query, best first, `[Q]` lists of text; empty for a query without a list.
        scores: Their scores; null if the file has none.
        rows: The row of the file that each entry comes from, in the order of the flat list values.
        place: Returns the name of a row in messages.
        n_lists: The number of lists in the file.
        counts: Counts of what is not as it should be, by a short name.
        notes: The same in sentences.
    """

    origin: str
    items: pa.ListArray
    scores: pa.ListArray
    rows: Numbers
    place: Callable[[int], str]
    n_lists: int
    counts: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read_external(lists: Any, queries: Queries, user_ids: pa.Array, item_ids: pa.Array) -> ExternalLists:
    """Read lists and bring them into the order of the queries.

    Args:
        lists: A file, or a data frame.
        queries: The queries.
        user_ids: The user ids by row of the log, `[U]`.
        item_ids: The item ids by item number, `[I]`; entry 0 is padding.

    Raises:
        DataError: The lists cannot be read, a user has two lists, or none is of a user with a query.
    """
    table = _open(lists)
    _refuse_several_models(table)
    entries = read_entries(table, item_ids)
    users = _read_users(table)
    moments = _read_moments(table, queries)
    codes = users.codes.astype(np.int64)
    keys: Numbers = np.stack([codes, np.zeros_like(codes) if moments is None else moments], axis=1)
    if entries.ends_lists:  # one row is one list
        _refuse_repeated(table, keys, users)
        list_of = first = np.arange(len(keys))
    else:
        _, first, list_of = np.unique(keys, axis=0, return_index=True, return_inverse=True)
        list_of = list_of.ravel()
        entries = entries.in_order(list_of, table)
    found = _FileLists(table, users, None if moments is None else moments[first], first)
    query_of = found.match(queries, user_ids)
    counts, notes = found.count_unmatched(query_of, user_ids, len(queries))
    entry_query = query_of[list_of[entries.rows]]
    kept = np.flatnonzero(entry_query >= 0)
    order = kept[np.argsort(entry_query[kept], kind="stable")]
    lengths = np.bincount(entry_query[order], minlength=len(queries))
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32))
    items, scores = (
        pa.ListArray.from_arrays(offsets, values.take(pa.array(order))) for values in (entries.items, entries.scores)
    )
    empty = np.flatnonzero((query_of >= 0) & (lengths[query_of] == 0))
    if len(empty):
        counts["empty lists"] = len(empty)
        have = "1 list is" if len(empty) == 1 else f"{len(empty):,} lists are"
        notes.append(f"{have} empty, such as that of {table.place(int(first[empty[0]]))}: each slot is a miss")
    notes += _tie_note(entries)
    return ExternalLists(table.origin, items, scores, entries.rows[order], table.place, len(first), counts, notes)


def _open(lists: Any) -> MappedTable:
    """Return the table of a file or a data frame.

    Raises:
        DataError: There is no such file, it cannot be read, or has not the columns of lists.
    """
    if is_frame(lists):
        source: Any = frame_table(lists)
        origin = source.origin
    else:
        if not Path(lists).is_file():
            raise DataError(f"{lists}: there is no such file. Give a file of lists with the columns {EXAMPLE}.")
        source = file_table(Path(lists))
        origin = source.name
    names = list(source.column_names)
    if "user_id" not in names or not {"items", "item_id"} & set(names):
        raise DataError(
            f"{origin}: expected the columns {EXAMPLE}; found {', '.join(names) or 'none'}. Rename the columns."
        )
    return MappedTable.of(source, {}, "the columns of the file", origin, source.place)


def _refuse_several_models(table: MappedTable) -> None:
    """Refuse a file with the lists of several models or seeds, as `lists.parquet` of a results folder is.

    Raises:
        DataError: It has several.
    """
    for name in ("model", "seed"):
        if name in table.column_names:
            found = pc.unique(table.select([name]).column(0)).to_pylist()
            if len(found) > 1:
                shown = ", ".join(map(str, found[:5])) + (", ..." if len(found) > 5 else "")
                raise DataError(
                    f"{table.origin}: has the lists of {len(found)} values of {name!r} ({shown}), expected one list for each query. "
                    "Write those of one into a file of their own."
                )


def _read_users(table: MappedTable) -> Ids:
    """Return the users of the rows.

    Raises:
        DataError: A row has none.
    """
    found = ids(table, table.select(["user_id"]).column(0), "user_id")
    if (found.codes < 0).any():
        table.fail(int(np.argmax(found.codes < 0)), "user_id is empty, expected the user of the list. Correct the row.")
    return found


def _read_moments(table: MappedTable, queries: Queries) -> Numbers | None:
    """Return the time of the query of each row, `[N]`; None if the file has no column `now`.

    Raises:
        DataError: A time cannot be read; or there are none, and a user has several queries.
    """
    if "now" in table.column_names:
        column = table.select(["now"]).column(0)
        if pa.types.is_integer(column.type) and not column.null_count:
            return np.asarray(column.to_numpy(), np.int64)
        mapped = MappedTable(table.table, {"timestamp": "now"}, "", table.origin, table.place)
        moments = parse_times(mapped, column, "timestamp")
        assert moments.values is not None  # there is a column
        return np.asarray(moments.values, np.int64)
    n_users = len(np.unique(queries.row))
    if n_users < len(queries):
        raise DataError(
            f"{table.origin}: has no column 'now', and the split asks {len(queries):,} queries of {n_users:,} users. Add the time of the "
            "query to each row, as in `lists.parquet` of a results folder."
        )
    return None


def _refuse_repeated(table: MappedTable, keys: Numbers, users: Ids) -> None:
    """Refuse two lists for one query.

    Raises:
        DataError: There are two.
    """
    _, first, back = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    again = np.flatnonzero(first[back.ravel()] != np.arange(len(keys)))
    if len(again):
        row = int(again[0])
        user = users.unique[int(users.codes[row])].as_py()
        table.fail(
            row,
            f"{user!r} has a list already, in row {int(first[back.ravel()[row]]) + 1} ({len(again):,} rows repeat a query). Keep one list "
            "for each query.",
        )


@dataclass(frozen=True, eq=False)
class _FileLists:
    """The lists of a file.

    Attributes:
        table: The file, for messages.
        users: The user of each row.
        moments: The time of each list, if the file has times.
        first: The first row of each list.
    """

    table: MappedTable
    users: Ids
    moments: Numbers | None
    first: Numbers

    def match(self, queries: Queries, user_ids: pa.Array) -> Numbers:
        """Return the query of each list, -1 for none.

        Raises:
            DataError: No list has a query, or two queries of a user have the same time.
        """
        asked = dict[tuple[int, int], int]()
        for at, (row, now) in enumerate(zip(queries.row.tolist(), queries.now.tolist(), strict=True)):
            key = (row, 0 if self.moments is None else now)
            if key in asked:
                raise DataError(
                    f"{self.table.origin}: user {user_ids[row].as_py()!r} has two queries at the time {now}, so a list cannot say which of "
                    "them it answers. Split the data so that a user has one query at a time."
                )
            asked[key] = at
        times = np.zeros(len(self.first), np.int64) if self.moments is None else self.moments
        pairs = zip(self._log_rows(user_ids).tolist(), times.tolist(), strict=True)
        query_of = np.array([asked.get(pair, -1) for pair in pairs], np.int64)
        if (query_of < 0).all():
            self._refuse_unmatched(queries, user_ids)
        return query_of

    def _log_rows(self, user_ids: pa.Array) -> Numbers:
        """Return the row of the log of each list's user; -1 for a user that is not in the data."""
        rows = pc.index_in(self.users.unique, value_set=user_ids).fill_null(-1).to_numpy(zero_copy_only=False)
        found: Numbers = rows.astype(np.int64)[self.users.codes[self.first]]
        return found

    def _refuse_unmatched(self, queries: Queries, user_ids: pa.Array) -> NoReturn:
        """Raise the error of a file without a list for any query."""
        if not len(self.first):
            raise DataError(f"{self.table.origin}: has no lists. Write one for each test query.")
        times_too = "" if self.moments is None else ", and the times of the queries,"
        raise DataError(
            f"{self.table.origin}: none of its {len(self.first):,} lists is for a test query; its first user is {self._user(0)!r}, that of "
            f"the first query {user_ids[int(queries.row[0])].as_py()!r}. Write the ids of users{times_too} as they are in the data."
        )

    def _user(self, at: int) -> str:
        """Return the user of a list."""
        return str(self.users.unique[int(self.users.codes[self.first[at]])].as_py())

    def count_unmatched(
        self, query_of: Numbers, user_ids: pa.Array, n_queries: int
    ) -> tuple[dict[str, int], list[str]]:
        """Return the counts of lists without a query and of queries without a list, and sentences about them."""
        counts, notes = dict[str, int](), list[str]()
        unknown = self._log_rows(user_ids) < 0
        for name, sentence, which in (
            ("lists of unknown users", "of users that are not in the data", unknown),
            ("lists without a test query", "of users without a test query", ~unknown & (query_of < 0)),
        ):
            if n := int(np.count_nonzero(which)):
                at = int(np.argmax(which))
                counts[name] = n
                lists = "1 list is" if n == 1 else f"{n:,} lists are"
                notes.append(
                    f"{lists} {sentence}, such as {self._user(at)!r} ({self.table.place(int(self.first[at]))}): left out"
                )
        missing = n_queries - len(np.unique(query_of[query_of >= 0]))
        if missing:
            counts["queries without a list"] = missing
            notes.append(f"{missing:,} of {n_queries:,} queries have no list: each slot is a miss")
        return counts, notes


def _tie_note(entries: Entries) -> Iterator[str]:
    """Yield how many items share their score with another item of the list."""
    if entries.n_tied:
        yield f"{entries.n_tied:,} items have the score of the item before them: they are ordered by item number, as those of models"
