"""Where the settings of a model are from, and the sentence of a table that mixes tuned models with others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from pydantic import BaseModel

from zoo.config.resolved import ResolvedModel
from zoo.config.resolved_base import BaseResolvedModel
from zoo.config.train import RANKER_DEFAULTS, NetworkSettings
from zoo.errors import ConfigError
from zoo.params import validated
from zoo.spec import Recipe

if TYPE_CHECKING:
    from zoo.benchmark.results_folder.row import Row

DEFAULT, GIVEN, PUBLISHED = "default", "given", "published"


def format_settings_of(model: BaseResolvedModel) -> str:
    """Return where the settings of a model that is not tuned are from.

    `default` if none differs from its default, `published` if all are those of a recipe of its predictor, or else `given`.
    """
    tables: list[tuple[BaseModel, dict[str, object]]] = [(part.params, {}) for part in model.parts]
    if model.trains_in_epochs:
        tables.append((model.train, {}))
    if model.network_rankers:
        tables.append((model.ranker_train, {"warmup_steps": 0, **RANKER_DEFAULTS}))
    if not any(_differs(table, usual) for table, usual in tables):
        return DEFAULT
    return PUBLISHED if _is_published(model) else GIVEN


def _is_published(model: BaseResolvedModel) -> bool:
    """Return whether a model is a predictor alone with the settings of one of its recipes."""
    if not isinstance(model, ResolvedModel) or model.parts != (model.predictor,):
        return False
    return any(_has_settings(model, recipe) for recipe in model.predictor.component.spec.reproduces)


def _has_settings(model: ResolvedModel, recipe: Recipe) -> bool:
    """Return whether parameters and training settings of a predictor are those of a recipe."""
    train = {name: value for name, value in recipe.train.items() if name in NetworkSettings.model_fields}
    try:
        params = model.predictor.component.params(dict(recipe.params))
        settings = validated(NetworkSettings, train, "train")
    except ConfigError:  # a recipe of a plugin need not be valid
        return False
    same = params.model_dump(mode="json") == model.predictor.params.model_dump(mode="json")
    return same and (
        not model.trains_in_epochs or settings.model_dump(mode="json") == model.train.model_dump(mode="json")
    )


def _differs(table: BaseModel, usual: dict[str, object]) -> bool:
    """Return whether a value differs from its default, or has none."""
    fields = (NetworkSettings if isinstance(table, NetworkSettings) else type(table)).model_fields
    return any(
        defined.is_required() or getattr(table, name) != usual.get(name, defined.get_default(call_default_factory=True))
        for name, defined in fields.items()
        if not defined.exclude
    )


def is_tuned(rows: Sequence[Row]) -> bool:
    """Return whether the model of these rows was tuned."""
    return any(row.tuning for row in rows)


def has_settings_column(rows: Iterable[Row]) -> bool:
    """Return whether a table says where settings are from: a model was tuned, or has published settings."""
    return any(row.tuning or row.settings == PUBLISHED for row in rows)


def format_mixed_settings(groups: dict[str, list[Row]]) -> str:
    """Return that a table compares tuned models with others, or with other budgets; an empty string if it does not.

    Args:
        groups: The rows of each model, by label.
    """
    compared = {
        label: rows for label, rows in groups.items() if not (rows[0].reference or rows[0].external or rows[0].error)
    }
    tuned = [label for label, rows in compared.items() if is_tuned(rows)]
    others = [label for label in compared if label not in tuned]
    sentences = []
    if tuned and others:
        sentences.append(
            f"This table compares models that are tuned ({', '.join(tuned)}) with models that are not ({', '.join(others)}): "
            "a part of each difference may be due to the search."
        )
    by_budget: dict[str, list[str]] = {}
    for label in tuned:
        budget = next(row.tuning["budget"] for row in compared[label] if row.tuning)
        by_budget.setdefault(" ".join(f"{value:g} {name}" for name, value in budget.items()), []).append(label)
    if len(by_budget) > 1:
        budgets = "; ".join(f"{budget} for {', '.join(labels)}" for budget, labels in by_budget.items())
        sentences.append(f"The models were tuned with different budgets: {budgets}.")
    return " ".join(sentences)
