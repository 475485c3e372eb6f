"""Which references are better than the models of an experiment."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from zoo.benchmark.tables.compared_columns import compare_column
from zoo.benchmark.tables.comparison_tables import by_label
from zoo.evaluation.significance import FEWEST_SEEDS, Verdict

if TYPE_CHECKING:
    from zoo.benchmark.results_folder.row import Row
    from zoo.benchmark.results_folder.store import Store


def format_better_references(store: Store, metrics: Iterable[str]) -> list[str]:
    """Return which references are better than the models, by the first metric that is high or low for better, one clause for each relation."""
    metric = next((name for name in metrics if store.manifest().metrics.get(name) is not None), None)
    found = better_references(store, metric) if metric else {}
    clauses = []
    for how in dict.fromkeys(found.values()):
        labels = [label for label, relation in found.items() if relation == how]
        subject = f"the reference {labels[0]} is" if len(labels) == 1 else f"the references {', '.join(labels)} are"
        clauses.append(f"{subject} {how}")
    return clauses


def better_references(store: Store, metric: str) -> dict[str, str]:
    """Return the references that are better than the models of the experiment, each with what it is better than.

    The mean of such a reference is better than that of every tested model; if no model is tested, than that of every model.
    """
    groups = {label: rows for label, rows in by_label(store.rows()).items() if not rows[0].error}
    models = {label: rows for label, rows in groups.items() if not rows[0].reference}
    found = {label: _compare(store, label, groups[label], models, metric) for label in groups if label not in models}
    return {label: how for label, how in found.items() if how}


def has_too_few_seeds(rows: list[Row]) -> bool:
    """Return whether a model depends on a seed and ran with too few to be tested."""
    return rows[0].seed is not None and len(rows) < FEWEST_SEEDS


def _compare(store: Store, label: str, reference: list[Row], models: dict[str, list[Row]], metric: str) -> str:
    """Return what a reference is better than; an empty string if it is not better than the models."""
    verdicts = compare_column(store, {**models, label: reference}, metric).verdicts
    tested = [verdicts[other] for other in models if verdicts.get(other, "not tested") != "not tested"]
    few = {other: rows for other, rows in models.items() if has_too_few_seeds(rows)}
    lower = [other for other, rows in few.items() if _is_better(store, reference, rows, metric)]
    reason = f"(not tested: {'one seed' if all(len(rows) == 1 for rows in few.values()) else 'fewer than three seeds'})"
    if not tested:
        every = bool(few) and len(lower) == len(models)
        return f"better on average than every model of the experiment {reason}" if every else ""
    if verdicts[label] != "best" or set(tested) != {"worse"}:
        return _compare_on_average(store, reference, {m: models[m] for m in models if m not in few}, verdicts, metric)
    if len(tested) == len(models):
        return "significantly better than every model of the experiment"
    also = f", and better on average than {', '.join(few)} {reason}" if few and len(lower) == len(few) else ""
    return f"significantly better than every tested model{also}"


def _compare_on_average(
    store: Store, reference: list[Row], tested: dict[str, list[Row]], verdicts: dict[str, Verdict], metric: str
) -> str:
    """Return what a reference is better than by its mean, and from which models it does not differ significantly."""
    same = [label for label in tested if verdicts.get(label) == "same"]
    if not same or not all(_is_better(store, reference, rows, metric) for rows in tested.values()):
        return ""
    return f"better on average than every tested model, but not significantly different from {', '.join(same)}"


def _is_better(store: Store, a: list[Row], b: list[Row], metric: str) -> bool:
    """Return whether the mean of a model over its seeds is better than that of another."""
    means = [[value for row in rows if (value := row.metrics[metric][0]) is not None] for rows in (a, b)]
    if not all(means):
        return False
    first, second = (float(np.mean(each)) for each in means)
    if np.isclose(first, second, rtol=1e-9, atol=0):
        return False
    return first > second if store.manifest().metrics[metric] else first < second
