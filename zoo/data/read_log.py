"""Read an event log from data frames or files in one call, with the settings of `[data]`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from os import PathLike, fspath
from typing import Any

from zoo.config.experiment import DataSettings
from zoo.data.dataset import Columns, Dataset, Tables, read_tables
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
IDS = {"item_columns": ["item_id"], "user_columns": ["user_id"]}
"""The columns that a frame of items or users needs, by the setting that maps it."""


def read_log(
    interactions: Any,
    items: Any = None,
    *,
    users: Any = None,
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
        users: The users, one per row, with `user_id`, and columns that models may read; a frame or a path as well.
        user_id: The column that holds the users, if it has another name than `user_id`; it also applies to `users` unless that
            has a column `user_id`.
        item_id: The same for the items; it also applies to `items` unless that has a column `item_id`.
        timestamp: The same for the times: dates, times with or without a zone (then UTC), or numbers since 1970.
        event: The same for the event types.
        delimiter: The field delimiter of a csv file; a comma by default, a tab for .tsv.
        **settings: Keys of `[data]` except `source`: `columns`, `time`, `events`, `until`, `k_core`, `duplicates`, ...

    Returns:
        `log` (an `Interactions`), `catalogue` (a `Catalogue`), `user_ids` (the ids as in the data, `[U]`), `users` (a
        `UserTable`, None without one) and `notes`.

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
    tables, source = _open(interactions, items, users, delimiter)
    item_columns = _with_id(settings.pop("item_columns", {}), tables.items, "item_id", item_id)
    user_columns = _with_id(settings.pop("user_columns", {}), tables.users, "user_id", user_id)
    raw = {**settings, "source": source, "columns": columns, "item_columns": item_columns, "user_columns": user_columns}
    read = validated(DataSettings, raw, "data")
    _check_frames(tables, read)
    return replace(open_data(tables, read), settings=read)


def _with_id(mapping: Any, table: Columns | None, canonical: str, column: str | None) -> Any:
    """Return the mapping of a table with the column of its ids, if a keyword names it and nothing else does."""
    if column is None or table is None or not isinstance(mapping, dict) or canonical in mapping:
        return mapping
    own = table.column_names
    return {canonical: column, **mapping} if canonical not in own and column in own else mapping


def _open(interactions: Any, items: Any, users: Any, delimiter: str | None) -> tuple[Tables, dict[str, Any]]:
    """Return the tables and the entry of their source in the settings."""
    if isinstance(interactions, Dataset):
        tables = read_tables(interactions)
    elif not any(map(is_frame, (interactions, items, users))):
        named = {"interactions": interactions, "items": items, "users": users}
        values = {**{name: _path_list(paths) for name, paths in named.items()}, "delimiter": delimiter}
        files = validated(FilesParams, values, "read_log")
        return Files(files).read(), {"name": "files", **files.model_dump(exclude_defaults=True)}
    else:
        rows, origin, place = _one_table(interactions, delimiter)
        tables = Tables(rows, interactions_from=origin, interactions_place=place)
    if items is not None:
        rows, origin, place = _one_table(items, delimiter, "items", tables.interactions_from)
        tables = replace(tables, items=rows, items_from=origin, items_place=place)
    if users is not None:
        rows, origin, place = _one_table(users, delimiter, "users", tables.interactions_from)
        tables = replace(tables, users=rows, users_from=origin, users_place=place)
    return tables, {"name": FRAME.name}


def _one_table(
    source: Any, delimiter: str | None, kind: str = "", taken: str = ""
) -> tuple[Columns, str, Callable[[int], str] | None]:
    """Return the table in a frame or in files, its name in messages and the places of its rows.

    Args:
        source: The frame or the paths.
        delimiter: The field delimiter of csv files.
        kind: What its rows are, which is added to the name of a frame that would be `taken`.
        taken: The name of another frame.
    """
    if is_frame(source):
        frame = frame_table(source)
        if frame.origin == taken:
            frame = replace(frame, origin=f"{frame.origin} of {kind}")
        return frame, frame.origin, frame.place
    values = {"interactions": _path_list(source), "delimiter": delimiter}
    found = Files(validated(FilesParams, values, "read_log")).read()
    return found.interactions, found.interactions_from, found.interactions_place


def _check_frames(tables: Tables, settings: DataSettings) -> None:
    """Refuse frames without rows or without a column that the log needs, in the terms of Python."""
    for table, mapping, setting in (
        (tables.interactions, settings.columns, "columns"),
        (tables.items, settings.item_columns, "item_columns"),
        (tables.users, settings.user_columns, "user_columns"),
    ):
        if not isinstance(table, FrameTable):
            continue
        for name, column in mapping.items():
            if column not in table.column_names and name in CANONICAL:
                raise DataError(_no_column(table, column, f"{name}={column!r} names"))
        needed = IDS[setting] if setting in IDS else ["user_id", "item_id", *_clock(table, settings)]
        for name in needed:
            if name not in mapping and name not in table.column_names:
                near = near_column(name, table.column_names)
                held_by = repr(near) if near else "..."
                raise DataError(
                    f"{_no_column(table, name, '')} Name the column that holds it: "
                    + (
                        f"read_log(..., {name}={held_by})."
                        if setting == "columns"
                        else f"{setting}={{{name!r}: {held_by}}}."
                    )
                )
        if not table.n_rows:
            raise DataError(
                f"{table.origin} has no rows, expected one row per {setting.partition('_')[0] if setting in IDS else 'event'}."
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
