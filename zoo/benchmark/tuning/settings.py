"""Where the settings of a model are from, and the sentence of a table that mixes tuned models with others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import BaseModel

from zoo.config.resolved import BaseResolvedModel
from zoo.config.train import RANKER_DEFAULTS, NetworkSettings

if TYPE_CHECKING:
    from zoo.benchmark.row import Row

DEFAULT, GIVEN = "default", "given"


def format_settings_of(model: BaseResolvedModel) -> str:
    """Return `default`, or `given` if a setting of a model that is not tuned differs from its default."""
    tables: list[tuple[BaseModel, dict[str, object]]] = [(part.params, {}) for part in model.parts]
    if model.trains_in_epochs:
        tables.append((model.train, {}))
    if model.network_rankers:
        tables.append((model.ranker_train, {"warmup_steps": 0, **RANKER_DEFAULTS}))
    return GIVEN if any(_differs(table, usual) for table, usual in tables) else DEFAULT


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


def format_mixed_settings(groups: dict[str, list[Row]]) -> str:
    """Return that a table compares tuned models with others; an empty string if it does not.

    Args:
        groups: The rows of each model, by label.
    """
    compared = {
        label: rows for label, rows in groups.items() if not (rows[0].reference or rows[0].external or rows[0].error)
    }
    tuned = [label for label, rows in compared.items() if is_tuned(rows)]
    others = [label for label in compared if label not in tuned]
    if not tuned or not others:
        return ""
    return (
        f"This table compares models that are tuned ({', '.join(tuned)}) with models that are not ({', '.join(others)}): "
        "a part of each difference may be due to the search."
    )
