"""`[tune]`: the budget with which every model is tuned on the validation part before it is tested."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from pydantic import Field, model_validator

from zoo.config.chosen import Chosen
from zoo.config.model_space import ModelSpace
from zoo.metric_params import CutoffParams
from zoo.params import StrictTable, validated

BUDGETS = ("trials", "minutes")
"""The keys of `[tune]` that limit a search; one of them is given."""


class TuneSettings(StrictTable):
    """`[tune]`: how each model is tuned on the validation part before it is fitted and tested; without the table, none is."""

    trials: int | None = Field(None, ge=1, le=1_000_000)
    """Number of settings to try for each model; the first are those of the file and the defaults."""
    minutes: float | None = Field(None, gt=0)
    """Minutes to spend on the trials of each model, instead of `trials`; a trial that has begun is completed."""
    metric: str | None = Field(None, pattern=r"^.+@[1-9]\d*$")
    """The metric to tune for, one of `[evaluate] metrics`; by default the first of them."""
    seed: int = Field(0, ge=0, le=2**63 - 1)
    """Seed of the search."""
    prune: bool = True
    """Whether a trial of a model that trains in epochs ends early if its validation curve is below those of earlier trials."""

    @model_validator(mode="after")
    def _one_budget(self) -> Self:
        """Require exactly one of `trials` and `minutes`."""
        if self.trials is not None and self.minutes is not None:
            raise ValueError(
                f"expected one budget, found two: trials = {self.trials} and minutes = {self.minutes:g}. Remove one of them."
            )
        if self.trials is None and self.minutes is None:
            raise ValueError("expected a budget, found none. Set trials = 30, or minutes = 20.")
        return self


@dataclass(frozen=True)
class Tuning:
    """How a model is tuned.

    Attributes:
        settings: The settings of `[tune]`.
        metric: The metric to tune for.
        space: The points to choose from.
        prunes: Whether trials with a poor validation curve end early; never for a model that has no such curve.
    """

    settings: TuneSettings
    metric: Chosen
    space: ModelSpace
    prunes: bool = False

    def search_as_json(self) -> dict[str, Any]:
        """Return what the trials depend on, besides the model: everything but the budget."""
        prunes = {"prune": True} if self.prunes else {}
        return {"metric": self.metric.as_json(), "seed": self.settings.seed, "space": self.space.as_json(), **prunes}

    def as_json(self) -> dict[str, Any]:
        """Return the budget, and what the trials depend on."""
        return {**self.budget, **self.search_as_json()}

    @property
    def budget(self) -> dict[str, float]:
        """Return the key of `[tune]` that limits the search, with its value."""
        return {name: value for name in BUDGETS if (value := getattr(self.settings, name)) is not None}

    @property
    def metric_name(self) -> str:
        """Return the name of the metric with its cutoff."""
        return name_with_cutoff(self.metric)

    def format_budget(self) -> str:
        """Return the budget in words."""
        trials, minutes = self.settings.trials, self.settings.minutes
        return f"{minutes:g} minutes" if trials is None else f"{trials} trial{'' if trials == 1 else 's'}"


def own_budget(settings: TuneSettings, own: Mapping[str, Any], where: str) -> TuneSettings:
    """Return the settings of a search with the budget of a `[model.tune]` table, if it has one.

    Args:
        settings: The `[tune]` table.
        own: The model's `tune` table.
        where: Its place in the file.

    Raises:
        ConfigError: The budget is invalid, or there are two.
    """
    given = {name: own[name] for name in BUDGETS if name in own}
    if not given:
        return settings
    kept = {name: value for name, value in settings.model_dump().items() if name not in BUDGETS}
    return validated(TuneSettings, {**kept, **given}, where)


def name_with_cutoff(metric: Chosen) -> str:
    """Return the name of a metric as `[evaluate] metrics` has it."""
    return f"{metric.name}@{metric.params.k}" if isinstance(metric.params, CutoffParams) else metric.name


def drop_other_budget(raw: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """Return the content of a file without its budgets, also those of models, if the overrides set one, which replaces them.

    Args:
        raw: The content.
        overrides: `"path=value"`.
    """
    if len(_budgets_of(overrides)) != 1:
        return dict(raw)
    models = raw.get("model")
    without = {"model": [_without_budget(model) for model in models]} if isinstance(models, list) else {}
    return {**_without_budget(raw), **without}


def replaced_budgets(raw: Mapping[str, Any], overrides: Sequence[str]) -> tuple[str, ...]:
    """Return a sentence for each model with a budget of its own that `drop_other_budget` removes.

    Args:
        raw: The content of the file.
        overrides: `"path=value"`.
    """
    given, models = _budgets_of(overrides), raw.get("model")
    if len(given) != 1 or not isinstance(models, list):
        return ()
    own = [(at, model["tune"]) for at, model in enumerate(models, 1) if _without_budget(model) != model]
    return tuple(
        f"model[{at}].tune: {key} = {table[key]} is replaced by {given[0].strip()}"
        for at, table in own
        for key in BUDGETS
        if key in table
    )


def _budgets_of(overrides: Sequence[str]) -> list[str]:
    """Return the last override of each budget."""
    found = {line.partition("=")[0].strip(): line for line in overrides}
    return [found[f"tune.{name}"] for name in BUDGETS if f"tune.{name}" in found]


def _without_budget(table: Any) -> Any:
    """Return a table without the budget in its table `tune`."""
    if not isinstance(table, dict) or not isinstance(table.get("tune"), dict):
        return table
    return {**table, "tune": {key: value for key, value in table["tune"].items() if key not in BUDGETS}}


def table_only(schema: dict[str, Any]) -> None:
    """Make the JSON schema of an optional table that of the table, since TOML has no null."""
    schema.update(schema.pop("anyOf")[0])
    schema.pop("default", None)
