"""From tables to judged lists: map, check, number, and put documents into an order that no label had a say in."""

from __future__ import annotations

from fnmatch import fnmatchcase

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from zoo.config.rank_experiment import JudgedData
from zoo.data.catalogue import Catalogue
from zoo.data.dataset import Tables
from zoo.data.judgments import Judgments
from zoo.data.log import refuse_repeated
from zoo.data.schema import Mapped, first_failing, ids, is_text
from zoo.data.vocabulary import Vocabulary
from zoo.errors import DataError, suggestion

LARGEST = 30.0
"""The largest label: its gain, 2 to its power, is still exact."""


def read_judgments(tables: Tables, settings: JudgedData, column: str | None) -> Judgments:
    """Make judged lists of tables.

    Args:
        tables: A row a judgement, and perhaps a row a document.
        settings: `[data]`.
        column: The column that tells a query's part, if there is one.

    Raises:
        DataError: The tables do not fit; the message names file, column, row and value.
    """
    rows = Mapped.of(
        tables.interactions, settings.columns, "data.columns", tables.interactions_from, tables.interactions_place
    )
    read = ["query_id", "label", *([column] if column else []), *(["query"] if settings.text else [])]
    for name in read:
        rows.require(name)
    wanted = _feature_columns(rows, settings, column)
    table = rows.select(list(dict.fromkeys(read)))
    if not table.num_rows:
        raise DataError(f"{rows.origin}: there is no row in it, expected a row a judgement. Choose another file.")
    found = ids(rows, table.column("query_id"), "query_id")
    if (found.codes < 0).any():
        rows.fail(int(np.argmax(found.codes < 0)), "query_id is empty, expected an id. Mend the row.")
    labels = _labels(rows, table.column("label"), settings.label_from)
    parts = None if column is None else _texts_of(rows, table.column(column), column)
    queries = found.codes.astype(np.int64)
    if tables.ids_restart and parts is not None:
        number = {part: at for at, part in enumerate(dict.fromkeys(parts))}
        queries = queries + len(found.unique) * np.array([number[part] for part in parts])
    catalogue, documents = _documents(tables, rows, settings)
    order = np.lexsort((documents, queries))
    _refuse_twice(rows, queries[order], documents[order], order, catalogue)
    present, counts = np.unique(queries, return_counts=True)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    first = order[offsets[:-1]]
    texts = _texts_of(rows, table.column("query"), "query") if settings.text else None
    for about, values in ((column, parts), ("query", texts)):
        if about is not None and values is not None:
            _refuse_two_values(rows, queries[order], order, values, about)
    features = _features(rows, wanted)[order]
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


def _feature_columns(rows: Mapped, settings: JudgedData, column: str | None) -> list[str]:
    """Return the columns that are features.

    Raises:
        DataError: A name or pattern matches none, or there is neither a feature nor a text.
    """
    taken = {"query_id", "label", "item_id", "query", column}
    free = [name for name in rows.column_names if name not in taken]
    chosen: dict[str, None] = {}
    for pattern in settings.features:
        matches = [name for name in free if fnmatchcase(name, pattern)]
        if pattern in taken and pattern in rows.column_names:
            raise DataError(
                f"{rows.origin}: data.features names {pattern!r}, which has a meaning of its own and is no feature. Remove it."
            )
        if not matches:
            raise DataError(
                f"{rows.origin}: data.features names {pattern!r}, and no column is called so.{suggestion(pattern, free)} "
                f"Its other columns: {', '.join(free) or 'none'}."
            )
        chosen.update(dict.fromkeys(matches))
    if not chosen and not settings.text:
        raise DataError(
            f"{rows.origin}: there is nothing to rank by. Name the numeric columns that rankers get (data.features), or "
            f"text columns to match with the query (data.text). Its other columns: {', '.join(free) or 'none'}."
        )
    return list(chosen)


def _labels(rows: Mapped, column: pa.ChunkedArray, lowest: float) -> NDArray[np.float32]:
    """Return the labels from 0, `[N]`.

    Raises:
        DataError: One is missing, no number, or outside 0 to 30.
    """
    values = _numbers(rows, column, "label")
    wrong = ~((values >= lowest) & (values - lowest <= LARGEST))
    if wrong.any():
        row = int(np.argmax(wrong))
        rows.fail(
            row,
            f"{rows.called('label')} is {column[row].as_py()!r}, expected a number from {lowest:g} to {lowest + LARGEST:g}. "
            "Mend the row, or set data.label_from to the label that is worth nothing.",
        )
    return (values - lowest).astype(np.float32)


def _numbers(rows: Mapped, column: pa.ChunkedArray, name: str) -> NDArray[np.float64]:
    """Return a column as numbers, `[N]`, NaN where it is null.

    Raises:
        DataError: A value is no number.
    """

    def cast(part: pa.ChunkedArray) -> pa.ChunkedArray:
        return part.cast(pa.float64())

    try:
        return np.asarray(cast(column).to_numpy(), np.float64)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        kind = column.type
        if not is_text(kind):
            raise DataError(
                f"{rows.origin}: {rows.called(name)} is {kind}, expected numbers. Choose another column."
            ) from None
        row = first_failing(column, cast)
        rows.fail(row, f"{rows.called(name)} is {column[row].as_py()!r}, expected a number. Mend the row.")


def _features(rows: Mapped, names: list[str]) -> NDArray[np.float32]:
    """Return the feature columns, `[N, F]`.

    Raises:
        DataError: A value is no number, or infinite.
    """
    table = rows.select(names)
    columns = []
    for name in names:
        values = _numbers(rows, table.column(name), name)
        with np.errstate(over="ignore"):  # too large for float32 is told of as infinite is
            infinite = np.isinf(values.astype(np.float32))
        if infinite.any():
            row = int(np.argmax(infinite))
            rows.fail(
                row,
                f"{rows.called(name)} is {values[row]}, expected a number that float32 can hold, or null. Mend the row.",
            )
        columns.append(values.astype(np.float32))
    return np.stack(columns, axis=1) if columns else np.zeros((table.num_rows or _length(rows), 0), np.float32)


def _length(rows: Mapped) -> int:
    """Return the number of rows."""
    return int(rows.select(["query_id"]).num_rows)


def _texts_of(rows: Mapped, column: pa.ChunkedArray, name: str) -> list[str]:
    """Return a column as text, `[N]`.

    Raises:
        DataError: A value is null.
    """
    if column.null_count:
        row = int(np.argmax(column.is_null().to_numpy()))
        rows.fail(row, f"{rows.called(name)} is empty, expected a value. Mend the row.")
    return list(column.cast(pa.string()).to_pylist())


def _refuse_two_values(
    rows: Mapped, queries: NDArray[np.int64], order: NDArray[np.int64], values: list[str], name: str
) -> None:
    """Refuse a query that is said to be of two parts, or to have two texts.

    Raises:
        DataError: There is one.
    """
    sorted_values = [values[row] for row in order]
    for at in range(1, len(order)):
        if queries[at] == queries[at - 1] and sorted_values[at] != sorted_values[at - 1]:
            rows.fail(
                int(order[at]),
                f"{rows.called(name)} is {sorted_values[at]!r}, and {sorted_values[at - 1]!r} in row {order[at - 1] + 1}, of the "
                "same query: expected one value for all its documents. Mend the column, or number the queries anew.",
            )


def _refuse_twice(
    rows: Mapped,
    queries: NDArray[np.int64],
    documents: NDArray[np.int64],
    order: NDArray[np.int64],
    catalogue: Catalogue,
) -> None:
    """Refuse a document that was judged twice for one query: which of the labels counts?

    Raises:
        DataError: There is one.
    """
    again = np.flatnonzero((np.diff(queries) == 0) & (np.diff(documents) == 0))
    if len(again):
        one, two = sorted(int(order[at]) for at in (again[0], again[0] + 1))
        item = catalogue.ids[int(documents[again[0]])].as_py()
        rows.fail(
            two, f"item_id {item!r} was judged for the same query in row {one + 1} already. Keep one of the rows."
        )


def _documents(tables: Tables, rows: Mapped, settings: JudgedData) -> tuple[Catalogue, NDArray[np.int64]]:
    """Return what is known of the documents, and the document of each judgement, `[N]`.

    Without a column `item_id` each judgement is of a document of its own, and its text columns are the document's.
    """
    if tables.items is not None:
        rows.require("item_id")
        source = Mapped.of(
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
                row, f"item_id is {value!r}, which {source.origin} does not have. Mend the row, or add the document."
            )
        return vocabulary.catalogue(known, table.drop_columns(["item_id"])), numbers[judged.codes].astype(np.int64)
    n = _length(rows)
    own = ids(rows, pa.chunked_array([pa.array(np.arange(n))]), "row")
    vocabulary = Vocabulary.of(own.unique, settings.salt)
    for name in settings.text:
        rows.require(name)
    table = rows.select(list(settings.text)) if settings.text else None
    return vocabulary.catalogue(own, table), vocabulary.numbers(own.unique)[own.codes].astype(np.int64)
