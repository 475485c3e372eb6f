"""Read an event log from files in one call, with the settings of `[data]`."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike, fspath
from typing import Any

from zoo.config.experiment import DataSettings
from zoo.data.dataset_params import FilesParams
from zoo.data.files import Files
from zoo.data.log import Data, read_data
from zoo.errors import ConfigError
from zoo.params import validated

Paths = str | PathLike[str] | Sequence[str | PathLike[str]]
"""A path, a pattern such as `events/*.parquet`, or a list of them."""


def read_log(interactions: Paths, items: Paths | None = None, *, delimiter: str | None = None, **settings: Any) -> Data:
    """Read an event log and the catalogue of its items from files.

    Ids become numbers, events are sorted by user and time, and `notes` counts everything that is removed:

        data = zoo.read_log("events.parquet", "items.parquet", k_core=5)
        task = zoo.Task.of(data.log, zoo.LeaveLastOut(), catalogue=data.catalogue, user_ids=data.user_ids)

    Args:
        interactions: The events, one per row, with `user_id` and `item_id`: parquet, csv, tsv, json, jsonl, arrow.
        items: The items, one per row, with `item_id`; without it the catalogue has only the ids.
        delimiter: The field delimiter of a csv file; a comma by default, a tab for .tsv.
        **settings: Keys of `[data]` except `source`: `columns`, `time`, `events`, `until`, `k_core`, `duplicates`, ...

    Returns:
        `log` (an `Interactions`), `catalogue` (a `Catalogue`), `user_ids` (the ids as in the file, `[U]`) and `notes`.

    Raises:
        ConfigError: A setting is unknown or has an invalid value.
        DataError: A file cannot be read or is invalid; the message names file, column, row and value.
    """
    if "source" in settings:
        raise ConfigError("read_log: `source` is not a setting here; pass the files as the first arguments instead.")
    values = {"interactions": _path_list(interactions), "items": _path_list(items), "delimiter": delimiter}
    files = Files(validated(FilesParams, values, "read_log"))
    return read_data(files.read(), validated(DataSettings, {**settings, "source": "files"}, "data"))


def _path_list(paths: Paths | None) -> list[str]:
    """Return paths as a list of texts."""
    if paths is None:
        return []
    return [fspath(path) for path in ([paths] if isinstance(paths, str | PathLike) else paths)]
