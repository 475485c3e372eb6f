"""A tracker in one file: `zoo bench FILE --plugin examples/plugins/mlflow_rows.py` logs each row as a run of MLflow.

MLflow reads where to log from `MLFLOW_TRACKING_URI` and `MLFLOW_EXPERIMENT_NAME`.
"""

from typing import Any

from zoo.api import hookimpl

LONGEST = 500
"""The longest parameter value that MLflow takes by default."""


@hookimpl
def zoo_results(row: dict[str, Any]) -> None:
    """Log a row: its settings, metrics with their intervals, costs, and the error if it failed."""
    import mlflow  # only when a row is there: the module is imported at every start of the command

    name = row["label"] if row["seed"] is None else f"{row['label']}, seed {row['seed']}"
    with mlflow.start_run(run_name=name):
        mlflow.set_tags({"zoo.key": row["key"], "zoo.label": row["label"], "zoo.error": row["error"] or ""})
        mlflow.log_params({key: str(value)[:LONGEST] for key, value in flat(row["model"]).items()})
        mlflow.log_metrics(dict(figures(row)))
        mlflow.log_dict(row, "row.json")


def figures(row: dict[str, Any]) -> list[tuple[str, float]]:
    """Return the name and the value of each figure. MLflow allows no @ in a name."""
    found = [
        (f"{metric.replace('@', '_at_')}{end}", value)
        for metric, values in row["metrics"].items()
        for end, value in zip(("", "_low", "_high"), values, strict=True)
    ]
    costs = [(key, row[key]) for key in ("fit_seconds", "recommend_per_second", "p50_ms", "peak_memory_mib")]
    return [(name, float(value)) for name, value in [*found, *costs] if value is not None]


def flat(table: Any, name: str = "") -> dict[str, Any]:
    """Return the values of nested tables and lists by their path, such as `predictor.factors`."""
    if isinstance(table, dict) and table:
        parts = [(f"{name}.{key}".lstrip("."), value) for key, value in table.items()]
    elif isinstance(table, list) and table:
        parts = [(f"{name}.{at}", value) for at, value in enumerate(table)]
    else:
        return {name: table}
    return {path: value for part, nested in parts for path, value in flat(nested, part).items()}
