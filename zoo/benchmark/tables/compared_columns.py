"""The values of a metric for each query of a benchmark, and the comparison of the models by them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zoo.evaluation.significance import Comparison, compare_models

if TYPE_CHECKING:
    from zoo.benchmark.results_folder.row import Row
    from zoo.benchmark.results_folder.store import Store

Values = Mapping[str, Sequence[NDArray[np.float64]]]
"""The values of each query, `[Q]`, for each seed of each model."""
NOT_COMPARED = Comparison({})


def compare_column(store: Store, groups: Mapping[str, Sequence[Row]], metric: str) -> Comparison:
    """Return the comparison of the models in a column, without verdicts if no value is better than another.

    The same files are compared once in a process: the table, the sentence below it and each report need the same verdicts.
    """
    higher = store.manifest().metrics[metric]
    if higher is None:
        return NOT_COMPARED
    labels, runs = list(groups), list(groups.values())
    files = tuple((rows[0].seed is not None, tuple(identify_lists(store, row) for row in rows)) for rows in runs)
    key = (metric, higher, files)
    if key not in _COMPARED:
        values = read_values(store, {str(at): rows for at, rows in enumerate(runs)}, metric)
        seeded = [str(at) for at, rows in enumerate(runs) if rows[0].seed is not None]
        _COMPARED[key] = compare_values(values, seeded, higher_is_better=higher)
        if len(_COMPARED) > MOST_KEPT:
            _COMPARED.popitem(last=False)
    found = _COMPARED[key]
    return Comparison({labels[int(at)]: verdict for at, verdict in found.verdicts.items()}, found.detectable_share)


MOST_KEPT = 64
_COMPARED: OrderedDict[Hashable, Comparison] = OrderedDict()
"""Comparisons by metric and files, with the positions of the models in place of their names, which a report escapes."""


def identify_lists(store: Store, row: Row) -> Hashable:
    """Return what changes with the lists of a run; None if there are none."""
    file = store.lists_file(row)
    try:
        state = file.stat()
    except OSError:
        return None
    return None if row.error else (str(file), state.st_mtime_ns, state.st_ino, state.st_size)


def read_values(store: Store, groups: Mapping[str, Iterable[Row]], metric: str) -> dict[str, list[NDArray[np.float64]]]:
    """Return the values of each query, `[Q]`, for the runs of each model that have the metric; NaN for a query without a value."""
    values: dict[str, list[NDArray[np.float64]]] = {}
    for label, runs in groups.items():
        tables = [store.lists(run, [metric]) for run in runs]
        found = [table[metric] for table in tables if table is not None and metric in table.column_names]
        values[label] = [np.asarray(column.to_numpy(), np.float64) for column in found]
    return values


def compare_values(values: Values, seeded: Iterable[str], *, higher_is_better: bool) -> Comparison:
    """Return the comparison of models by their values, without verdicts if a model has none or all are equal."""
    if not values or not all(values.values()):
        return NOT_COMPARED
    values = {label: runs for label, runs in values.items() if not all(np.isnan(run).all() for run in runs)}
    means = [np.nanmean(run) for runs in values.values() for run in runs if not np.isnan(run).all()]
    if not means or np.allclose(means, means[0], rtol=1e-9, atol=0):
        return NOT_COMPARED
    return compare_models(values, set(seeded) & set(values), higher_is_better=higher_is_better)
