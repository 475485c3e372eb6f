"""Which parameters of a model are searched: those with a space that the file does not set, as `[model.tune]` changes them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from random import Random
from typing import Any, Protocol, TypeVar

from zoo.config.chosen import Chosen
from zoo.config.model_space import ModelSpace, Point, SearchedPart
from zoo.config.resolved_base import BaseResolvedModel
from zoo.config.searched_values import read_space
from zoo.config.train import NetworkSettings, TrainSettings
from zoo.config.tune import BUDGETS, TuneSettings, Tuning, name_with_cutoff, own_budget
from zoo.errors import ConfigError, suggestion
from zoo.search_space import in_order, random_draw, spaces_of

M = TypeVar("M", bound=BaseResolvedModel)
SLOTS = {"predictor": "predictor", "featurizers": "featurizer", "filters": "filters", "rankers": "rankers"}
"""The fields of a resolved model that hold components, and their keys in a `[[model]]` table."""
RANGE_KEYS = {"low", "high", "log"}
TRIED = 200
"""Points that are drawn to find one that is valid."""


class TunedTable(Protocol):
    """The keys of a `[[model]]` table that decide what is searched."""

    @property
    def tune(self) -> bool | dict[str, Any]:
        """The `tune` table."""

    @property
    def train(self) -> dict[str, Any]:
        """The `train` table."""

    @property
    def ranker_train(self) -> dict[str, Any]:
        """The `ranker_train` table."""


def tune_models(
    models: Sequence[M | None],
    tables: Sequence[TunedTable | None],
    settings: TuneSettings | None,
    train: TrainSettings,
    metrics: Sequence[Chosen],
) -> tuple[tuple[M | None, ...], list[str]]:
    """Return models with what is searched of them, and an error line for each problem of `[tune]` and `[model.tune]`.

    Args:
        models: The models; None for one that has a problem already.
        tables: Their tables.
        settings: The `[tune]` table.
        train: The `[train]` table.
        metrics: The metrics that are measured.
    """
    found, problems, metric = list(models), list[str](), None
    try:
        metric = tuned_metric(settings, metrics) if settings and metrics else None
    except ConfigError as error:
        problems.append(str(error))
    for at, (model, table) in enumerate(zip(models, tables, strict=True)):
        if model is None or table is None:
            continue
        fixed = set_by_file(train, table.train, table.ranker_train)
        try:
            found[at] = with_tuning(model, table.tune, settings, metric, fixed=fixed, where=f"model[{at + 1}]")
        except ConfigError as error:
            problems.append(str(error))
    return tuple(found), problems


def with_tuning(
    model: M,
    own: Mapping[str, Any] | bool,
    settings: TuneSettings | None,
    metric: Chosen | None,
    *,
    fixed: Collection[str],
    where: str,
) -> M:
    """Return a model with what is searched of it; unchanged without `[tune]` or with `tune = false`.

    Args:
        model: The model.
        own: The model's `tune` table; False to keep the model at its settings.
        settings: The `[tune]` table.
        metric: The metric to tune for; None if it has a problem.
        fixed: The training settings that the file sets, as `set_by_file` returns them.
        where: The place of the model in the file.

    Raises:
        ConfigError: The `tune` table is invalid, or no point of the space is; one line for each problem.
    """
    if isinstance(own, bool):
        own, settings = {}, settings if own else None
    space, problems = ModelSpace(()), list[str]()
    if settings is None and (unused := next((name for name in BUDGETS if name in own), None)):
        problems.append(
            f"{where}.tune.{unused}: the file has no [tune] table, so no model is tuned. Add one, with the budget of the other "
            "models, or remove this key."
        )
    try:
        settings = settings and own_budget(settings, own, f"{where}.tune")
    except ConfigError as error:
        problems.append(str(error))
    try:
        space = _searched(model, {key: own[key] for key in own if key not in BUDGETS}, fixed, f"{where}.tune")
    except ConfigError as error:
        problems.append(str(error))
    if problems:
        raise ConfigError("\n".join(problems))
    if settings is None or metric is None:
        return model
    if not space.parts:
        return replace(model, searches_nothing=True)
    return replace(model, tuning=Tuning(settings, metric, space, settings.prune and model.has_validation_curve))


def set_by_file(train: TrainSettings, own: Collection[str], rankers: Collection[str]) -> set[str]:
    """Return the training settings that a file sets: `train.NAME` and `ranker_train.NAME`.

    Args:
        train: The `[train]` table.
        own: The keys of `[model.train]`.
        rankers: The keys of `[model.ranker_train]`.
    """
    return {f"train.{name}" for name in (*train.model_fields_set, *own)} | {f"ranker_train.{name}" for name in rankers}


def tuned_metric(settings: TuneSettings, metrics: Sequence[Chosen]) -> Chosen:
    """Return the metric to tune for.

    Raises:
        ConfigError: It is not measured.
    """
    names = {name_with_cutoff(metric): metric for metric in metrics}
    wanted = next(iter(names)) if settings.metric is None else settings.metric
    if wanted not in names:
        raise ConfigError(
            f"tune.metric: {wanted!r} is not measured.{suggestion(wanted, names)} Choose one of [evaluate] metrics "
            f"({', '.join(names)}), or add it there."
        )
    return names[wanted]


def with_point(model: M, point: Point) -> M:
    """Return a model with the values of a point, which is not searched any more.

    Raises:
        ConfigError: The values are not valid together.
    """
    places = {name: (slot, at) for slot, at, name, _ in named_parts(model)}
    owners: dict[str, Chosen | NetworkSettings] = {name: chosen for _, _, name, chosen in named_parts(model)}
    owners |= {"train": model.train, "ranker_train": model.ranker_train}
    values: dict[str, dict[str, Any]] = {}
    for full, value in point.items():
        name = full.rpartition(".")[0]
        values.setdefault(name, {})[full.removeprefix(f"{name}.")] = value
    changes: dict[str, Any] = {"tuning": None}
    for name, own in values.items():
        if name not in owners:
            raise ConfigError(f"{name}: the model has no such part.")
        found = SearchedPart(name, owners[name], {}).with_values(own, name)
        if name not in places:
            changes[name] = found
            continue
        slot, at = places[name]
        components = changes.get(slot, getattr(model, slot))
        changes[slot] = found if at is None else (*components[:at], found, *components[at + 1 :])
    return replace(model, **changes)


def named_parts(model: BaseResolvedModel) -> Iterator[tuple[str, int | None, str, Chosen]]:
    """Yield the components of a model: field, index in it (None for a single one), name in the model, component.

    A component of a list is named after its key and itself (`rankers.lambdamart`), or after its number if it is there twice.
    """
    present = {f.name for f in fields(model)}
    for slot, key in SLOTS.items():
        found = getattr(model, slot) if slot in present else ()
        if isinstance(found, Chosen):
            yield slot, None, key, found
            continue
        names = [chosen.name for chosen in found]
        for at, chosen in enumerate(found):
            yield slot, at, f"{key}.{chosen.name if names.count(chosen.name) == 1 else at + 1}", chosen


def _searched(model: BaseResolvedModel, own: Mapping[str, Any], fixed: Collection[str], where: str) -> ModelSpace:
    """Return the space of a model.

    Raises:
        ConfigError: The `tune` table is invalid, or no point of the space is.
    """
    parts = [_part(name, chosen, chosen.params.model_fields_set) for _, _, name, chosen in named_parts(model)]
    of_train = {name.partition(".")[2] for name in fixed if name.startswith("train.")}
    of_rankers = {name.partition(".")[2] for name in fixed if name.startswith("ranker_train.")}
    neural = model.network_rankers
    if any(p.capabilities.trains_in_epochs for p in model.parts if p.component.spec.stage != "ranker"):
        parts.append(_part("train", model.train, of_train))
    if neural:
        parts.append(_part("ranker_train", model.ranker_train, of_rankers))
    problems: list[str] = []
    named = {f"{part.name}.{name}": part for part in parts for name in part.settings}
    changed = {part.name: dict(part.spaces) for part in parts}
    for name, value in _flat(own):
        if name in TuneSettings.model_fields:
            problems.append(f"{where}.{name}: is the same for all models. Move it to [tune].")
            continue
        if name not in named:
            known = [f"{part.name}.{searched}" for part in parts for searched in part.spaces]
            has = f"The model searches: {', '.join(known)}." if known else "The model searches nothing."
            problems.append(f"{where}.{name}: the model has no such parameter.{suggestion(name, named)} {has}")
            continue
        part, parameter = named[name], name.removeprefix(f"{named[name].name}.")
        changed[part.name].pop(parameter, None)
        try:
            if value is not False:
                changed[part.name][parameter] = read_space(part, parameter, value, f"{where}.{name}")
        except ConfigError as error:
            problems.append(str(error))
    if problems:
        raise ConfigError("\n".join(problems))
    space = ModelSpace(tuple(replace(p, spaces=in_order(changed[p.name])) for p in parts if changed[p.name]))
    if problem := _without_points(model, space):
        raise ConfigError(f"{where}: the search space excludes every point: {problem}")
    return space


def _part(name: str, owner: Chosen | NetworkSettings, fixed: Collection[str]) -> SearchedPart:
    """Return a part with the declared spaces of what the file does not set."""
    declared = spaces_of(type(owner.params if isinstance(owner, Chosen) else owner))
    part = SearchedPart(name, owner, {})
    settings = part.settings
    spaces = {
        key: space if settings[key] is None else space.of_values()
        for key, space in declared.items()
        if key not in fixed
    }
    return replace(part, spaces=spaces)


def _flat(table: Mapping[str, Any], start: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the entries of a `tune` table with their full names; a table with the keys of a range is a value."""
    for key, value in table.items():
        if isinstance(value, dict) and not set(value) <= RANGE_KEYS:
            yield from _flat(value, f"{start}{key}.")
        else:
            yield f"{start}{key}", value


def _without_points(model: BaseResolvedModel, space: ModelSpace) -> str:
    """Return why no point of a space is valid; empty if one is."""
    random, problem = Random(0), ""  # noqa: S311
    for _ in range(TRIED):
        try:
            for part in space.parts:
                point = ModelSpace((part,)).draw(random_draw(random))
                part.with_values(
                    {name.removeprefix(f"{part.name}."): value for name, value in point.items()}, part.name
                )
        except ConfigError as error:
            problem = problem or str(error).splitlines()[0]
        else:
            return ""
    return problem
