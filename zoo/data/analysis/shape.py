"""Files of other shapes than one event per row: what to do with them."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from zoo.config.experiment import DataSettings
from zoo.data.dataset import Tables


def advise_on_shape(tables: Tables, settings: DataSettings) -> str:
    """Return how to bring events that could not be read into one row per event; empty if their shape is not the reason."""
    table = tables.interactions
    if any(_is_value(name) for name in table.column_names):
        names = ["user_id", "item_id"] + [f"column_{n}" for n in range(3, len(table.column_names) + 1)]
        return (
            f"The first row holds values in place of the names of columns ({', '.join(table.column_names[:4])}). Write a line "
            f"with the names above it, such as {' '.join(names)}, separated as the other lines are."
        )
    types = {name: table.select([name]).schema.field(name).type for name in table.column_names}
    lists = [name for name, kind in types.items() if pa.types.is_list(kind) or pa.types.is_large_list(kind)]
    mapped = settings.columns.get("item_id", "item_id")
    if not lists or not (mapped in lists or mapped not in types):
        return ""
    name = mapped if mapped in lists else lists[0]
    kind = types[name].value_type
    column, file = name.replace('"', '""'), tables.interactions_from.replace("'", "''")
    unnested = (
        f'unnest("{column}", recursive := true)' if pa.types.is_struct(kind) else f'unnest("{column}") AS item_id'
    )
    query = f"""SELECT * EXCLUDE ("{column}"), {unnested} FROM '{file}'"""  # noqa: S608 - shown, and run by nobody else
    return (
        f"The column {name!r} holds a list in each row, as a basket of items does; the zoo reads one row for each item. Write it "
        "so with DuckDB (pip install duckdb), in Python:\n"
        f'import duckdb; duckdb.sql("""COPY ({query}) TO \'{Path(file).stem}-rows.parquet\'""")'
    )


def _is_value(name: str) -> bool:
    """Return whether the name of a column is a number, as in a file without a header."""
    try:
        float(name)
    except ValueError:
        return False
    return True
