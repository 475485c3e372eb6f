"""Look up the components of tables that have other mistakes, so that a user sees all mistakes of a file at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from zoo.config.experiment_file import Choice, DataTable, EvaluateTable, MetricChoice, ModelTable
from zoo.config.lookup import Lookup
from zoo.config.train import TrainSettings
from zoo.spec import StageName

_COMPONENTS: dict[type[BaseModel], dict[str, StageName]] = {
    DataTable: {"source": "dataset", "clean": "cleaner"},
    EvaluateTable: {"metrics": "metric", "features": "featurizer"},
    ModelTable: {"predictor": "predictor", "featurizer": "featurizer", "filters": "filter", "rankers": "ranker"},
}
"""The keys of each kind of table that name components, and their stages."""
_SINGLE = ("source", "predictor")
"""The keys with one component instead of a list."""


def look_up_components(lookup: Lookup, table: type[BaseModel], content: Any, where: str) -> None:
    """Record the problems of the well-formed components of a malformed table.

    Args:
        lookup: Looks components up and collects the problems.
        table: The class of the table.
        content: The content of the table, as the user wrote it.
        where: Its place in the file.
    """
    if not isinstance(content, dict):
        return
    stages = next(stages for kind, stages in _COMPONENTS.items() if issubclass(table, kind))
    for key in (key for key in stages if key in table.model_fields and key in content):
        stage, values = stages[key], content[key]
        for i, value in enumerate(values if isinstance(values, list) else [values], 1):
            try:
                choice = (MetricChoice if stage == "metric" else Choice).model_validate(value)
            except ValidationError:  # the validation of the file reports it
                continue
            lookup.one(stage, choice, f"{where}.{key}" if key in _SINGLE else f"{where}.{key}[{i}]")
    for key, check in {"train": lookup.settings, "ranker_train": lookup.ranker_settings}.items():
        if isinstance(own := content.get(key), dict):
            check(own, where, TrainSettings())


def look_up_models(
    lookup: Lookup, table: type[BaseModel], models: Any, malformed: Sequence[bool] | None = None
) -> None:
    """Record the problems of the components of malformed models.

    Args:
        lookup: Looks components up and collects the problems.
        table: The class of a model's table.
        models: The list of models, as the user wrote it.
        malformed: Which of them are malformed; all by default.
    """
    for i, model in enumerate(models if isinstance(models, list) else []):
        if malformed is None or malformed[i]:
            look_up_components(lookup, table, model, f"model[{i + 1}]")
