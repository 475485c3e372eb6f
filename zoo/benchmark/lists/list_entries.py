"""The entries of a file of lists: item ids in the order of each list, from a column of lists, or from rows with scores or ranks."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from zoo.data.schema import MappedTable, first_failing, ids, is_text, strip_empty
from zoo.errors import DataError

Numbers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Entries:
    """The entries of all lists.

    Attributes:
        items: The item id of each entry, `[M]` text.
        scores: Its score, `[M]` float32; null without scores.
        rows: The row of the file that it comes from, `[M]`.
        ends_lists: Whether each row is a whole list, in its order.
        order: For rows of single items: what orders them, the best has the smallest value, `[M]`.
        numbers: For rows of single items: the item number, which orders items of the same score, `[M]`.
        has_ranks: Whether `order` has ranks, which differ within a list.
        n_tied: The number of items that have the score of the item before them.
    """

    items: pa.Array
    scores: pa.Array
    rows: Numbers
    ends_lists: bool
    order: NDArray[np.float64] | None = None
    numbers: Numbers | None = None
    has_ranks: bool = False
    n_tied: int = 0

    def in_order(self, list_of: Numbers, table: MappedTable) -> Entries:
        """Return rows of single items, ordered within their lists.

        Args:
            list_of: The list of each row, `[M]`.
            table: The file, for messages.

        Raises:
            DataError: Two items of a list have the same rank.
        """
        assert self.order is not None
        assert self.numbers is not None
        at = np.lexsort((self.numbers, self.order, list_of))
        same = (list_of[at][1:] == list_of[at][:-1]) & (self.order[at][1:] == self.order[at][:-1])
        if self.has_ranks and same.any():
            place = int(np.argmax(same))
            row, other = int(at[place + 1]), int(at[place])
            table.fail(
                row,
                f"rank {self.order[row]:g} is that of row {other + 1} too, which is of the same list. Give each item of a list its own "
                "rank.",
            )
        taken = pa.array(at)
        return replace(
            self,
            items=self.items.take(taken),
            scores=self.scores.take(taken),
            rows=self.rows[at],
            n_tied=0 if self.has_ranks else int(same.sum()),
        )


def read_entries(table: MappedTable, item_ids: pa.Array) -> Entries:
    """Read the entries of the lists.

    Args:
        table: The file.
        item_ids: The item ids by item number, `[I]`; entry 0 is padding.

    Raises:
        DataError: A column is missing or has another type, or a row has no item, no score, or one that is no number.
    """
    return _of_lists(table) if "items" in table.column_names else _of_rows(table, item_ids)


def _of_lists(table: MappedTable) -> Entries:
    """Read a column of lists; a text is split at its commas, as `zoo recommend` writes lists in CSV."""
    column = table.table.select([table.names["items"]]).column(0).combine_chunks()
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if is_text(column.type):
        texts = pc.utf8_trim_whitespace(column)
        lists = pc.split_pattern_regex(texts, r"\s*,\s*")
        column = pc.if_else(pc.equal(texts, ""), pa.scalar([], lists.type), lists)
    kind = column.type
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)):
        raise DataError(
            f"{table.origin}: items is {kind}, expected a list of item ids in each row. Write one list per row."
        )
    lengths = pc.list_value_length(column).fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    rows = np.repeat(np.arange(len(lengths)), lengths)
    mapped = replace(table, place=lambda entry: table.place(int(rows[entry])))
    found = _texts(
        mapped, pa.chunked_array([pc.list_flatten(column)]), "items", "has an empty entry, expected an item id"
    )
    return Entries(found, pa.nulls(len(rows), pa.float32()), rows, ends_lists=True)


def _of_rows(table: MappedTable, item_ids: pa.Array) -> Entries:
    """Read rows with one item each."""
    if not {"score", "rank"} & set(table.column_names):
        raise DataError(
            f"{table.origin}: has one item in each row and neither a column 'score' nor 'rank', so its lists have no order. Its columns: "
            f"{', '.join(table.column_names)}. Add one of them."
        )
    items = _texts(table, table.select(["item_id"]).column(0), "item_id", "is empty, expected an item id")
    scores = _numbers(table, "score") if "score" in table.column_names else None
    has_ranks = "rank" in table.column_names
    order = _numbers(table, "rank") if has_ranks else scores
    assert order is not None  # there is one of the two columns
    numbers = pc.index_in(items, value_set=item_ids.slice(1)).fill_null(len(item_ids)).to_numpy(zero_copy_only=False)
    stored = pa.nulls(len(items), pa.float32()) if scores is None else pa.array(scores.astype(np.float32))
    return Entries(
        items, stored, np.arange(len(items)), False, order if has_ranks else -order, numbers.astype(np.int64), has_ranks
    )


def _texts(table: MappedTable, column: pa.ChunkedArray, name: str, problem: str) -> pa.Array:
    """Return item ids as text, `[M]`.

    Raises:
        DataError: An id is empty.
    """
    found = ids(table, column, name)
    if (found.codes < 0).any():
        table.fail(int(np.argmax(found.codes < 0)), f"{name} {problem}. Correct the row.")
    return found.unique.take(pa.array(found.codes))


def _numbers(table: MappedTable, name: str) -> NDArray[np.float64]:
    """Return a column of numbers, `[M]`.

    Raises:
        DataError: A value is missing or no finite number.
    """
    column = table.select([name]).column(0)

    def cast(part: pa.ChunkedArray) -> pa.ChunkedArray:
        return part.cast(pa.float64())

    if is_text(column.type):
        column = strip_empty(column)
    elif not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        raise DataError(f"{table.origin}: {name} is {column.type}, expected numbers. Cast it in the file.")
    try:
        values = cast(column)
    except pa.ArrowInvalid:
        row = first_failing(column, cast)
        table.fail(row, f"{name} is {column[row].as_py()!r}, expected a number. Correct the row.")
    found: NDArray[np.float64] = values.fill_null(np.nan).to_numpy().astype(np.float64)
    if not np.isfinite(found).all():
        row = int(np.argmin(np.isfinite(found)))
        shown = "empty" if column[row].as_py() is None else str(found[row])
        table.fail(row, f"{name} is {shown}, expected a finite number. Correct the row.")
    return found
