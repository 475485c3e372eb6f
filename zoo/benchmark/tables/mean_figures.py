"""A metric of a model as every table and report shows it: the mean over its seeds, with an interval of this mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zoo.benchmark.tables.compared_columns import read_values
from zoo.evaluation.intervals import mean_interval

if TYPE_CHECKING:
    from zoo.benchmark.results_folder.row import Row
    from zoo.benchmark.results_folder.store import Store


@dataclass(frozen=True)
class MeanFigure:
    """A metric of a model.

    Attributes:
        value: The mean over the seeds; None if no query has a value.
        low: The lower end of the 95 % interval of this mean over the queries, None if there is none.
        high: The upper end.
        seeds: The values of the seeds.
        per_query: Whether the metric has a value for each query; known only with several seeds, else true.
    """

    value: float | None
    low: float | None
    high: float | None
    seeds: tuple[float, ...]
    per_query: bool = True


def read_mean_figure(store: Store, runs: Sequence[Row], metric: str) -> MeanFigure:
    """Return a metric of a model without a failed run; the values of the queries are read only if it has several seeds."""
    values = read_values(store, {"": runs}, metric)[""] if len(runs) > 1 else []
    return mean_figure(runs, metric, mean_over_seeds(values) if values else None)


def mean_figure(runs: Sequence[Row], metric: str, queries: NDArray[np.float64] | None) -> MeanFigure:
    """Return a metric of a model.

    The interval of a model with one seed is that of its row. With several seeds it is computed from the mean of each query, so that
    it is an interval of the mean that is shown; a metric without values for each query has none.

    Args:
        runs: The runs of the model, one for each seed.
        metric: The metric.
        queries: The value of each query averaged over the seeds, `[Q]`; None if the metric has none. Not read with one seed.
    """
    rows = [run.metrics.get(metric, [None, None, None]) for run in runs]
    seeds = tuple(value for value, *_ in rows if value is not None)
    value = float(np.mean(seeds)) if seeds else None
    if len(runs) == 1:
        _, low, high = rows[0]
        return MeanFigure(value, low, high, seeds)
    if queries is None or value is None:
        return MeanFigure(value, None, None, seeds, per_query=queries is not None)
    low, high = mean_interval(queries[~np.isnan(queries)])
    return (
        MeanFigure(value, None, None, seeds) if np.isnan(low) or np.isnan(high) else MeanFigure(value, low, high, seeds)
    )


def mean_over_seeds(runs: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the mean of each query over the seeds that have a value for it, `[Q]`; NaN if none has."""
    if len(runs) == 1:
        return runs[0]
    stacked = np.stack(runs)
    present = ~np.isnan(stacked)
    counts = present.sum(0)
    sums = np.where(present, stacked, 0.0).sum(0)
    found: NDArray[np.float64] = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    return found
