"""The values of a metric for each query of a benchmark, and the comparison of the models by them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zoo.evaluation.significance import Comparison, Verdict, compare_models

if TYPE_CHECKING:
    from zoo.benchmark.row import Row
    from zoo.benchmark.store import Store

Values = Mapping[str, Sequence[NDArray[np.float64]]]
"""The values of each query, `[Q]`, for each seed of each model."""
NOT_COMPARED = Comparison({})


def compare_column(store: Store, groups: dict[str, list[Row]], metric: str) -> Comparison:
    """Return the comparison of the models in a column, without verdicts if no value is better than another."""
    higher = store.manifest().metrics[metric]
    if higher is None:
        return NOT_COMPARED
    seeded = {label for label, runs in groups.items() if runs[0].seed is not None}
    return compare_values(read_values(store, groups, metric), seeded, higher_is_better=higher)


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
    depends = set(seeded)
    key = _digest(values, [label in depends for label in values], higher_is_better=higher_is_better)
    if key not in _COMPARED:
        found = compare_models(values, depends & set(values), higher_is_better=higher_is_better)
        _COMPARED[key] = (tuple(found.verdicts[label] for label in values), found.detectable_share)
        if len(_COMPARED) > MOST_KEPT:
            _COMPARED.popitem(last=False)
    verdicts, detectable = _COMPARED[key]
    return Comparison(dict(zip(values, verdicts, strict=True)), detectable)


MOST_KEPT = 64
_COMPARED: OrderedDict[bytes, tuple[tuple[Verdict, ...], float | None]] = OrderedDict()
"""Comparisons of this process by a digest of their values: the table, the sentence below it and each report need the same."""


def _digest(values: Values, seeded: Sequence[bool], *, higher_is_better: bool) -> bytes:
    """Return a digest of all that a comparison depends on, which the names of the models are not."""
    digest = blake2b(
        repr((higher_is_better, seeded, [[run.shape for run in runs] for runs in values.values()])).encode()
    )
    for runs in values.values():
        for run in runs:
            digest.update(np.ascontiguousarray(run).data)
    return digest.digest()
