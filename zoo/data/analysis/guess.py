"""Read data for a report: columns whose names differ are guessed, and rows without ids are counted instead of refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow.compute as pc

from zoo.config.chosen import Chosen
from zoo.config.experiment import DataSettings
from zoo.data.analysis.shape import advise_on_shape
from zoo.data.dataset import Columns, Dataset, Tables, read_tables
from zoo.data.log import Data
from zoo.data.near_columns import near_column
from zoo.data.prepared.prepare import open_data
from zoo.errors import DataError

EVENT_COLUMNS = ("user_id", "item_id", "timestamp", "event", "session_id", "basket_id", "price", "quantity")
"""Columns of events that are guessed, in this order; a column of the file is taken once."""
ITEM_COLUMNS = ("item_id", "title", "price")
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
        splits: The values of a column `split` of the events; empty without one.
    """

    data: Data
    settings: DataSettings
    read_with: DataSettings
    guessed: tuple[str, ...]
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
    tables, guessed = read_tables(dataset, origin), list[str]()
    if guess:
        settings, guessed = _guess(tables, settings)
    counted = settings.model_copy(update={"null_ids": "drop", "duplicates": "keep"})
    try:
        data = open_data(tables, counted, sessions_as_users=True, cleaners=cleaners)
    except DataError as error:
        advice = advise_on_shape(tables, settings)
        if not advice:
            raise
        raise DataError(f"{error}\n{advice}") from error
    return ReadForReport(data, settings, counted, tuple(guessed), _splits(tables.interactions))


def _guess(tables: Tables, settings: DataSettings) -> tuple[DataSettings, list[str]]:
    """Return the settings with the columns that are meant by other names, and sentences that say so."""
    columns, said = _near(tables.interactions, settings.columns, EVENT_COLUMNS, "the events")
    if "event" in columns and "event" not in settings.columns:
        kinds = pc.count_distinct(tables.interactions.select([columns["event"]]).column(0)).as_py()
        if kinds > MOST_TYPES:
            said = [sentence for sentence in said if not sentence.startswith("event is")]
            del columns["event"]
    of_items: dict[str, str] = dict(settings.item_columns)
    if tables.items is not None:
        of_items, more = _near(tables.items, settings.item_columns, ITEM_COLUMNS, "the items")
        said += more
    update: dict[str, Any] = {"columns": columns, "item_columns": of_items}
    if tables.users is not None:
        update["user_columns"], more = _near(tables.users, settings.user_columns, USER_COLUMNS, "the users")
        said += more
    ordered = {"timestamp", "position"} & {*tables.interactions.column_names, *columns}
    if settings.time == "auto" and not ordered:
        update["time"] = "file-order"
        said.append("the events have neither times nor positions: their order is taken as unknown")
    return settings.model_copy(update=update), said


def _near(
    table: Columns, mapping: dict[str, str], wanted: Sequence[str], where: str
) -> tuple[dict[str, str], list[str]]:
    """Return the mapping with near columns, and a sentence for each."""
    found, said = dict(mapping), list[str]()
    names = list(table.column_names)
    free = [n for n in names if n not in mapping.values() and n not in wanted and n not in ("position", "split")]
    for canonical in wanted:
        if canonical in found or canonical in names:
            continue
        near = near_column(canonical, free)
        if near:
            found[canonical] = near
            free.remove(near)
            said.append(f"{canonical} is the column {near!r} of {where}")
    return found, said


def _splits(table: Columns) -> tuple[str, ...]:
    """Return the values of a column `split`; empty without one, or if it has many."""
    if "split" not in table.column_names:
        return ()
    values = pc.unique(table.select(["split"]).column(0))
    return tuple(sorted(str(v) for v in values.to_pylist() if v is not None)) if len(values) <= 10 else ()
