"""The users whose lists a report shows, and what else it needs about the queries: files beside the runs of a benchmark."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ConfigDict, TypeAdapter, with_config

from zoo.benchmark.results_folder.json_records import as_record, read_table
from zoo.benchmark.results_folder.queried_users import QueriedUsers
from zoo.benchmark.results_folder.result_files import writing
from zoo.benchmark.results_folder.store import Store
from zoo.config.variables import Variables
from zoo.errors import ResultsError

QUERIES, SAMPLE = "queries.parquet", "sample_users.json"


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class ShownItem:
    """What the catalogue says about an item."""

    title: str | None = None
    price: float | None = None
    category: str | None = None


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class ShownEvent:
    """An event of a history; its time is missing if the data have no clock."""

    item: str
    event: str
    time: str | None = None


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class SampledUser:
    """A user with a test query.

    Attributes:
        query: The position of the query in the lists.
        user: The id of the user.
        now: The time of the query; None if the data have no clock.
        history: The last events of the history, the latest last.
        events: The number of events of the whole history.
        targets: The items that the user took after the query.
    """

    query: int
    user: str
    now: str | None
    history: list[ShownEvent]
    events: int
    targets: list[str]


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class UserSample:
    """The sampled users, and the items of their histories, targets and lists by id."""

    users: list[SampledUser]
    items: dict[str, ShownItem] = field(default_factory=dict)
    format: Literal[1] = 1


_SAMPLE = TypeAdapter(UserSample)


def write_query_facts(store: Store, users: QueriedUsers | None) -> None:
    """Write the facts about the test queries, one row per query, in the order of the lists; a task without users has none."""
    if users is not None:
        with writing(store.folder / QUERIES) as path:
            pq.write_table(_hidden(users.facts(), store.variables), path, compression="zstd")


def write_sample(store: Store, users: QueriedUsers | None) -> None:
    """Write the sampled users with the items of their histories, targets and lists; a task without users has none."""
    if users is None:
        return
    chosen = users.sample()
    rows = {row.label: row for row in store.rows() if not row.error}.values()
    places = pa.array([user["query"] for user in chosen], pa.int64())
    listed = set[str]()
    for row in rows:
        lists = store.lists(row, ["items"])
        if lists is not None and lists.num_columns:
            listed.update(item for items in lists["items"].take(places).to_pylist() for item in items)
    described = users.describe(_items(chosen, listed))
    sample = {"users": chosen, "items": {item: store.variables.hide(shown) for item, shown in described.items()}}
    with writing(store.folder / SAMPLE) as path:
        path.write_text(json.dumps(asdict(as_record(_SAMPLE, sample))), encoding="utf-8")


def _hidden(facts: pa.Table, variables: Variables) -> pa.Table:
    """Return facts whose texts do not contain the value of a variable of the experiment."""
    if not variables.texts:
        return facts
    for at, column in enumerate(facts.columns):
        if pa.types.is_string(column.type):
            hidden = [None if text is None else variables.hide_text(text) for text in column.to_pylist()]
            facts = facts.set_column(at, facts.column_names[at], pa.array(hidden, pa.string()))
    return facts


def _items(users: Iterable[dict[str, Any]], listed: Iterable[str]) -> list[str]:
    """Return the ids of all items to describe."""
    found = dict.fromkeys(listed)
    for user in users:
        found |= dict.fromkeys([*(event["item"] for event in user["history"]), *user["targets"]])
    return sorted(found)


def read_query_facts(store: Store) -> pa.Table | None:
    """Return the facts about the queries; None in a folder that has none.

    Raises:
        ResultsError: The file is damaged.
    """
    path = next((folder / QUERIES for folder in store.folders if (folder / QUERIES).exists()), None)
    if path is None:
        return None
    try:
        return pq.read_table(path)
    except (MemoryError, pa.ArrowCancelled):
        raise
    except (OSError, ValueError, pa.ArrowException) as error:
        raise _damaged(path, error) from None


def read_sample(store: Store) -> UserSample | None:
    """Return the sampled users; None in a folder that has none. Folders of one task have the same users.

    Raises:
        ResultsError: The file is damaged, or of another format.
    """
    samples = []
    for path in [folder / SAMPLE for folder in store.folders if (folder / SAMPLE).exists()]:
        try:
            samples.append(as_record(_SAMPLE, read_table(path)))
        except (OSError, ValueError) as error:
            raise _damaged(path, error) from None
    items = {item: shown for sample in samples for item, shown in sample.items.items()}
    return replace(samples[0], items=items) if samples else None


def _damaged(path: Path, error: Exception) -> ResultsError:
    return ResultsError(
        f"{path} cannot be read: {error}. Remove it and run the benchmark again, which writes it anew and keeps the finished runs."
    )
