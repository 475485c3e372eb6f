"""The columns of a table of queries, converted to item, user and event numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from zoo.artifacts.contents import ArtifactContents
from zoo.artifacts.query_warnings import EXAMPLES, QueryWarnings
from zoo.data.arrow_types import normalise_types
from zoo.data.clock import parse_times
from zoo.data.interactions import Clock, Interactions
from zoo.data.schema import MappedTable, ids, is_text
from zoo.data.units import order_ties
from zoo.errors import DataError, suggestion

COLUMNS = ("user_id", "history", "times", "events", "now")
"""The columns that a table of queries may have."""
UNSET = np.iinfo(np.int64).min
"""Marks a missing time."""


def refuse_columns(names: list[str], origin: str) -> None:
    """Refuse a table with an unknown column, or without both `user_id` and `history`.

    Raises:
        DataError: The columns are invalid; the message suggests similar names.
    """
    for name in names:
        if name not in COLUMNS:
            raise DataError(
                f"{origin}: {name!r} is not a column of queries.{suggestion(name, COLUMNS)} "
                f"Known: {', '.join(COLUMNS)}. Rename or remove it."
            )
    if not {"user_id", "history"} & set(names):
        raise DataError(
            f"{origin}: neither a column 'user_id' nor 'history', but a query needs a user_id or a history. "
            f"Its columns: {', '.join(names) or 'none'}."
        )


class QueryTable:
    """The rows of a table of queries, interpreted by an artifact."""

    def __init__(self, table: pa.Table, artifact: ArtifactContents, place: Callable[[int], str], origin: str) -> None:
        self.table, self.artifact, self.place, self.origin = normalise_types(table, origin), artifact, place, origin

    def at(self, places: NDArray[np.int64]) -> QueryTable:
        """Return the rows at some positions."""
        return QueryTable(
            self.table.take(pa.array(places)), self.artifact, lambda row: self.place(int(places[row])), self.origin
        )

    def users(self, notes: QueryWarnings) -> NDArray[np.int64]:
        """Return the user number of each row, `[B]`; 0 for an unknown or missing user."""
        if "user_id" not in self.table.column_names:
            self._refuse_without_user(~self.has_history())
            return np.zeros(len(self.table), np.int64)
        found = ids(self._mapped(self.place), self.table.column("user_id"), "user_id")
        empty = found.codes < 0
        self._refuse_without_user(empty & ~self.has_history())
        numbers = pc.index_in(found.unique, value_set=self.artifact.user_ids).fill_null(-1).to_numpy() + 1
        users = np.append(numbers, 0)[found.codes].astype(np.int64)
        notes.new_users += int(np.count_nonzero((users == 0) & ~empty))
        unknown = found.unique.filter(pa.array(numbers == 0))[:EXAMPLES].to_pylist()
        notes.unknown_users += unknown[: EXAMPLES - len(notes.unknown_users)]
        return users

    def _refuse_without_user(self, rows: NDArray[np.bool_]) -> None:
        """Refuse rows, `[B]`, that have neither a user nor a history."""
        if rows.any():
            there = [name for name in ("user_id", "history") if name in self.table.column_names]
            what = " and ".join(there) + (" are" if len(there) > 1 else " is")
            hint = "; for a new user without events write [] as history, in CSV a space" if "history" in there else ""
            self._mapped(self.place).fail(
                int(np.argmax(rows)), f"{what} empty, but a query needs a user_id or a history. Mend the row{hint}."
            )

    def has_history(self) -> NDArray[np.bool_]:
        """Return which rows have a history, `[B]`; it may be empty."""
        if "history" not in self.table.column_names:
            return np.zeros(len(self.table), np.bool_)
        return np.asarray(self.table.column("history").is_valid().to_numpy(), np.bool_)

    def moments(self, otherwise: int | None) -> NDArray[np.int64]:
        """Return the time of each row, `[B]`; `otherwise`, or `UNSET`, for a row without one."""
        moments = np.full(len(self.table), UNSET if otherwise is None else otherwise, np.int64)
        if "now" in self.table.column_names:
            column = self.table.column("now")
            given = np.flatnonzero(column.is_valid().to_numpy())
            if len(given):
                moments[given] = self._times(column.take(pa.array(given)), "now", given)
        return moments

    def log(self, moments: NDArray[np.int64], notes: QueryWarnings) -> Interactions:
        """Return the histories of the rows, one row each, without events of unknown items."""
        lengths, values = self._lists("history")
        rows = np.repeat(np.arange(len(lengths)), lengths)
        mapped = self._mapped(lambda at: self.place(int(rows[at])))
        found = ids(mapped, values, "history")
        if (found.codes < 0).any():
            mapped.fail(
                int(np.argmax(found.codes < 0)), "history has an empty entry, expected an item id. Mend the row."
            )
        numbers = self.artifact.vocabulary.numbers(found.unique)
        items = numbers[found.codes]
        known = items > 0
        notes.left_out += int(np.count_nonzero(~known))
        unknown = found.unique.filter(pa.array(numbers == 0)).to_pylist()
        notes.unknown += [i for i in unknown if i not in notes.unknown][: EXAMPLES - len(notes.unknown)]
        settings = self.artifact.log
        log = Interactions.from_arrays(
            rows[known],
            items[known],
            self._event_times(lengths, rows, moments)[known],
            n_items=len(self.artifact.catalogue) - 1,
            n_users=len(lengths),
            events=self._event_codes(lengths, rows)[known],
            event_names=settings.event_names,
            event_weights=settings.event_weights,
            clock=settings.clock,
            ties=settings.ties,
        )
        return order_ties(log)

    def _event_times(
        self, lengths: NDArray[np.int64], rows: NDArray[np.int64], moments: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return the time of each event, `[M]`; in a row without times, consecutive times just before the query."""
        end = self.artifact.log.end + 1 if self.artifact.log.clock == "timestamp" else lengths
        begins = np.where(moments == UNSET, end, moments) - lengths
        times = begins[rows] + np.arange(len(rows)) - (np.cumsum(lengths) - lengths)[rows]
        given, values = self._parallel("times", lengths, rows)
        if len(values):
            times[given] = self._times(values, "times", rows[given])
        return np.asarray(times, np.int64)

    def _event_codes(self, lengths: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the type of each event, `[M]`; the default type in a row without event types."""
        names = self.artifact.log.event_names
        codes = np.full(len(rows), names.index(self.artifact.log.default_event))
        given, values = self._parallel("events", lengths, rows)
        if len(values):
            codes[given] = pc.index_in(values.cast(pa.string()), value_set=pa.array(names)).fill_null(-1).to_numpy()
        if (codes < 0).any():
            wrong = int(np.argmax(codes < 0))
            name = str(values[int(np.count_nonzero(given[:wrong]))])
            self._mapped(self.place).fail(
                int(rows[wrong]),
                f"events has {name!r}, which is not an event type of the artifact.{suggestion(name, names)} "
                f"Its types: {', '.join(names)}.",
            )
        return codes

    def _parallel(
        self, name: str, expected: NDArray[np.int64], rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.bool_], pa.ChunkedArray]:
        """Return which events have a value in a column of lists, `[M]`, and these values."""
        lengths, values = self._lists(name)
        if name not in self.table.column_names:
            return np.zeros(len(rows), np.bool_), values
        given = np.asarray(self.table.column(name).is_valid().to_numpy(), np.bool_)
        wrong = np.flatnonzero(given & (lengths != expected))
        if len(wrong):
            at = int(wrong[0])
            self._mapped(self.place).fail(
                at,
                f"{name} has {lengths[at]} entries and history {expected[at]}, expected the same number. Mend the row.",
            )
        return given[rows], values

    def _lists(self, name: str) -> tuple[NDArray[np.int64], pa.ChunkedArray]:
        """Return the length of each row's list, `[B]`, and all values, `[M]`; a string is split at its commas."""
        if name not in self.table.column_names:
            return np.zeros(len(self.table), np.int64), pa.chunked_array([], pa.string())
        column = self.table.column(name).combine_chunks()
        if pa.types.is_null(column.type):
            column = column.cast(pa.list_(pa.string()))
        if is_text(column.type):
            texts = pc.utf8_trim_whitespace(column)
            lists = pc.split_pattern_regex(texts, r"\s*,\s*")
            column = pc.if_else(pc.equal(texts, ""), pa.scalar([], lists.type), lists)
        if not pa.types.is_list(column.type):
            raise DataError(f"{self.origin}: {name} is {column.type}, expected a list. Write one list per row.")
        lengths = pc.list_value_length(column).fill_null(0).to_numpy(zero_copy_only=False)
        return lengths.astype(np.int64), pa.chunked_array([pc.list_flatten(column)])

    def _times(self, values: pa.ChunkedArray, name: str, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return times in the unit of the artifact's clock, `[M]`."""
        clock: Clock = "timestamp" if self.artifact.log.clock == "timestamp" else "position"
        mapped = self._mapped(lambda at: self.place(int(rows[at])), {clock: name})
        found = parse_times(mapped, values, clock).values
        assert found is not None  # a clock was given
        return found

    def _mapped(self, place: Callable[[int], str], names: Mapping[str, str] | None = None) -> MappedTable:
        """Return the table in the form that readers need for their messages."""
        return MappedTable(self.table, names or {}, "the queries", self.origin, place)
