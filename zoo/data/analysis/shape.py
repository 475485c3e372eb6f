"""Files of other shapes than one event per row: what to do with them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from zoo.config.experiment import DataSettings
from zoo.data.dataset import Columns, Tables
from zoo.data.schema import is_text

SAMPLE = 1_000
"""Rows whose values are looked at."""
SEPARATORS = (";", "|", ",", " ")
DATE = re.compile(r"^\d{4}-\d\d-\d\d")


def advise_on_shape(tables: Tables, settings: DataSettings) -> str:
    """Return how to bring events that could not be read into one row per event; empty if their shape is not the reason."""
    table = tables.interactions
    if any(_is_value(name, table) for name in table.column_names):
        names = ["user_id", "item_id"] + [f"column_{n}" for n in range(3, len(table.column_names) + 1)]
        return (
            f"The first row holds values in place of the names of columns ({', '.join(table.column_names[:4])}). Write a line "
            f"with the names above it, such as {' '.join(names)}, separated as the other lines are."
        )
    types = {name: table.select([name]).schema.field(name).type for name in table.column_names}
    mapped = settings.columns.get("item_id", "item_id")
    lists = [name for name, kind in types.items() if is_list(kind)]
    if lists and (mapped in lists or mapped not in types):
        name = mapped if mapped in lists else lists[0]
        return _unnest(tables, types, name, "holds a list in each row, as a basket of items does")
    if mapped not in types:
        for name, kind in types.items():
            separator = _separator(table.select([name]).column(0).slice(0, SAMPLE)) if is_text(kind) else ""
            if separator and name.lower().endswith("s"):
                found = f"holds several values in a row, separated by {separator!r}, as a basket of items does"
                return _unnest(tables, types, name, found, separator)
    return ""


def is_list(kind: pa.DataType) -> bool:
    """Return whether a column holds lists."""
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def _unnest(tables: Tables, types: dict[str, pa.DataType], name: str, found: str, separator: str = "") -> str:
    """Return how to write a row for each item of a column that holds several, with the fields of records as columns."""
    file = tables.interactions_from.replace("'", "''")
    inner = types[name].value_type if not separator else pa.string()
    quoted = _quote(name)
    items = f"string_split({quoted}, '{separator}')" if separator else quoted
    records = {column: kind for column, kind in types.items() if column != name and pa.types.is_struct(kind)}
    left_out = ", ".join(map(_quote, [name, *records]))
    fields = [field for column, kind in records.items() for field in _fields(_quote(column), column, kind)]
    if pa.types.is_struct(inner):
        taken = {*types, *(field.rpartition(" AS ")[2].strip('"') for field in fields)}
        own = list(_fields("one_item", "", inner, taken, name))
        source = f"(SELECT *, unnest({items}) AS one_item FROM '{file}')"  # noqa: S608 - shown, and run by nobody else
        columns = [f"* EXCLUDE ({left_out}, one_item)", *fields, *own]
    else:
        source, columns = f"'{file}'", [f"* EXCLUDE ({left_out})", *fields, f"unnest({items}) AS item_id"]
    query = f"SELECT {', '.join(columns)} FROM {source}"  # noqa: S608 - shown, and run by nobody else
    return (
        f"The column {name!r} {found}; the zoo reads one row for each item. Write it so with DuckDB (pip install duckdb), in Python:\n"
        f'import duckdb; duckdb.sql("""COPY ({query}) TO \'{Path(file).stem}-rows.parquet\'""")'
    )


def _fields(
    path: str, prefix: str, kind: pa.StructType, taken: set[str] | None = None, where: str = ""
) -> Iterator[str]:
    """Yield the fields of a record as columns, those of inner records with the names of both.

    Args:
        path: The record in SQL.
        prefix: The start of the names of its columns; empty to name them as the fields.
        kind: Its type.
        taken: Names of other columns; a field with such a name gets the prefix `where`.
        where: The name of the column of the record.
    """
    for field in kind:
        name = f"{prefix}_{field.name}" if prefix else field.name
        inner = f"{path}.{_quote(field.name)}"
        if pa.types.is_struct(field.type):
            yield from _fields(inner, name, field.type, taken, where)
        else:
            yield f"{inner} AS {_quote(f'{where}_{name}' if taken and name in taken else name)}"


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _separator(column: pa.ChunkedArray) -> str:
    """Return what separates several values in most of the texts of a column; empty if nothing does."""
    texts = pc.drop_null(pc.utf8_trim_whitespace(pc.cast(column, pa.string())))
    for separator in SEPARATORS:
        if len(texts) and pc.mean(pc.match_substring(texts, separator)).as_py() > 0.5:
            return separator
    return ""


def _is_value(name: str, table: Columns) -> bool:
    """Return whether the name of a column is a value: a number, a date, or a text that the column holds."""
    try:
        float(name)
    except ValueError:
        pass
    else:
        return True
    if DATE.match(name):
        return True
    column = table.select([name]).column(0).slice(0, SAMPLE)
    return is_text(column.type) and bool(pc.any(pc.equal(pc.cast(column, pa.string()), name)).as_py())
