"""What a column of events holds, told by a sample of its values: times, or the types of the events."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from zoo.data.arrow_types import normalise_column
from zoo.data.clock import UNITS, parse_datetimes
from zoo.data.dataset import Columns
from zoo.data.files import FileTable
from zoo.data.near_columns import ID_WORDS, words_of
from zoo.data.schema import is_number, is_text, strip_empty

SAMPLE = 1_000
"""Rows whose values are looked at, spread over the first `HEAD` rows."""
HEAD = 100_000
MOST_TYPES = 12
"""Distinct values up to which a column may be known by its values as that of the event types."""
TYPES = {
    *("view", "pageview", "productview", "itemview", "viewitem", "detailview", "impression", "click"),
    *("cart", "addtocart", "addcart", "cartadd", "removefromcart", "wishlist", "favorite", "favourite"),
    *("purchase", "buy", "order", "checkout", "transaction", "bought", "sale"),
}
"""Usual event types, in lower case and without marks between words."""
FIRST, LAST = 631_152_000_000, 2_208_988_800_000
"""The times that numbers may mean: 1990 to 2039, in UTC milliseconds."""
NUMBERED = ID_WORDS | {"ean", "gtin", "upc", "isbn", "barcode", "phone", "hash"}
"""Words in the names of columns whose numbers may look like times."""


def guess_by_values(
    table: Columns, columns: Mapping[str, str], free: Sequence[str], *, timed: bool
) -> tuple[dict[str, str], dict[str, str]]:
    """Guess the columns of the times and of the event types by their values, where one column alone can hold them.

    Args:
        table: The events.
        columns: The known name of each column that is known to be used.
        free: The names of the columns without a use, as in the file.
        timed: Whether the events are read with their times.

    Returns:
        The known names with the columns that were guessed, and a hint for each other column whose values look like times or
        event types.
    """
    guessed, hints = dict[str, str](), dict[str, str]()
    names = {*table.column_names, *columns}
    if not free or {"timestamp", "event"} <= names:
        return guessed, hints
    owners = [columns.get(name, name) for name in ("user_id", "item_id")]
    owners = [name for name in owners if name in table.column_names]  # a given mapping may name no column
    rows = _sample_rows(table, [*dict.fromkeys([*free, *owners])])
    alike = {
        "timestamp": [name for name in free if looks_like_times(name, rows[name])],
        "event": [name for name in free if looks_like_event_types(rows[name])],
    }
    for known, what in (("timestamp", "times"), ("event", "event types")):
        if known in names or not alike[known]:
            continue
        only = alike[known][0]
        if known == "timestamp":
            blocked = not timed or "position" in names or any(_belongs_to(rows[owner], rows[only]) for owner in owners)
            column = rows[only]
        else:
            column = table.select([only]).column(0)
            blocked = not looks_like_event_types(column)
        if len(alike[known]) == 1 and not blocked and not _has_missing(column):
            guessed[known] = only
            continue
        for own in alike[known]:
            setting = shlex.quote(f"data.columns.{known}={own}")
            hints[own] = f" (looks like {what}; use it with --set {setting})"
    return guessed, hints


def _sample_rows(table: Columns, names: list[str]) -> pa.Table:
    """Return at most `SAMPLE` of the first rows of a table, with the given columns."""
    head = (table.head(names) if isinstance(table, FileTable) else table.select(names)).slice(0, HEAD)
    step = -(-head.num_rows // SAMPLE) or 1
    return head.take(pa.array(np.arange(0, head.num_rows, step)))


def looks_like_times(name: str, column: pa.ChunkedArray) -> bool:
    """Return whether all values of a column are dates, times or numbers that the zoo reads as times from 1990 to 2039.

    Missing values are ignored. A column whose name says that it holds ids does not look like times.
    """
    values = _values(column)
    if not len(values) or NUMBERED & {*words_of(name)}:
        return False
    kind = values.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return True
    try:
        if is_text(kind) and not is_number(values[0].as_py()):
            parse_datetimes(values)
            return True
        if not (is_text(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind)):
            return False
        numbers = values.cast(pa.float64()).to_numpy()
    except pa.ArrowInvalid:
        return False
    low, high = numbers.min(), numbers.max()
    return any(
        unit.low <= low <= high < unit.high and low * unit.milliseconds >= FIRST and high * unit.milliseconds < LAST
        for unit in UNITS
    )


def looks_like_event_types(column: pa.ChunkedArray) -> bool:
    """Return whether a column of text has few distinct values of which one is a usual event type."""
    values = _values(column)
    if not is_text(values.type):
        return False
    found = pc.unique(values).to_pylist()
    return len(found) <= MOST_TYPES and any("".join(words_of(value)) in TYPES for value in found)


def _belongs_to(owner: pa.ChunkedArray, column: pa.ChunkedArray) -> bool:
    """Return whether a column has one value for each owner, as the date of birth of a user, and some owner has two rows."""
    owner = normalise_column(owner)
    if not (is_text(owner.type) or pa.types.is_integer(owner.type) or pa.types.is_floating(owner.type)):
        return False
    rows = pa.table({"owner": owner, "value": normalise_column(column)}).group_by("owner")
    counts = rows.aggregate([("value", "count"), ("value", "count_distinct")])
    again = counts.filter(pc.greater(counts["value_count"], 1))
    return bool(again.num_rows > 0 and pc.max(again["value_count_distinct"]).as_py() == 1)


def _has_missing(column: pa.ChunkedArray) -> bool:
    """Return whether a value is missing or an empty text."""
    return len(_values(column)) < len(column)


def _values(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the values that are not missing, texts without white space around them."""
    column = normalise_column(column)
    if is_text(column.type):
        column = strip_empty(column)
    elif pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), None, column)
    return pc.drop_null(column)
