"""`zoo.compare`: two models of results folders, query by query: what differs between them, by how much, and on which queries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from zoo.benchmark.compare.side_differences import SideDifference, choose_metric, refuse_other_queries, side_differences
from zoo.benchmark.compare.sides import Side, open_side, parse_places
from zoo.benchmark.comparison import Comparison, open_comparison
from zoo.benchmark.lists.score_lists import judge_side
from zoo.benchmark.machine import device_of
from zoo.benchmark.results_folder.json_records import refusing_damage
from zoo.benchmark.results_folder.stored_experiment import resolve_stored
from zoo.errors import ResultsError, ZooError
from zoo.evaluation.query_slices import QuerySlice
from zoo.evaluation.significance import FEWEST_SEEDS, difference_of
from zoo.tables import ResultTable

LEVEL = 0.05
ALL = "all queries"
EQUAL = 1e-9
"""The largest difference of two values that counts as equal: sums of a list in another order differ by less."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SlicedDifference:
    """The difference between two models on a group of queries.

    Attributes:
        name: What the queries are grouped by; `all queries` for all.
        value: The group.
        queries: The number of queries in which both have a value.
        first: The mean of the first model.
        second: The mean of the second model.
        difference: The second mean minus the first.
        low: The low end of its interval; None if too few queries differ.
        high: The high end.
        significant: Whether the difference is significant.
        better: The number of queries in which the second model is better; higher, for a metric without a preferred direction.
        worse: The number in which it is worse; lower, for a metric without a preferred direction.
        equal: The number in which both have the same value.
    """

    name: str
    value: str
    queries: int
    first: float
    second: float
    difference: float
    low: float | None
    high: float | None
    significant: bool
    better: int
    worse: int
    equal: int


@dataclass(frozen=True, repr=False)
class PairedComparison(ResultTable):
    """The comparison of two models: a table with one row for all queries and one for each slice.

    Attributes:
        first: The first model.
        second: The second model.
        metric: The compared metric.
        higher_is_better: Whether its higher values are better; None if neither is.
        differences: What differs between the two besides their figures.
        whole: The difference over all queries. Its interval and its test are those of `zoo bench`.
        slices: The same for groups of queries. Their intervals are wider: all of them together cover with a probability of 95 %.
        notes: What limits the comparison.
    """

    first: str
    second: str
    metric: str
    higher_is_better: bool | None
    differences: list[SideDifference]
    whole: SlicedDifference
    slices: list[SlicedDifference]
    notes: list[str]

    def as_json(self) -> dict[str, Any]:
        """Return the comparison as JSON."""
        return asdict(self)

    def to_arrow(self) -> pa.Table:
        """Return one row for all queries and one for each slice, with the fields of `whole`."""
        return pa.Table.from_pylist([asdict(each) for each in (self.whole, *self.slices)], schema=_SCHEMA)

    def __repr__(self) -> str:
        """Return the comparison as text."""
        from zoo.benchmark.compare.comparison_text import format_comparison

        return format_comparison(self)


_SCHEMA = pa.schema([
    ("name", pa.string()), ("value", pa.string()), ("queries", pa.int64()), ("first", pa.float64()), ("second", pa.float64()),
    ("difference", pa.float64()), ("low", pa.float64()), ("high", pa.float64()), ("significant", pa.bool_()),
    ("better", pa.int64()), ("worse", pa.int64()), ("equal", pa.int64()),
])  # fmt: skip


def compare(
    a: str | Path,
    b: str | Path,
    *,
    metric: str | None = None,
    folder: str | Path | None = None,
    plugins: Iterable[str | Path] = (),
) -> PairedComparison:
    """Compare two models query by query.

        zoo.compare("als", "ease", folder="runs/mine", metric="ndcg@10")
        zoo.compare("runs/before:als", "runs/after:als")
        zoo.compare("runs/mine:als", "theirs.parquet")

    A side is a label of `folder`, a results folder with one model, `FOLDER:LABEL`, or a file of lists that another program made
    (see `zoo.score`), which is judged by the task of the other side.

    Args:
        a: The first side.
        b: The second side. Differences are its value minus that of the first.
        metric: The metric; by default the first of the folder that has a value for each query.
        folder: The results folder of a label alone; by default the folder that the other side names.
        plugins: Python files to load as plugins, if the data, a metric or the split come from one.

    Raises:
        ResultsError: A side does not exist, failed, or has no lists; the two were measured on other queries; or the metric is not
            measured.
        DataError: A file of lists cannot be read or judged.
    """
    places = parse_places(a, b, folder)
    base = next(place for place in places if place.folder is not None)
    assert base.folder is not None
    with refusing_damage(base.folder):
        opened = open_side(base)
        task, problem = _open_task(opened, plugins, must=any(place.file for place in places))
        first, second = (
            opened if place is base else open_side(place) if place.folder else judge_side(place, opened, task)
            for place in places
        )
        refuse_other_queries(first, second)
        name = choose_metric(first, second, metric)
        slices = [] if task is None else task.slices()
        if any(len(group.queries) != len(opened.lists[0]) for group in slices):
            raise ResultsError(
                f"{opened.place} has lists of other queries than its data now give: `zoo verify {opened.place}` says more."
            )
        notes = [f"No slices: the data of {opened.place} cannot be read. {problem}"] if task is None else []
        return _compared(first, second, name, slices, notes)


def _open_task(
    side: Side, plugins: Iterable[str | Path], *, must: bool
) -> tuple[Comparison[Any], str] | tuple[None, str]:
    """Return the task of a folder, with its data; or None, and why they cannot be read.

    Raises:
        ResultsError: They cannot be read, and must be.
    """
    try:
        experiment = resolve_stored(side.place, side.manifest, plugins).experiment
        task = open_comparison(experiment.require_recommend() if must else experiment, device_of("cpu"))
        now, before = (description.get("data") for description in (task.description, side.manifest.description))
        if now != before:
            raise ResultsError(f"The data have changed since the benchmark (fingerprint {before}, now {now}).")
    except ZooError as error:
        if must:
            raise ResultsError(f"{side.place} cannot judge lists: {error}") from error
        return None, str(error)
    return task, ""


def _compared(a: Side, b: Side, metric: str, slices: Sequence[QuerySlice], notes: list[str]) -> PairedComparison:
    """Return the comparison of two sides with the same queries."""
    higher = a.manifest.metrics[metric]
    values = [[np.asarray(table[metric].to_numpy(), np.float64) for table in side.lists] for side in (a, b)]
    for side, runs in zip((a, b), values, strict=True):
        if any(np.isnan(run).all() for run in runs):
            raise ResultsError(f"{metric} has no value for {side.name} in {side.place}: it failed there.")
    names = (a.name, b.name) if a.name != b.name else (f"{a.place}:{a.name}", f"{b.place}:{b.name}")
    for side, name in zip((a, b), names, strict=True):
        if side.seeded and len(side.rows) < FEWEST_SEEDS:
            notes.append(
                f"{name} depends on a seed and ran with {len(side.rows)}: the interval is about these runs, not about the model. With "
                f"{FEWEST_SEEDS} seeds or more ([train] seeds = [0, 1, 2]) it covers other seeds too."
            )
        notes += [f"{name}: {note}" for row in side.rows if row.external for note in row.notes]
    pair = _Pair(values[0], values[1], (a.seeded, b.seeded), higher)
    level = LEVEL / max(len(slices), 1)
    found = [pair.difference(each.queries, (each.name, each.value), level) for each in slices]
    return PairedComparison(
        *names,
        metric,
        higher,
        side_differences(a, b),
        pair.difference(np.ones(len(values[0][0]), np.bool_), (ALL, ""), LEVEL),
        [each for each in found if each.queries],
        notes,
    )


@dataclass(frozen=True, eq=False)
class _Pair:
    """The values of two models for each query, one array for each seed; whether each depends on a seed, and the better direction."""

    first: list[Floats]
    second: list[Floats]
    seeded: tuple[bool, bool]
    higher: bool | None

    def difference(self, chosen: NDArray[np.bool_], name: tuple[str, str], level: float) -> SlicedDifference:
        """Return the difference on some of the queries, with an interval that misses the true one with the probability `level`."""
        first, second = ([run[chosen] for run in runs] for runs in (self.first, self.second))
        gains = (_mean_over_seeds(second) - _mean_over_seeds(first)) * (-1 if self.higher is False else 1)
        known = ~np.isnan(gains)
        if not known.any():
            return SlicedDifference(*name, 0, np.nan, np.nan, np.nan, None, None, False, 0, 0, 0)
        found = difference_of(first, second, seeded=self.seeded, level=level)
        low, high = (None if np.isnan(end) else end for end in (found.low, found.high))
        return SlicedDifference(
            *name,
            queries=int(known.sum()),
            first=_mean(first),
            second=_mean(second),
            difference=found.value,
            low=low,
            high=high,
            significant=found.significant,
            better=int((gains > EQUAL).sum()),
            worse=int((gains < -EQUAL).sum()),
            equal=int((np.abs(gains) <= EQUAL).sum()),
        )


def _mean(runs: list[Floats]) -> float:
    """Return the mean over the queries with a value, averaged over the seeds."""
    return float(np.mean([np.nanmean(run) for run in runs]))


def _mean_over_seeds(runs: list[Floats]) -> Floats:
    """Return the mean of each query over the seeds, `[Q]`; NaN for a query without a value in one of them."""
    mean: Floats = np.mean(runs, axis=0)
    return mean
