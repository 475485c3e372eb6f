"""The canonical schema: column names with a meaning, column mapping and ids."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from zoo.data.arrow_types import normalise_column, normalise_types
from zoo.data.dataset import Columns
from zoo.data.near_columns import format_mapping, near_column, suggest_column
from zoo.errors import DataError, suggestion

NUMBERS = ("price", "quantity", "rating")
"""Canonical columns that are numeric, even if the file holds text (as CSV does)."""
CANONICAL = (
    "user_id",
    "item_id",
    "timestamp",
    "position",
    "event",
    "session_id",
    "basket_id",
    "title",
    "query_id",
    "query",
    "label",
    *NUMBERS,
)
"""Column names with a fixed meaning; other columns may have any name."""
NEAR = tuple(name for name in CANONICAL if name != "basket_id")
"""Canonical names of which a mapping must not name a near miss; `basket` is a usual name of a further column."""


@dataclass(frozen=True, eq=False)
class MappedTable:
    """A table under its canonical column names.

    Attributes:
        table: The table with its original names.
        names: Canonical name to the table's own name.
        setting: The setting that maps the names, for messages, such as `data.columns`.
        origin: The name of the table in messages.
        place: Returns the location of a row (counted from 0) for messages.
    """

    table: Columns
    names: Mapping[str, str]
    setting: str
    origin: str
    place: Callable[[int], str]

    @classmethod
    def of(
        cls,
        table: Columns,
        mapping: Mapping[str, str],
        setting: str,
        origin: str,
        place: Callable[[int], str] | None = None,
    ) -> MappedTable:
        """Map a table; columns outside the mapping keep their names.

        Raises:
            DataError: The mapping names a missing column, or a new name is a near miss of a canonical name.
        """
        found = list(table.column_names)
        for canonical, name in mapping.items():
            if name not in found:
                turned = name in CANONICAL and canonical in found and canonical not in CANONICAL
                hint = f' The mapping may be reversed: try {name} = "{canonical}".' if turned else ""
                raise DataError(
                    f"{origin}: {setting} maps {canonical!r} to {name!r}, which is not a column."
                    f"{hint or suggestion(name, found)} "
                    f"Its columns: {', '.join(found)}."
                )
            free = [c for c in NEAR if c not in mapping and (c not in found or c == name)]
            _refuse_nearly_canonical(canonical, name, free, f"{origin}: {setting}")
        others = {name: name for name in found if name not in mapping.values() and name not in mapping}
        return cls(table, {**mapping, **others}, setting, origin, place or (lambda row: f"{origin}, row {row + 1}"))

    @property
    def column_names(self) -> list[str]:
        """Return the canonical names."""
        return list(self.names)

    def require(self, name: str) -> None:
        """Check that the table has a column.

        Raises:
            DataError: The column is missing; the message shows how to map it.
        """
        if name not in self.names:
            near = near_column(name, self.names.values())  # a mapping names the columns of the file
            raise DataError(
                f"{self.origin}: no column {name!r}.{suggest_column(name, self.names.values())} "
                f"Its columns: {', '.join(map(self.display_name, self.names))}.",
                f"Map the column that holds it: {format_mapping(self.setting, name, near)}.",
            )

    def select(self, columns: list[str]) -> pa.Table:
        """Return the given columns, with the types of `zoo.data.arrow_types` and the columns of `NUMBERS` as numbers.

        Raises:
            DataError: A number cannot be parsed, a text is not UTF-8, or a column has a type that cannot be read.
        """
        own = [self.names[name] for name in columns]
        table = self.table.select(list(dict.fromkeys(own)))  # sessions without users stand under two names
        table = normalise_types(table, self.origin).select(own).rename_columns(columns)
        for at, name in enumerate(columns):
            if is_text(table.column(at).type):
                self._refuse_stray_bytes(table.column(at), name)
            if name in NUMBERS and is_text(table.column(at).type):
                numbers = self._parse_numbers(table.column(at), name)
                table = table.set_column(at, name, numbers)
        return table

    def display_name(self, name: str) -> str:
        """Return the canonical name of a column, followed by the name in the file if it differs."""
        own = self.names.get(name, name)
        return name if own == name else f"{name} ({own!r} in the data)"

    def fail(self, row: int, problem: str) -> NoReturn:
        """Raise an error about a row.

        Raises:
            DataError: Always.
        """
        raise DataError(f"{self.place(row)}: {problem}")

    def _refuse_stray_bytes(self, column: pa.ChunkedArray, name: str) -> None:
        """Refuse a text that is not UTF-8, which pyarrow reads without a word and fails on when it is used."""

        def check(part: pa.ChunkedArray) -> None:
            part.validate(full=True)

        try:
            check(column)
        except pa.ArrowInvalid:
            row = first_failing(column, check)
            self.fail(row, f"{self.display_name(name)} is not valid UTF-8. Save the file as UTF-8.")

    def _parse_numbers(self, column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
        """Parse a text column as numbers; an empty text is null."""
        column = strip_empty(column)

        def cast(part: pa.ChunkedArray) -> pa.ChunkedArray:
            return part.cast(pa.float64())

        try:
            return cast(column)
        except pa.ArrowInvalid:
            row = first_failing(column, cast)
            problem = f"{self.display_name(name)} is {column[row].as_py()!r}"
            self.fail(row, f"{problem}, expected a number such as 12.50. Correct the row.")


@dataclass(frozen=True, eq=False)
class Ids:
    """A column of ids, encoded as integers.

    Attributes:
        codes: The id of each row, an index into `unique`, `[N]` int32; -1 for a row without an id.
        unique: The distinct ids as text, ascending.
    """

    codes: NDArray[np.int32]
    unique: pa.Array


def ids(table: MappedTable, column: pa.ChunkedArray, name: str) -> Ids:
    """Encode the ids of a column as integers, in the order of their texts.

    An id is an integer, a text, or a float with an integral value (pandas writes integer columns with nulls as floats).
    A text that is empty or only white space counts as null. Texts are not normalised: `007` is not `7`, and `NA` and
    `NULL` are ids.

    Raises:
        DataError: The column has another type.
    """
    encoded = _id_column(table, column, name).dictionary_encode().unify_dictionaries().combine_chunks()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32, copy=False)
    found = encoded.dictionary.cast(pa.string())
    order = pc.sort_indices(found)
    blank = pc.equal(pc.utf8_trim_whitespace(found), "")
    order = order.filter(pc.invert(blank.take(order))).to_numpy()
    rank = np.full(len(found) + 1, -1, np.int32)  # code -1 reads the last entry
    rank[order] = np.arange(len(order), dtype=np.int32)
    return Ids(rank[codes], found.take(pa.array(order)))


def id_values(table: MappedTable, column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    """Return the ids of a column as int64 or text, null where a row has none; see `ids`.

    Raises:
        DataError: The column has another type.
    """
    column = _id_column(table, column, name)
    if not is_text(column.type):
        return column.cast(pa.int64() if column.type != pa.uint64() else pa.string())
    return pc.if_else(pc.equal(pc.utf8_trim_whitespace(column), ""), pa.scalar(None, column.type), column)


def _id_column(table: MappedTable, column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    """Return a column of ids as integers or text.

    Raises:
        DataError: The column has another type.
    """
    column = normalise_column(column)
    kind = column.type
    if pa.types.is_floating(kind):
        return _to_integers(table, column, name)
    if pa.types.is_null(kind):
        return column.cast(pa.string())
    if is_text(kind) or pa.types.is_integer(kind):
        return column
    raise DataError(
        f"{table.origin}: {table.display_name(name)} is {kind}, expected ids: integers or text. "
        f"Choose another column in {table.setting}, or cast it in the file."
    )


def first_failing(column: pa.ChunkedArray, parse: Callable[[pa.ChunkedArray], object]) -> int:
    """Return the first row that a parser rejects, given that it rejects the column."""
    low, high = 0, len(column)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            parse(column.slice(low, middle - low))
            low = middle
        except pa.ArrowInvalid:
            high = middle
    return low


def strip_empty(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Strip white space from texts, and replace empty texts by null."""
    column = pc.utf8_trim_whitespace(column)
    return pc.if_else(pc.equal(column, ""), pa.scalar(None, column.type), column)


def is_text(kind: pa.DataType) -> bool:
    """Return whether a type is text."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def is_number(text: str) -> bool:
    """Return whether a text is a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _to_integers(table: MappedTable, column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    """Convert floats with integral values to integers."""
    column = pc.if_else(pc.is_nan(column), None, column)

    def cast(part: pa.ChunkedArray) -> pa.ChunkedArray:
        return part.cast(pa.int64())

    try:
        return cast(column)
    except pa.ArrowInvalid:
        row = first_failing(column, cast)
        table.fail(
            row,
            f"{table.display_name(name)} is {column[row].as_py()!r}, expected an id: a whole number or text. Cast the column in the file.",
        )


def _refuse_nearly_canonical(new: str, own: str, free: Sequence[str], where: str) -> None:
    """Refuse to rename a column to a near miss of a canonical name.

    Args:
        new: The name in the mapping.
        own: The name in the file.
        free: The canonical names that no column has after the renaming.
        where: The table and the setting, for the message.

    Raises:
        DataError: The new name is a near miss, or the name in the file is already canonical.
    """
    if new in CANONICAL:
        return
    near = get_close_matches(new, free, n=1, cutoff=0.8)
    if near or own in free:
        raise DataError(
            f"{where} maps {new!r} to {own!r}, and {new!r} is not a known column name."
            f" Did you mean {near[0] if near else own!r}? "
            'Write known_name = "name in the file"; a column that already has a known name needs no mapping.'
        )
