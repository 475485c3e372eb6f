"""The event types of a log: their codes, names and weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from zoo.config.experiment import DataSettings
from zoo.data.near_columns import format_mapping
from zoo.data.schema import MappedTable, ids
from zoo.errors import DataError, suggestion


def event_codes(names: Sequence[str], known: Sequence[str], setting: str) -> list[int]:
    """Return the codes of event types.

    Raises:
        DataError: A name is not an event type of the log.
    """
    for name in names:
        if name not in known:
            raise DataError(
                f"{setting}: no event {name!r} in the data.{suggestion(name, known)} Its events: {', '.join(known)}."
            )
    return [list(known).index(name) for name in names]


def read_event_types(
    events: MappedTable, table: pa.Table, settings: DataSettings
) -> tuple[NDArray[np.uint8], list[str]]:
    """Return the event type code of each row, `[N]`, and the sorted names of the types."""
    if "event" not in events.names:
        refuse_event_settings(events, settings)
        return np.zeros(table.num_rows, np.uint8), ["interaction"]
    found = ids(events, table.column("event"), "event")
    if (found.codes < 0).any():
        events.fail(
            int(np.argmax(found.codes < 0)),
            f"{events.display_name('event')} is empty, expected the event type. Correct the row.",
        )
    if len(found.unique) > 256:
        raise DataError(
            f"{events.origin}: {events.display_name('event')} has {len(found.unique)} different values ({found.unique[0]}, {found.unique[1]}, ...), "
            f"expected at most 256 types. Map the right column: {format_mapping(events.setting, 'event')}."
        )
    return found.codes.astype(np.uint8), found.unique.to_pylist()


def refuse_event_settings(events: MappedTable, settings: DataSettings) -> None:
    """Refuse settings of event types for a table without a column of them.

    Raises:
        DataError: `events` or `event_weights` is set.
    """
    if settings.events is not None or settings.event_weights:
        setting = "data.events" if settings.events is not None else "data.event_weights"
        try:
            events.require("event")
        except DataError as error:
            raise DataError(f"{setting} names event types, but: {error}") from None


def event_weights(names: Sequence[str], weights: Mapping[str, float]) -> NDArray[np.float32]:
    """Return the weight of each event type, 1 by default."""
    event_codes(list(weights), names, "data.event_weights")
    return np.array([weights.get(name, 1.0) for name in names], np.float32)
