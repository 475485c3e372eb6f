"""Which models of an experiment read a column of the items or of the users, as far as their settings tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

from zoo.config.chosen import Chosen
from zoo.config.resolved import ResolvedModel
from zoo.data.checks.checked_task import CheckedTask

Kind = Literal["item", "user"]
"""Whose columns are meant."""


def may_read(checked: CheckedTask, column: str, kind: Kind = "item") -> bool:
    """Return whether a model may read a column; true if the models are unknown."""
    return not checked.models or any(_reads(model, column, kind, checked) for model in checked.models)


def format_readers(checked: CheckedTask, names: Sequence[str], kind: Kind = "item") -> str:
    """Return a sentence about the models that may read some columns; empty if the models are unknown."""
    readers = [m.label for m in checked.models if any(_reads(m, name, kind, checked) for name in names)]
    return f" Models that may read them: {', '.join(readers)}." if readers else ""


def _reads(model: ResolvedModel, column: str, kind: Kind, checked: CheckedTask) -> bool:
    """Return whether a model may read a column of the items or of the users."""
    if kind == "item":
        return model_may_read(model, column, checked.task.catalogue.columns)
    named = model.candidate_features.user_columns if model.rankers else ()
    return column in named or any(column in part.capabilities.user_columns for part in model.parts)


def model_may_read(model: ResolvedModel, column: str, columns: Sequence[str]) -> bool:
    """Return whether a model may read a column of the items.

    It reads the columns that its parameters name. A featurizer that takes lists of columns and is given none may read any
    column. Rankers read the price and the categories that their candidate features include.
    """
    if any(column in texts_of(part) or column in part.capabilities.columns for part in model.parts):
        return True
    if any(_takes_columns(part) and not set(columns) & texts_of(part) for part in model.featurizers):
        return True
    if not model.rankers:
        return False
    settings = model.candidate_features
    if column in settings.columns:
        return True
    read = {"price": ["price"], "categories": settings.categories or ["category"]}
    return any(column in names for group, names in read.items() if settings.names is None or group in settings.names)


def texts_of(part: Chosen) -> set[str]:
    """Return all texts in the parameters of a component."""
    return set(_texts(part.params.model_dump(mode="json")))


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _takes_columns(part: Chosen) -> bool:
    """Return whether a component has a parameter that is a list."""
    return any(isinstance(value, list) for value in part.params.model_dump(mode="json").values())
