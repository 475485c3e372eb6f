"""Read data for a report: columns whose names differ are guessed, and rows without ids are counted instead of refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow.compute as pc

from zoo.config.chosen import Chosen
from zoo.config.experiment import DataSettings
from zoo.data.analysis.column_values import guess_by_values
from zoo.data.analysis.shape import advise_on_shape
from zoo.data.clock import parse_times
from zoo.data.dataset import Columns, Dataset, Tables, read_tables
from zoo.data.event_types import read_event_types
from zoo.data.log import Data
from zoo.data.near_columns import near_column
from zoo.data.prepared.prepare import open_data
from zoo.data.schema import CANONICAL, NUMBERS, MappedTable
from zoo.errors import DataError

EVENT_COLUMNS = ("user_id", "item_id", "timestamp", "event", "session_id", "basket_id", "price", "quantity")
"""Columns of events that are guessed, in this order; a column of the file is taken once."""
ITEM_COLUMNS = ("item_id", "title", "category", "price")
USER_COLUMNS = ("user_id",)
MOST_TYPES = 256
"""Distinct values up to which a column may hold event types."""


@dataclass(frozen=True, eq=False)
class ReadForReport:
    """Data that were read for a report.

    Attributes:
        data: The log and the catalogue.
        settings: The settings of `[data]` for the proposal: those that were given, with what was guessed.
        read_with: The settings of `[data]` that `data` were read with: without ids, rows are left out, and copies are kept.
        guessed: What was guessed, as sentences.
        unused: The columns of the events that are not used, with a hint where the values tell what they are; empty without guesses.
        splits: The values of a column `split` of the events; empty without one.
    """

    data: Data
    settings: DataSettings
    read_with: DataSettings
    guessed: tuple[str, ...]
    unused: tuple[str, ...]
    splits: tuple[str, ...]


def read_for_report(
    dataset: Dataset[Any],
    settings: DataSettings,
    *,
    guess: bool,
    origin: str = "",
    cleaners: Sequence[Chosen] | None = None,
) -> ReadForReport:
    """Read data for a report.

    Args:
        dataset: The source.
        settings: The settings of `[data]`.
        guess: Whether to guess columns and the order where the settings do not name them.
        origin: The component of the source, for messages.
        cleaners: The cleaners of `[data]`; by default they are looked up among the installed plugins.

    Raises:
        DataError: The data cannot be read; the message names file, column, row and value.
    """
    tables, guessed, unused = read_tables(dataset, origin), list[str](), list[str]()
    if guess:
        settings, guessed, unused = _guess(tables, settings)
    counted = settings.model_copy(update={"null_ids": "drop", "duplicates": "keep"})
    try:
        data = open_data(tables, counted, sessions_as_users=True, cleaners=cleaners)
    except DataError as error:
        advice = advise_on_shape(tables, settings) or _advise_on_times(tables, settings)
        if not advice:
            raise
        raise DataError(f"{error}\n{advice}") from error
    return ReadForReport(data, settings, counted, tuple(guessed), tuple(unused), _splits(tables.interactions))


def _guess(tables: Tables, settings: DataSettings) -> tuple[DataSettings, list[str], list[str]]:
    """Return the settings with the guessed columns, sentences that say so, and the columns of the events that are not used."""
    table, given = tables.interactions, settings.columns
    timed = settings.time in ("auto", "timestamp")
    columns = _near(table, given, [name for name in EVENT_COLUMNS if timed or name != "timestamp"])
    if "event" in columns and "event" not in given:
        kinds = pc.count_distinct(table.select([columns["event"]]).column(0)).as_py()
        if kinds > MOST_TYPES:
            del columns["event"]
    wrong = _find_unreadable(
        table,
        settings,
        given,
        columns,
        setting="data.columns",
        origin=tables.interactions_from,
        place=tables.interactions_place,
    )
    taken = {*CANONICAL, "split", *columns.values(), *(columns[name] for name in wrong)}
    columns = {name: own for name, own in columns.items() if name not in wrong}
    said = _state(columns, given, "the events")
    by_values, hints = guess_by_values(
        table, columns, [name for name in table.column_names if name not in taken], timed=timed
    )
    said += [f"{name} is the column {own!r} of the events, by its values" for name, own in by_values.items()]
    said += wrong.values()
    columns |= by_values
    unused = [
        own + hints.get(own, "") for own in table.column_names if own not in taken and own not in by_values.values()
    ]
    of_items: dict[str, str] = dict(settings.item_columns)
    if tables.items is not None:
        of_items = _near(tables.items, of_items, ITEM_COLUMNS)
        wrong = _find_unreadable(
            tables.items,
            settings,
            settings.item_columns,
            of_items,
            setting="data.item_columns",
            origin=tables.items_from,
            place=tables.items_place,
        )
        of_items = {name: own for name, own in of_items.items() if name not in wrong}
        said += [*_state(of_items, settings.item_columns, "the items"), *wrong.values()]
    update: dict[str, Any] = {"columns": columns, "item_columns": of_items}
    if tables.users is not None:
        update["user_columns"] = _near(tables.users, settings.user_columns, USER_COLUMNS)
        said += _state(update["user_columns"], settings.user_columns, "the users")
    ordered = {"timestamp", "position"} & {*table.column_names, *columns}
    if settings.time == "auto" and not ordered:
        update["time"] = "file-order"
        said.append("the events have neither times nor positions: their order is taken as unknown")
    return settings.model_copy(update=update), said, unused


def _near(table: Columns, mapping: dict[str, str], wanted: Sequence[str]) -> dict[str, str]:
    """Return the mapping with near columns."""
    found, names = dict(mapping), list(table.column_names)
    free = [n for n in names if n not in mapping.values() and n not in (*wanted, "timestamp", "position", "split")]
    for canonical in wanted:
        if canonical in found or canonical in names:
            continue
        near = near_column(canonical, free)
        if near:
            found[canonical] = near
            free.remove(near)
    return found


def _state(columns: dict[str, str], given: dict[str, str], where: str) -> list[str]:
    """Return a sentence for each column that was not given."""
    return [f"{name} is the column {own!r} of {where}" for name, own in columns.items() if name not in given]


def _find_unreadable(
    table: Columns,
    settings: DataSettings,
    given: dict[str, str],
    columns: dict[str, str],
    *,
    setting: str,
    origin: str,
    place: Callable[[int], str] | None,
) -> dict[str, str]:
    """Return the guessed columns that the log can do without and whose values cannot be read, each with a sentence."""
    found: dict[str, str] = {}
    for name in ("event", *NUMBERS):
        if name not in columns or name in given:
            continue
        try:
            mapped = MappedTable.of(table, {name: columns[name]}, setting, origin, place)
            values = mapped.select([name])
            if name == "event":
                read_event_types(mapped, values, settings)
        except DataError as error:
            found[name] = f"{name}: {columns[name]!r} was left out: {str(error).rstrip('.')}"
    return found


def _advise_on_times(tables: Tables, settings: DataSettings) -> str:
    """Return how to go on if times cannot be read; empty if they are not the reason."""
    try:
        table = MappedTable.of(tables.interactions, settings.columns, "data.columns", tables.interactions_from)
        if settings.time not in ("auto", "timestamp") or "timestamp" not in table.names:
            return ""
        column = table.select(["timestamp"]).column(0)
    except DataError:
        return ""
    try:
        parse_times(table, column, "timestamp")
    except DataError:
        return (
            "To go on, correct or remove such rows in the file, name another column with --set data.columns.timestamp=NAME, or "
            "read the events without their times: --set data.time=file-order --set split.policy=leave-last-out"
        )
    return ""


def _splits(table: Columns) -> tuple[str, ...]:
    """Return the values of a column `split`; empty without one, or if it has many."""
    if "split" not in table.column_names:
        return ()
    values = pc.unique(table.select(["split"]).column(0))
    return tuple(sorted(str(v) for v in values.to_pylist() if v is not None)) if len(values) <= 10 else ()
