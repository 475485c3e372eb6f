"""Build judged lists from tables: map, check, number, and order the documents independently of their labels."""

from __future__ import annotations

from fnmatch import fnmatchcase

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from zoo.config.rank_experiment import JudgedData
from zoo.data.catalogue import Catalogue
from zoo.data.dataset import Tables
from zoo.data.ids_of_tables import refuse_repeated
from zoo.data.judgments import Judgments
from zoo.data.schema import MappedTable, first_failing, ids, is_text
from zoo.data.vocabulary import Vocabulary
from zoo.errors import DataError, suggestion

LARGEST = 30.0
"""The largest label for which the gain, 2 to the power of the label, is exact."""


def read_judgments(tables: Tables, settings: JudgedData, column: str | None) -> Judgments:
    """Build judged lists from tables.

    Args:
        tables: One row per judgement and, optionally, one row per document.
        settings: The settings of `[data]`.
        column: The column with the part of each query, or None.

    Raises:
        DataError: The tables do not fit; the message names file, column, row and value.
    """
    if tables.users is not None:
        raise DataError(
            f"data.source: judged lists have queries and no users, and the source has the user table {tables.users_from}. Remove "
            "`users`."
        )
    rows = MappedTable.of(
        tables.interactions, settings.columns, "data.columns", tables.interactions_from, tables.interactions_place
    )
    read = ["query_id", "label", *([column] if column else []), *(["query"] if settings.text else [])]
    for name in read:
        rows.require(name)
    wanted = _feature_columns(rows, settings, column)
    table = rows.select(list(dict.fromkeys(read)))
    if not table.num_rows:
        raise DataError(f"{rows.origin}: the table has no rows, expected one row per judgement. Choose another file.")
    found = ids(rows, table.column("query_id"), "query_id")
    if (found.codes < 0).any():
        rows.fail(int(np.argmax(found.codes < 0)), "query_id is empty, expected an id. Correct the row.")
    labels = _read_labels(rows, table.column("label"), settings.label_from)
    parts = None if column is None else _read_texts(rows, table.column(column), column)
    queries = found.codes.astype(np.int64)
    if tables.ids_restart and parts is not None:
        number = {part: at for at, part in enumerate(dict.fromkeys(parts))}
        queries = queries + len(found.unique) * np.array([number[part] for part in parts])
    catalogue, documents = _read_documents(tables, rows, settings)
    order = np.lexsort((documents, queries))
    _refuse_twice(rows, queries[order], documents[order], order, catalogue)
    present, counts = np.unique(queries, return_counts=True)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    first = order[offsets[:-1]]
    texts = _read_texts(rows, table.column("query"), "query") if settings.text else None
    for about, values in ((column, parts), ("query", texts)):
        if about is not None and values is not None:
            _refuse_two_values(rows, queries[order], order, values, about)
    features = _read_features(rows, wanted)[order]
    return Judgments(
        offsets,
        documents[order],
        labels[order],
        features,
        tuple(wanted),
        found.unique.take(pa.array(present % len(found.unique))),
        None if texts is None else [texts[row] for row in first],
        None if parts is None else [parts[row] for row in first],
        catalogue,
        tuple(settings.text),
    )


def _feature_columns(rows: MappedTable, settings: JudgedData, column: str | None) -> list[str]:
    """Return the feature columns.

    Raises:
        DataError: A name or pattern matches no column, or there is neither a feature nor a text column.
    """
    taken = {"query_id", "label", "item_id", "query", column}
    free = [name for name in rows.column_names if name not in taken]
    chosen: dict[str, None] = {}
    for pattern in settings.features:
        matches = [name for name in free if fnmatchcase(name, pattern)]
        if pattern in taken and pattern in rows.column_names:
            raise DataError(
                f"{rows.origin}: data.features names {pattern!r}, which is a reserved column and cannot be a feature. Remove it."
            )
        if not matches:
            raise DataError(
                f"{rows.origin}: data.features names {pattern!r}, which matches no column.{suggestion(pattern, free)} "
                f"Its other columns: {', '.join(free) or 'none'}."
            )
        chosen.update(dict.fromkeys(matches))
    if not chosen and not settings.text:
        raise DataError(
            f"{rows.origin}: rankers have no features. Set data.features to numeric columns, or data.text to text "
            f"columns to match with the query. Its other columns: {', '.join(free) or 'none'}."
        )
    return list(chosen)


def _read_labels(rows: MappedTable, column: pa.ChunkedArray, lowest: float) -> NDArray[np.float32]:
    """Return the labels, shifted to start at 0, `[N]`.

    Raises:
        DataError: A label is missing, not a number, or outside 0 to 30.
    """
    values = _read_numbers(rows, column, "label")
    wrong = ~((values >= lowest) & (values - lowest <= LARGEST))
    if wrong.any():
        row = int(np.argmax(wrong))
        rows.fail(
            row,
            f"{rows.display_name('label')} is {column[row].as_py()!r}, expected a number from {lowest:g} to {lowest + LARGEST:g}. "
            "Correct the row, or set data.label_from to the label of irrelevant documents.",
        )
    return (values - lowest).astype(np.float32)


def _read_numbers(rows: MappedTable, column: pa.ChunkedArray, name: str) -> NDArray[np.float64]:
    """Return a column as numbers, `[N]`, NaN where it is null.

    Raises:
        DataError: A value is not a number.
    """

    def cast(part: pa.ChunkedArray) -> pa.ChunkedArray:
        return part.cast(pa.float64())

    try:
        return np.asarray(cast(column).to_numpy(), np.float64)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        kind = column.type
        if not is_text(kind):
            raise DataError(
                f"{rows.origin}: {rows.display_name(name)} is {kind}, expected numbers. Choose another column."
            ) from None
        row = first_failing(column, cast)
        rows.fail(row, f"{rows.display_name(name)} is {column[row].as_py()!r}, expected a number. Correct the row.")


def _read_features(rows: MappedTable, names: list[str]) -> NDArray[np.float32]:
    """Return the feature columns, `[N, F]`.

    Raises:
        DataError: A value is not a number, or is infinite.
    """
    table = rows.select(names)
    columns = []
    for name in names:
        values = _read_numbers(rows, table.column(name), name)
        with np.errstate(over="ignore"):  # a value too large for float32 gets the error below
            infinite = np.isinf(values.astype(np.float32))
        if infinite.any():
            row = int(np.argmax(infinite))
            rows.fail(
                row,
                f"{rows.display_name(name)} is {values[row]}, expected a number that float32 can hold, or null. Correct the row.",
            )
        columns.append(values.astype(np.float32))
    return np.stack(columns, axis=1) if columns else np.zeros((table.num_rows or _length(rows), 0), np.float32)


def _length(rows: MappedTable) -> int:
    return int(rows.select(["query_id"]).num_rows)


def _read_texts(rows: MappedTable, column: pa.ChunkedArray, name: str) -> list[str]:
    """Return a column as text, `[N]`.

    Raises:
        DataError: A value is null.
    """
    if column.null_count:
        row = int(np.argmax(column.is_null().to_numpy()))
        rows.fail(row, f"{rows.display_name(name)} is empty, expected a value. Correct the row.")
    return list(column.cast(pa.string()).to_pylist())


def _refuse_two_values(
    rows: MappedTable, queries: NDArray[np.int64], order: NDArray[np.int64], values: list[str], name: str
) -> None:
    """Refuse a query with two different values in a column that must be constant per query (its part or text).

    Raises:
        DataError: A query has two values.
    """
    sorted_values = [values[row] for row in order]
    for at in range(1, len(order)):
        if queries[at] == queries[at - 1] and sorted_values[at] != sorted_values[at - 1]:
            rows.fail(
                int(order[at]),
                f"{rows.display_name(name)} is {sorted_values[at]!r} here and {sorted_values[at - 1]!r} in row {order[at - 1] + 1}, "
                "which has the same query: expected one value per query. Correct the column, or use distinct query ids.",
            )


def _refuse_twice(
    rows: MappedTable,
    queries: NDArray[np.int64],
    documents: NDArray[np.int64],
    order: NDArray[np.int64],
    catalogue: Catalogue,
) -> None:
    """Refuse a document that was judged twice for the same query.

    Raises:
        DataError: A document has two labels for a query; the message names both rows.
    """
    again = np.flatnonzero((np.diff(queries) == 0) & (np.diff(documents) == 0))
    if len(again):
        one, two = sorted(int(order[at]) for at in (again[0], again[0] + 1))
        item = catalogue.ids[int(documents[again[0]])].as_py()
        rows.fail(
            two, f"item_id {item!r} was already judged for the same query in row {one + 1}. Keep one of the rows."
        )


def _read_documents(tables: Tables, rows: MappedTable, settings: JudgedData) -> tuple[Catalogue, NDArray[np.int64]]:
    """Return the catalogue of the documents, and the document number of each judgement, `[N]`.

    Without an item table each judgement has its own document, with the text columns of its row.
    """
    if tables.items is not None:
        rows.require("item_id")
        source = MappedTable.of(
            tables.items, settings.item_columns, "data.item_columns", tables.items_from, tables.items_place
        )
        source.require("item_id")
        table = source.select(["item_id", *settings.text])
        known = ids(source, table.column("item_id"), "item_id")
        refuse_repeated(source, known)
        judged = ids(rows, rows.select(["item_id"]).column("item_id"), "item_id")
        vocabulary = Vocabulary.of(known.unique, settings.salt)
        numbers = vocabulary.numbers(judged.unique)
        missing = (judged.codes < 0) | (numbers[judged.codes] == 0)
        if missing.any():
            row = int(np.argmax(missing))
            value = None if judged.codes[row] < 0 else judged.unique[int(judged.codes[row])].as_py()
            rows.fail(
                row, f"item_id is {value!r}, which is not in {source.origin}. Correct the row, or add the document."
            )
        return vocabulary.catalogue(known, table.drop_columns(["item_id"])), numbers[judged.codes].astype(np.int64)
    n = _length(rows)
    own = ids(rows, pa.chunked_array([pa.array(np.arange(n))]), "row")
    vocabulary = Vocabulary.of(own.unique, settings.salt)
    for name in settings.text:
        rows.require(name)
    table = rows.select(list(settings.text)) if settings.text else None
    return vocabulary.catalogue(own, table), vocabulary.numbers(own.unique)[own.codes].astype(np.int64)
