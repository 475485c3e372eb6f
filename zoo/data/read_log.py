"""Read an event log from data frames or files in one call, with the settings of `[data]`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from os import PathLike, fspath
from typing import Any

from zoo.config.experiment import DataSettings
from zoo.data.dataset import Dataset, Tables, read_tables
from zoo.data.dataset_params import FilesParams
from zoo.data.files import Files
from zoo.data.frames import FrameTable, frame_table, is_frame
from zoo.data.loaded import FRAME
from zoo.data.log import Data
from zoo.data.near_columns import near_column, suggest_column
from zoo.data.prepared.prepare import open_data
from zoo.data.schema import CANONICAL
from zoo.errors import ConfigError, DataError
from zoo.params import validated

Paths = str | PathLike[str] | Sequence[str | PathLike[str]]
"""A path, a pattern such as `events/*.parquet`, or a list of them."""


def read_log(
    interactions: Any,
    items: Any = None,
    *,
    user_id: str | None = None,
    item_id: str | None = None,
    timestamp: str | None = None,
    event: str | None = None,
    delimiter: str | None = None,
    **settings: Any,
) -> Data:
    """Read an event log and the catalogue of its items from data frames or files.

    Ids become numbers, events are sorted by user and time, and `notes` counts everything that is removed:

        log = zoo.read_log(pd.read_csv("orders.csv"), user_id="customer", item_id="sku", timestamp="date")
        log = zoo.read_log("events.parquet", "items.parquet", k_core=5)
        log = zoo.read_log(zoo.load("synthetic-shop", seed=1))
        zoo.bench(["popular", "ease"], log)

    Args:
        interactions: The events, one per row. A frame of pandas or polars, a table of pyarrow, a relation of DuckDB, any
            object with `__arrow_c_stream__`, a dictionary of columns; or a path, a pattern or a list of paths: parquet, csv,
            tsv, json, jsonl, arrow; or a dataset, as `zoo.load` returns it. Later changes of a frame have no effect.
        items: The items, one per row, with `item_id`; without it the catalogue has only the ids.
        user_id: The column that holds the users, if it has another name than `user_id`.
        item_id: The same for the items; it also applies to `items` unless that has a column `item_id`.
        timestamp: The same for the times: dates, times with or without a zone (then UTC), or numbers since 1970.
        event: The same for the event types.
        delimiter: The field delimiter of a csv file; a comma by default, a tab for .tsv.
        **settings: Keys of `[data]` except `source`: `columns`, `time`, `events`, `until`, `k_core`, `duplicates`, ...

    Returns:
        `log` (an `Interactions`), `catalogue` (a `Catalogue`), `user_ids` (the ids as in the data, `[U]`) and `notes`.

    Raises:
        ConfigError: A setting is unknown or has an invalid value.
        DataError: A table cannot be read or is invalid; the message names table, column, row and value.
    """
    if "source" in settings:
        raise ConfigError(
            "read_log: `source` is not a setting here; pass the files or data frames as the first arguments instead."
        )
    names = {"user_id": user_id, "item_id": item_id, "timestamp": timestamp, "event": event}
    columns = _merge(settings.pop("columns", {}), {key: name for key, name in names.items() if name is not None})
    tables, source = _open(interactions, items, delimiter)
    item_columns = settings.pop("item_columns", {})
    if item_id is not None and tables.items is not None and isinstance(item_columns, dict):
        own = tables.items.column_names
        if "item_id" not in item_columns and "item_id" not in own and item_id in own:
            item_columns = {"item_id": item_id, **item_columns}
    raw = {**settings, "source": source, "columns": columns, "item_columns": item_columns}
    read = validated(DataSettings, raw, "data")
    _check_frames(tables, read)
    return replace(open_data(tables, read), settings=read)


def _open(interactions: Any, items: Any, delimiter: str | None) -> tuple[Tables, dict[str, Any]]:
    """Return the tables and the entry of their source in the settings."""
    if isinstance(interactions, Dataset):
        tables = read_tables(interactions)
    elif not is_frame(interactions) and (items is None or not is_frame(items)):
        values = {"interactions": _path_list(interactions), "items": _path_list(items), "delimiter": delimiter}
        files = validated(FilesParams, values, "read_log")
        return Files(files).read(), {"name": "files", **files.model_dump(exclude_defaults=True)}
    elif is_frame(interactions):
        events = frame_table(interactions)
        tables = Tables(events, None, events.origin, interactions_place=events.place)
    else:
        tables = Files(
            validated(FilesParams, {"interactions": _path_list(interactions), "delimiter": delimiter}, "read_log")
        ).read()
    if items is None:
        return tables, {"name": FRAME.name}
    if not is_frame(items):
        found = Files(
            validated(FilesParams, {"interactions": _path_list(items), "delimiter": delimiter}, "read_log")
        ).read()
        rows, origin, place = found.interactions, found.interactions_from, found.interactions_place
        return replace(tables, items=rows, items_from=origin, items_place=place), {"name": FRAME.name}
    frame = frame_table(items)
    origin = frame.origin if frame.origin != tables.interactions_from else f"{frame.origin} of items"
    frame = replace(frame, origin=origin)
    return replace(tables, items=frame, items_from=origin, items_place=frame.place), {"name": FRAME.name}


def _check_frames(tables: Tables, settings: DataSettings) -> None:
    """Refuse frames without rows or without a column that the log needs, in the terms of Python."""
    for table, mapping, setting in (
        (tables.interactions, settings.columns, "columns"),
        (tables.items, settings.item_columns, "item_columns"),
    ):
        if not isinstance(table, FrameTable):
            continue
        for name, column in mapping.items():
            if column not in table.column_names and name in CANONICAL:
                raise DataError(_no_column(table, column, f"{name}={column!r} names"))
        needed = ["item_id"] if setting == "item_columns" else ["user_id", "item_id", *_clock(table, settings)]
        for name in needed:
            if name not in mapping and name not in table.column_names:
                near = near_column(name, table.column_names)
                held_by = repr(near) if near else "..."
                raise DataError(
                    f"{_no_column(table, name, '')} Name the column that holds it: "
                    + (
                        f"read_log(..., {name}={held_by})."
                        if setting == "columns"
                        else f"item_columns={{{name!r}: {held_by}}}."
                    )
                )
        if not table.n_rows:
            raise DataError(
                f"{table.origin} has no rows, expected one row per {'event' if setting == 'columns' else 'item'}."
            )


def _clock(table: FrameTable, settings: DataSettings) -> list[str]:
    """Return the column of the clock if the frame has to have one that it lacks."""
    if settings.time == "file-order":
        return []
    if settings.time != "auto":
        return [settings.time]
    present = {"timestamp", "position"} & {*settings.columns, *table.column_names}
    if present:
        return []
    raise DataError(
        f"{table.origin}: no column 'timestamp' or 'position' to order a user's events by. Its columns: "
        f"{', '.join(table.column_names)}. Name one, read_log(..., timestamp=...), or declare that the rows are in order: "
        'time="file-order".'
    )


def _no_column(table: FrameTable, column: str, lead: str) -> str:
    """Return the message about a missing column."""
    found = table.column_names
    start = f"{table.origin}: {lead} no column of it." if lead else f"{table.origin}: no column {column!r}."
    return f"{start}{suggest_column(column, found)} Its columns: {', '.join(found) or 'none'}.{table.index_note}"


def _merge(columns: Any, named: Mapping[str, str]) -> Any:
    """Return the mapping of `columns` with the columns that were named by keywords.

    Raises:
        ConfigError: Both name a column for the same field.
    """
    if not isinstance(columns, dict):
        return columns  # the validation of the settings explains it
    twice = next((name for name in named if columns.get(name, named[name]) != named[name]), None)
    if twice is not None:
        raise ConfigError(
            f"read_log: {twice}={named[twice]!r} and columns={{{twice!r}: {columns[twice]!r}}} differ. Give one of them."
        )
    return {**columns, **named}


def _path_list(paths: Paths | None) -> list[str]:
    """Return paths as a list of texts.

    Raises:
        DataError: The value is neither a path nor a list of paths.
    """
    if paths is None:
        return []
    listed = [paths] if isinstance(paths, str | PathLike) else paths
    if not isinstance(listed, Sequence) or not all(isinstance(path, str | PathLike) for path in listed):
        raise DataError(
            f"read_log: found {type(paths).__name__}, expected a data frame (pandas, polars, pyarrow, DuckDB, or any table "
            "with `__arrow_c_stream__`) or a path. Convert it to one of these."
        )
    return [fspath(path) for path in listed]
