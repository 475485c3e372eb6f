"""What differs between two compared runs besides their figures: model, settings, seeds, versions, machine; and what must not differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from zoo.benchmark.changed_runs import differing_paths
from zoo.benchmark.compare.sides import Side
from zoo.benchmark.results_folder.row import Row
from zoo.benchmark.results_folder.store import describe_difference
from zoo.config.formatting import format_model
from zoo.errors import ResultsError, suggestion

QUERY_COLUMNS = ("user_id", "now", "query_id")
"""The columns of lists that identify the queries."""
SAME_QUERIES = ("task", "data", "events", "users", "items", "lists", "split", "evaluate")
"""What must agree for two runs to have the same queries with the same targets, of the description of a task."""
OF_LISTS = ("fallback",)
"""Rules of `evaluate` that affect lists, and neither queries nor targets."""
MOST = 8


@dataclass(frozen=True)
class SideDifference:
    """Something that differs between the two sides.

    Attributes:
        what: What it is, such as `predictor.factors` or `version of torch`.
        first: Its value on the first side.
        second: Its value on the second side.
    """

    what: str
    first: str
    second: str


def refuse_other_queries(a: Side, b: Side) -> None:
    """Refuse two sides whose queries or targets differ.

    Raises:
        ResultsError: They do; the message names what differs.
    """
    if (first := _queries_of(a)) != (second := _queries_of(b)):
        raise ResultsError(
            f"{a.name} in {a.place} and {b.name} in {b.place} were measured on other queries or targets: they differ in "
            f"{describe_difference(first, second)}. A paired difference needs the same data, split and rules for both. Run both on "
            "the same."
        )
    for table in (*a.lists[1:], *b.lists):
        if any(not a.lists[0][name].equals(table[name]) for name in _keys(a) if name in table.column_names):
            raise ResultsError(
                f"{a.name} in {a.place} and {b.name} in {b.place} have lists for other queries, although their tasks agree. A file in "
                "`runs/` was changed: `zoo verify FOLDER` finds it."
            )


def _keys(side: Side) -> list[str]:
    """Return the columns that identify the queries of a side."""
    return [name for name in QUERY_COLUMNS if name in side.lists[0].column_names]


def _queries_of(side: Side) -> dict[str, Any]:
    """Return the part of a task's description on which queries and targets depend."""
    found = {key: value for key, value in side.manifest.description.items() if key in SAME_QUERIES}
    rules = found.get("evaluate")
    if isinstance(rules, dict):
        found["evaluate"] = {key: value for key, value in rules.items() if key not in OF_LISTS}
    return found


def choose_metric(a: Side, b: Side, metric: str | None) -> str:
    """Return the metric to compare: the one that is asked for, else the first with a value for each query on both sides.

    Raises:
        ResultsError: It is not measured on both sides, has no value for each query, or is defined in two ways.
    """
    measured = [list(side.manifest.metrics) for side in (a, b)]
    per_query = [name for name in measured[0] if all(name in table.column_names for table in (*a.lists, *b.lists))]
    if metric is None:
        if not per_query:
            raise ResultsError(
                f"no metric has a value for each query on both sides: {a.place} measures {', '.join(measured[0])}, {b.place} "
                f"{', '.join(measured[1])}. Run both with the same metric, such as ndcg@10."
            )
        metric = per_query[0]
    for side, names in zip((a, b), measured, strict=True):
        if metric not in names:
            raise ResultsError(
                f"{metric} is not measured in {side.place}.{suggestion(metric, names)} It has: {', '.join(names)}."
            )
    if metric not in per_query:
        raise ResultsError(
            f"{metric} is a value of all lists together, and has none for a single query, so there is no paired difference. Choose "
            f"one of {', '.join(per_query) or 'the metrics per query'}."
        )
    first, second = (_definition(side, metric) for side in (a, b))
    if first != second:
        raise ResultsError(
            f"{metric} is defined in two ways: {a.place} has {first}, {b.place} {second}. Run both with the same definition."
        )
    return metric


def _definition(side: Side, metric: str) -> list[dict[str, Any]]:
    """Return how a side defines a metric: the entries with its cutoff whose name begins its name."""
    name, _, cutoff = metric.rpartition("@")
    metrics = side.manifest.description.get("metrics", [])
    return [m for m in metrics if str(m.get("k")) == cutoff and m["name"].rpartition("/")[2] == name]


def side_differences(a: Side, b: Side) -> list[SideDifference]:
    """Return what differs between two sides besides their figures."""
    return [
        *_of_model(a.rows[0], b.rows[0]),
        *_of_tables("", _settings(a), _settings(b)),
        *_of_origins(a.rows[0], b.rows[0]),
        *_of_values("seed", _seeds(a), _seeds(b)),
        *_of_versions(a.rows[0], b.rows[0]),
        *_of_tables("machine", a.rows[0].machine, b.rows[0].machine),
    ]


def _of_model(a: Row, b: Row) -> Iterator[SideDifference]:
    """Yield what differs between two models: parameter by parameter if the predictor is the same, else as a whole."""
    first, second = a.model, b.model
    same_kind = first and second and _names(first) == _names(second)
    if same_kind:
        yield from _of_tables("", first, second)
    elif first != second or a.external != b.external:
        yield SideDifference("model", _format(a), _format(b))


def _of_origins(a: Row, b: Row) -> Iterator[SideDifference]:
    """Yield where the settings of two models are from; lists of another program have none."""
    if not a.external and not b.external:
        yield from _of_values("settings from", a.settings, b.settings)


def _names(model: Mapping[str, Any]) -> list[Any]:
    """Return the names of the components of a model."""
    parts = [model.get("predictor"), *(p for key in ("featurizers", "filters", "rankers") for p in model.get(key, []))]
    return [part and part.get("name") for part in parts]


def _format(row: Row) -> str:
    """Return a model as text."""
    return f"lists of {row.external['file']}" if row.external else format_model(_rounded(row.model))


def _settings(side: Side) -> dict[str, Any]:
    """Return the settings of an experiment that all of its models share and that affect figures."""
    experiment = side.manifest.experiment
    shared = {key: value for key, value in experiment.items() if key not in ("model", "references")}
    shared["train"] = {key: v for key, v in shared.get("train", {}).items() if key != "seeds"}
    shared["evaluate"] = {key: v for key, v in shared.get("evaluate", {}).items() if key != "metrics"}
    return shared


def _seeds(side: Side) -> str:
    """Return the seeds of a side."""
    return ", ".join(str(row.seed) for row in side.rows) if side.seeded else "none"


def _of_versions(a: Row, b: Row) -> Iterator[SideDifference]:
    """Yield the software that both have in different versions; a plugin that only one of the models needs does not count."""
    for name in a.versions:
        if name in b.versions:
            yield from _of_values(f"version of {name}", a.versions[name], b.versions[name])


def _of_tables(where: str, a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[SideDifference]:
    """Yield the paths in which two JSON tables differ; of many the first ones."""
    paths = list(dict.fromkeys(differing_paths(dict(a), dict(b))))
    for path in paths[:MOST]:
        yield from _of_values(f"{where}.{path}" if where else path, _at(a, path), _at(b, path))
    if len(paths) > MOST:
        yield SideDifference(f"{len(paths) - MOST} more settings", "", "")


def _of_values(what: str, a: object, b: object) -> Iterator[SideDifference]:
    """Yield two values if they differ."""
    if a != b:
        first, second = _text(_rounded(a)), _text(_rounded(b))
        yield SideDifference(what, first, second) if first != second else SideDifference(what, _text(a), _text(b))


def _at(table: Mapping[str, Any], path: str) -> Any:
    """Return the value at a path of `differing_paths`; None if there is none."""
    value: Any = table
    for key in _steps(path):
        if isinstance(value, list):
            value = value[key] if isinstance(key, int) and key < len(value) else None
        elif isinstance(value, Mapping):
            value = value.get(key)
        else:
            return None
    return value


def _steps(path: str) -> Iterable[str | int]:
    """Yield the keys and positions of a path such as `rankers[2].dim`."""
    for part in path.split("."):
        key, _, rest = part.partition("[")
        if key:
            yield key
        for position in rest.split("["):
            if position:
                yield int(position.rstrip("]")) - 1


def _rounded(value: Any) -> Any:
    """Return a JSON value with four significant digits of each number."""
    if isinstance(value, Mapping):
        return {key: _rounded(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_rounded(part) for part in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


def _text(value: object) -> str:
    """Return a value of the settings as text."""
    return "not set" if value is None else str(value)
