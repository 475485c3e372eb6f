"""A metric by slice: the mean over the queries of each group, such as those of new users or of rare items."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from zoo.benchmark.results_folder.queried_users import GROUPS
from zoo.html_report.formatting import NONE, format_count, format_figure
from zoo.html_report.measured import MeasuredMetric

TITLES = {
    "history": "Length of the history",
    "user": "Users",
    "targets": "Targets: cold ones do not occur in training",
    "popularity": "Popularity of the targets",
}
"""The titles of the properties of `slice_queries`."""
MOST_CATEGORIES = 8
MOST_PERIODS = 12
FEW_QUERIES = 100
"""The number of queries below which a group is marked: its means vary too much to rank models."""


@dataclass(frozen=True, eq=False)
class Group:
    """The queries of a group, by their positions in the lists."""

    label: str
    places: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Division:
    """A way to divide the queries into groups."""

    title: str
    groups: Sequence[Group]


@dataclass(frozen=True)
class SliceCell:
    """The mean of a model in a group.

    Attributes:
        text: The mean.
        spread: Half the width of its 95 % interval, by the normal approximation.
        strength: The value between the worst (0) and the best (100) of the group.
        best: Whether it is the best of the group.
    """

    text: str
    spread: str
    strength: int
    best: bool


@dataclass(frozen=True)
class SliceTable:
    """A metric by the groups of a division: a row per model."""

    title: str
    headings: Sequence[tuple[str, str, bool]]
    rows: Sequence[tuple[str, Sequence[SliceCell]]]


def divisions(facts: pa.Table) -> list[Division]:
    """Return the ways to divide the queries by facts about them; those with one group only are left out."""
    metadata = facts.schema.metadata or {}
    groups = json.loads(metadata.get(GROUPS.encode(), b"{}"))
    found = [
        Division(TITLES.get(name, name), list(_by_value(facts[name], values)))
        for name, values in groups.items()
        if name in facts.column_names
    ]
    if "category" in facts.column_names:
        found.append(Division("Category of the targets", list(_by_category(facts["category"]))))
    if pa.types.is_timestamp(facts["now"].type):
        found.append(Division("Time of the query", list(_by_time(facts["now"]))))
    return [division for division in found if len(division.groups) > 1]


def slice_tables(divided: Sequence[Division], metric: MeasuredMetric, labels: Sequence[str]) -> list[SliceTable]:
    """Return a metric by each division, for the models that have a value of each query; none for a metric of all lists together."""
    present = [label for label in labels if label in metric.queries]
    if not present:
        return []
    values = np.stack([metric.queries[label] for label in present])
    return [_table(division, values, present, higher=metric.higher) for division in divided]


def _table(
    division: Division, values: NDArray[np.float64], labels: Sequence[str], *, higher: bool | None
) -> SliceTable:
    """Return the table of a division.

    Args:
        division: The groups.
        values: The values of each query, `[M, Q]`.
        labels: The models.
        higher: Whether higher is better; None if no value is better than another.
    """
    columns = [_means(values[:, group.places]) for group in division.groups]
    cells: list[list[SliceCell]] = [[] for _ in labels]
    for means, spreads in columns:
        known = means[~np.isnan(means)]
        low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
        for row, mean, spread in zip(cells, means, spreads, strict=True):
            if np.isnan(mean):
                row.append(SliceCell(NONE, "", 0, best=False))
                continue
            share = (mean - low) / (high - low) if high > low else 0.0
            strength = 0 if higher is None else round(100 * (share if higher else 1 - share))
            best = higher is not None and high > low and mean == (high if higher else low)
            row.append(SliceCell(format_figure(mean), format_figure(spread), strength, best))
    headings = [(g.label, format_count(len(g.places)), len(g.places) < FEW_QUERIES) for g in division.groups]
    return SliceTable(division.title, headings, list(zip(labels, cells, strict=True)))


def _means(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean of each row without NaN, and half its 95 % interval, `[M]` each."""
    present = ~np.isnan(values)
    n = present.sum(1)
    filled = np.where(present, values, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = filled.sum(1) / n
        variance = np.maximum((filled**2).sum(1) / n - means**2, 0.0)
        return means, 1.96 * np.sqrt(variance / np.maximum(n - 1, 1))


def _by_value(column: pa.ChunkedArray, values: Sequence[str]) -> Iterator[Group]:
    """Yield the queries of each value of a column."""
    for value in values:
        yield from _group(value, np.asarray(pc.fill_null(pc.equal(column, value), False).to_numpy(), np.bool_))


def _by_category(column: pa.ChunkedArray) -> Iterator[Group]:
    """Yield the queries of the most frequent categories, and those of all others."""
    counted = pc.value_counts(column.drop_null().combine_chunks())
    categories = sorted(((entry["counts"].as_py(), str(entry["values"])) for entry in counted), reverse=True)
    text = column.cast(pa.string())
    rest = np.ones(len(column), np.bool_)
    shown = [name for _, name in categories[:MOST_CATEGORIES]]
    for group in _by_value(text, shown):
        rest[group.places] = False
        yield group
    yield from _group("other", rest & np.asarray(column.is_valid().to_numpy(), np.bool_))


def _by_time(column: pa.ChunkedArray) -> Iterator[Group]:
    """Yield the queries by the shortest of day, week, month, quarter and year that gives few enough periods."""
    if column.null_count:
        return
    for unit, form in (
        ("day", "%Y-%m-%d"),
        ("week", "week of %Y-%m-%d"),
        ("month", "%Y-%m"),
        ("quarter", "from %Y-%m"),
        ("year", "%Y"),
    ):
        floor = pc.floor_temporal(column, unit=unit)
        moments = floor.unique().sort()
        if len(moments) <= MOST_PERIODS:
            for moment in moments:
                yield from _group(f"{moment.as_py():{form}}", np.asarray(pc.equal(floor, moment).to_numpy(), np.bool_))
            return


def _group(label: str, chosen: NDArray[np.bool_]) -> Iterator[Group]:
    """Yield a group unless it is empty."""
    places = np.flatnonzero(chosen)
    if len(places):
        yield Group(label, places)
